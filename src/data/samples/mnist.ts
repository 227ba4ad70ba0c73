import { join } from 'node:path';
import { DataError, type HostTensor } from '#core';
import { exists, readIdx } from './idx.ts';

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

async function find(folder: string, name: string): Promise<string> {
  const candidates = [name, name.replace('-idx', '.idx')].flatMap((each) => [each, `${each}.gz`]);
  for (const candidate of candidates) {
    const path = join(folder, candidate);
    if (await exists(path)) return path;
  }
  throw new DataError(
    `loadMnist: the folder must hold ${name} or ${name}.gz, but "${folder}" does not. Put MNIST's four files there.`,
    { file: join(folder, name) },
  );
}

async function loadPart(folder: string, prefix: string): Promise<LabelledImages> {
  const images = await readIdx(await find(folder, `${prefix}-images-idx3-ubyte`));
  const labels = await readIdx(await find(folder, `${prefix}-labels-idx1-ubyte`));
  if (images.shape.length !== 3 || labels.shape.length !== 1 || images.shape[0] !== labels.shape[0]) {
    throw new DataError(
      `loadMnist: there must be one label per image, but got images [${images.shape.join(', ')}] and labels [${labels.shape.join(', ')}] in "${folder}". Check that the files belong together.`,
      { images: [...images.shape], labels: [...labels.shape] },
    );
  }
  return { images, labels };
}

/**
 * Reads the four files of MNIST.
 * @throws DataError naming a missing or damaged file
 */
export async function loadMnist(folder: string): Promise<Mnist> {
  return { train: await loadPart(folder, 'train'), test: await loadPart(folder, 't10k') };
}
