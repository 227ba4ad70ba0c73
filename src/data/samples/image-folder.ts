import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataError, distFile } from '#core';
import { isPictureName } from '../file-kinds.ts';
import { checkIndex, type Dataset, type Sample } from './dataset.ts';
import { type DecodeOptions, decodeImage } from './decode-image.ts';
import type { DatasetDescription } from './open-dataset.ts';

/** What the images become: their size and channels. */
export type ImageFolderOptions = DecodeOptions;

/** What there is in a folder. */
export interface ImageFolderListing {
  /** Path and index of the class of every image. */
  readonly files: readonly (readonly [path: string, label: number])[];
  readonly classes: readonly string[];
}

/**
 * Images in one folder per class; classes are the folders' names, sorted by their code units, as torchvision's
 * `ImageFolder` does. A sample is uint8 `[C, H, W]` and its class as int64 `[]`. Images are decoded when asked for.
 *
 * @example
 * const dataset = await ImageFolderDataset.open('birds', { size: [224, 224] });
 * const loader = new DataLoader(dataset, { batchSize: 32, shuffle: true, workers: 2 });
 */
export class ImageFolderDataset implements Dataset {
  readonly classes: readonly string[];
  readonly files: ImageFolderListing['files'];
  readonly worker: DatasetDescription;
  private readonly options: ImageFolderOptions;

  constructor({ files, classes }: ImageFolderListing, options: ImageFolderOptions = {}) {
    this.files = files;
    this.classes = classes;
    this.options = options;
    const module = pathToFileURL(distFile('data', 'samples', 'image-folder.js')).href;
    this.worker = { module, create: 'createImageFolder', settings: { files, classes, options } };
  }

  /**
   * Lists a folder, with the folders inside its class folders. Hidden folders and files of other types are passed over.
   * @throws DataError when there is no class folder, or one without images
   */
  static async open(folder: string, options: ImageFolderOptions = {}): Promise<ImageFolderDataset> {
    const entries = await list(folder);
    const classes = entries
      .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort();
    const images = await Promise.all(classes.map((name) => listImages(join(folder, name))));
    const empty = classes.filter((_, label) => images[label].length === 0);
    if (classes.length === 0 || empty.length > 0) {
      const got = classes.length === 0 ? 'has no folder' : `has no image in ${empty.join(', ')}`;
      throw new DataError(
        `ImageFolderDataset: there must be one folder of images per class, but "${folder}" ${got}. Expected ${join(folder, 'CLASS', 'IMAGE.png')}; remove folders that are no class.`,
        { file: folder, classes, empty },
      );
    }
    const files = images.flatMap((paths, label) => paths.map((path) => [path, label] as const));
    return new ImageFolderDataset({ files, classes }, options);
  }

  get length(): number {
    return this.files.length;
  }

  async get(index: number): Promise<Sample> {
    checkIndex(index, this.length);
    const [path, label] = this.files[index];
    const image = await decodeImage(path, this.options);
    return [image, { dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(label)) }];
  }
}

async function list(folder: string) {
  return readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new DataError(
      `ImageFolderDataset: the folder must be readable, but "${folder}" is not: ${(error as Error).message}. Check the path.`,
      { file: folder },
      { cause: error },
    );
  });
}

async function listImages(folder: string): Promise<string[]> {
  const entries = await list(folder);
  const nested = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return listImages(path);
      return isPictureName(entry.name) ? [path] : [];
    }),
  );
  return nested.flat().sort();
}

/** @public Called by its name in worker threads. */
export function createImageFolder({
  files,
  classes,
  options,
}: ImageFolderListing & { readonly options: ImageFolderOptions }): ImageFolderDataset {
  return new ImageFolderDataset({ files, classes }, options);
}
