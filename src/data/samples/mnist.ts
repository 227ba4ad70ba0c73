import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError, type HostTensor } from '#core';
import { readIdx } from './idx.ts';

/** Images uint8 `[N, H, W]` and labels uint8 `[N]`. */
export interface LabelledImages {
  readonly images: HostTensor;
  readonly labels: HostTensor;
}

/** The two parts of MNIST or of data in its format. */
export interface Mnist {
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

const names = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'].map(
  (name) => `${name}-ubyte`,
);

/** The file by one of the names under which it is handed around. */
function findFile(folder: string, name: string): string | undefined {
  return [name, name.replace('-idx', '.idx')]
    .flatMap((each) => [each, `${each}.gz`])
    .map((each) => join(folder, each))
    .find((path) => existsSync(path));
}

async function loadPart(imageFile: string, labelFile: string): Promise<LabelledImages> {
  const [images, labels] = await Promise.all([readIdx(imageFile), readIdx(labelFile)]);
  const areBytes = images.dtype === 'uint8' && labels.dtype === 'uint8';
  const agree = images.shape.length === 3 && labels.shape.length === 1 && images.shape[0] === labels.shape[0];
  if (!areBytes || !agree) {
    throw new DataError(
      `loadMnist: there must be uint8 images [N, H, W] and as many labels [N], but got ${images.dtype} [${images.shape.join(', ')}] in "${imageFile}" and ${labels.dtype} [${labels.shape.join(', ')}] in "${labelFile}". Check that the files belong together.`,
      { file: imageFile, images: [...images.shape], labels: [...labels.shape] },
    );
  }
  return { images, labels };
}

/**
 * Reads the four files of MNIST, each plain or gzip: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
 * `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, or with a dot before `idx`.
 *
 * @throws DataError naming all missing files, a damaged file, or files that do not belong together
 */
export async function loadMnist(folder: string): Promise<Mnist> {
  const paths = names.map((name) => findFile(folder, name));
  const missing = names.filter((_, i) => paths[i] === undefined);
  if (missing.length > 0) {
    throw new DataError(
      `loadMnist: the folder must hold MNIST's four files, plain or .gz, but "${folder}" has no ${missing.join(', ')}. Put them there.`,
      { file: join(folder, missing[0]), missing },
    );
  }
  const [trainImages, trainLabels, testImages, testLabels] = paths as string[];
  return { train: await loadPart(trainImages, trainLabels), test: await loadPart(testImages, testLabels) };
}
