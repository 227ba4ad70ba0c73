import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { DataError, type HostTensor } from '#core';
import type { WorkerDataset, WorkerDescription } from './batch-workers.ts';
import type { Sample } from './dataset.ts';

export interface ImageFolderOptions {
  /** `[height, width]` that every image is resized to; as they are when absent. */
  readonly size?: readonly [number, number];
  /** 3 for RGB (default), 1 for grey. */
  readonly channels?: 1 | 3;
}

interface ImageFolderSettings extends ImageFolderOptions {
  readonly files: readonly (readonly [path: string, label: number])[];
  readonly classes: readonly string[];
}

const pattern = /\.(png|jpe?g|webp|gif)$/i;

/**
 * Images in one folder per class; classes are the folders' names, sorted. A sample is uint8 `[C, H, W]` and its class
 * as int64 `[]`. Images are decoded when asked for, turned upright by their EXIF data.
 */
export class ImageFolderDataset implements WorkerDataset {
  readonly classes: readonly string[];
  readonly files: ImageFolderSettings['files'];
  readonly worker: WorkerDescription;
  private readonly options: ImageFolderOptions;

  constructor({ files, classes, ...options }: ImageFolderSettings) {
    this.files = files;
    this.classes = classes;
    this.options = options;
    this.worker = {
      module: import.meta.url,
      create: 'createImageFolder',
      settings: { files, classes, ...options },
    };
  }

  /**
   * Lists a folder.
   * @throws DataError when it has no class folders or no images
   */
  static async open(folder: string, options: ImageFolderOptions = {}): Promise<ImageFolderDataset> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      throw new DataError(
        `ImageFolderDataset: the folder must be readable, but "${folder}" is not: ${(error as Error).message}.`,
        { file: folder },
        { cause: error },
      );
    });
    const classes = entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
    const files: [string, number][] = [];
    for (const [label, name] of classes.entries()) {
      const names = (await readdir(join(folder, name))).filter((file) => pattern.test(file)).sort();
      files.push(...names.map((file): [string, number] => [join(folder, name, file), label]));
    }
    if (files.length === 0) {
      throw new DataError(
        `ImageFolderDataset: there must be one folder of images per class, but "${folder}" has ${classes.length} folders and no image. Expected ${join(folder, 'CLASS', 'IMAGE.png')}.`,
        { file: folder, classes },
      );
    }
    return new ImageFolderDataset({ files, classes, ...options });
  }

  get length(): number {
    return this.files.length;
  }

  async get(index: number): Promise<Sample> {
    const [path, label] = this.files[index];
    const image = await decodeImage(path, this.options);
    return [image, { dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(label)) }];
  }
}

/** For worker threads. */
export function createImageFolder(settings: ImageFolderSettings): ImageFolderDataset {
  return new ImageFolderDataset(settings);
}

/**
 * Reads an image as uint8 `[C, H, W]`, upright, without an alpha channel.
 * @throws DataError naming the file
 */
export async function decodeImage(
  path: string,
  { size, channels = 3 }: ImageFolderOptions = {},
): Promise<HostTensor<'uint8'>> {
  try {
    let image = sharp(path).rotate().removeAlpha();
    if (size !== undefined) image = image.resize({ height: size[0], width: size[1], fit: 'fill' });
    const converted = channels === 1 ? image.greyscale() : image.toColourspace('srgb');
    const { data, info } = await converted.raw().toBuffer({ resolveWithObject: true });
    return {
      dtype: 'uint8',
      shape: [channels, info.height, info.width],
      data: channelsFirst(data, info.channels, channels),
    };
  } catch (error) {
    throw new DataError(
      `decodeImage: the file must be an image, but "${path}" is not: ${(error as Error).message}. Mend or remove it.`,
      { file: path },
      { cause: error },
    );
  }
}

/** `[H, W, given]` to `[wanted, H, W]`; a single channel is repeated. */
function channelsFirst(data: Uint8Array, given: number, wanted: number): Uint8Array {
  const pixels = data.length / given;
  const planes = new Uint8Array(pixels * wanted);
  for (let c = 0; c < wanted; c++) {
    const from = Math.min(c, given - 1);
    for (let i = 0; i < pixels; i++) planes[c * pixels + i] = data[i * given + from];
  }
  return planes;
}
