/** In [4] and In [10]: from recordings to batches. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  classReport,
  convertSounds,
  DecodedCache,
  formatClassReport,
  type ImageItem,
  readImageIndex,
  resampleClasses,
  writeBirdSongs,
} from 'trainyard/data';
import { PictureSource, type Pipeline } from 'trainyard/vision';
import { type Cfg, type Flags, imageSizeOf, seed } from './setting.js';
import { getTestTransform, getTrainTransform } from './transforms.js';

/** Rows of `Data/train.csv`, with their pictures decoded once. */
export class Data {
  /** `image_path,label,label_name,group,fold` */
  readonly csv: string;
  readonly items: readonly ImageItem[];
  readonly classes: readonly string[];
  readonly cache: DecodedCache;

  private constructor(
    csv: string,
    items: readonly ImageItem[],
    classes: readonly string[],
    cache: DecodedCache,
  ) {
    this.csv = csv;
    this.items = items;
    this.classes = classes;
    this.cache = cache;
  }

  static async open(flags: Flags, folder: string): Promise<Data> {
    const csv = await spectrogramsOf(flags, folder);
    // df= pd.read_csv('Data/train.csv')
    const index = await readImageIndex(csv);
    console.log(formatClassReport(classReport(index)));
    const paths = index.items.map(({ path }) => path);
    // Far larger pictures are made smaller once, and not in every epoch.
    const smallestSide = 2 * imageSizeOf(flags);
    const cache = await DecodedCache.open(paths, { folder: join(folder, 'cache'), smallestSide });
    return new Data(csv, index.items, index.classes, cache);
  }

  close(): Promise<void> {
    return this.cache.close();
  }
}

/** The table of spectrograms: the one given, one drawn from recordings, or one of generated songs. */
async function spectrogramsOf(flags: Flags, folder: string): Promise<string> {
  const { data, full } = flags;
  const imageSize = imageSizeOf(flags);
  const size: readonly [number, number] = [imageSize, Math.round(imageSize * 1.5)];
  const drawn = {
    nMels: 128,
    fMin: 50,
    padding: 'repeat',
    windowSeconds: full ? 5 : 3,
    ...(full ? {} : { size }),
  } as const;
  if (data === undefined) {
    const songs = { species: 6, recordings: 20, seconds: drawn.windowSeconds };
    const written = await writeBirdSongs(folder, { ...songs, seed, folds: 5, spectrograms: drawn });
    return written.spectrogramCsv!;
  }
  if ((await stat(data)).isFile()) return data;
  const options = { ...drawn, sampleRate: 32_000, folds: 5, onBroken: 'skip' } as const;
  const { csv, sounds, spectrograms, broken } = await convertSounds(
    [data],
    join(folder, 'spectrograms'),
    options,
  );
  for (const { path, reason } of broken) console.log(`left out ${path}: ${reason}`);
  console.log(`${spectrograms} spectrograms of ${sounds} recordings`);
  return csv;
}

/**
 * In [4]: `Customize_Dataset` and its `DataLoader`. Pixels stay bytes, `[N, H, W, 3]`; labels are one-hot, or shared by
 * two classes where pictures were joined.
 */
function customizeDataset(
  { items, classes, cache }: Data,
  rows: ArrayLike<number>,
  transforms: Pipeline,
  { batchSize, shuffle }: { readonly batchSize: number; readonly shuffle: boolean },
): PictureSource {
  return new PictureSource({
    cache,
    rows,
    labels: Array.from(rows, (row) => items[row].label),
    classes: classes.length,
    pipeline: transforms,
    batchSize,
    shuffle,
    dropsLoneRow: shuffle,
    seed,
  });
}

export interface PreparedData {
  readonly trainLoader: PictureSource;
  readonly validLoader: PictureSource;
}

/** In [10]: the fold's rows, classes of 500 rows at most and 50 at least. */
export function prepareDataset(data: Data, CFG: Cfg): PreparedData {
  const numbers = data.items.map((_, row) => row);
  const others = numbers.filter((row) => data.items[row].fold !== CFG.fold);
  const labels = others.map((row) => data.items[row].label);
  const sampled = resampleClasses(labels, { cap: 500, floor: 50, seed });
  const trainDataset = Array.from(sampled, (place) => others[place]);
  const validDataset = numbers.filter((row) => data.items[row].fold === CFG.fold);
  console.log(`train dataset: ${trainDataset.length}`);
  console.log(`valid dataset: ${validDataset.length}`);

  const trainLoader = customizeDataset(data, trainDataset, getTrainTransform(CFG.img_size, 1), {
    batchSize: CFG.batch_size,
    shuffle: true,
  });
  const validLoader = customizeDataset(data, validDataset, getTestTransform(CFG.img_size), {
    batchSize: 32,
    shuffle: false,
  });
  return { trainLoader, validLoader };
}
