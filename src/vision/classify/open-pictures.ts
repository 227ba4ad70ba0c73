import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, DataError } from '#core';
import {
  type BrokenImage,
  checkImages,
  convertSounds,
  DecodedCache,
  type ImageIndex,
  type ImageItem,
  isPictureName,
  isSoundName,
  readImageIndex,
  readSoundOptions,
  type SoundPictureOptions,
  type Table,
} from '#data';
import type { ClassifySettings } from './classify-settings.ts';

/** Where pictures come from: a folder per class, a table of them, sounds in a folder per class, or an index. */
export type PictureData = string | Table | ImageIndex;

/** Long work before and after the training itself. */
export type WorkStage =
  | 'drawing spectrograms'
  | 'decoding pictures'
  | 'looking for broken pictures'
  | 'judging';
export type WorkListener = (stage: WorkStage, done: number, total: number) => void;

export interface OpenPicturesOptions {
  readonly settings: Pick<ClassifySettings, 'imageSize' | 'onBroken' | 'sound'>;
  /** Where pictures of sounds and decoded pictures go. */
  readonly folder: string;
  readonly onStage?: WorkListener;
}

/** Decoded pictures with their classes. Close the cache when done. */
export interface OpenedPictures {
  /** The pictures of `validation` come last. */
  readonly items: readonly ImageItem[];
  readonly classes: readonly string[];
  readonly cache: DecodedCache;
  /** Pictures and sounds that were left out. */
  readonly broken: readonly BrokenImage[];
  /** How sounds became these pictures, where they were sounds. */
  readonly sound?: SoundPictureOptions;
  /** Whether all pictures have one size. */
  readonly isUniform: boolean;
  /** Position of the first picture to validate on, where these were given apart. */
  readonly validationFrom?: number;
}

/** Pictures that are not read yet. */
interface ListedPictures extends Pick<OpenedPictures, 'items' | 'classes' | 'broken' | 'sound'> {}

/**
 * Lists, checks and decodes pictures.
 * @param validation pictures to validate on, of the same classes; a fold of `data` when absent
 * @throws DataError for no pictures, fewer than two classes, and broken pictures unless they are skipped
 */
export async function openPictures(
  data: PictureData,
  validation: PictureData | undefined,
  options: OpenPicturesOptions,
): Promise<OpenedPictures> {
  const listed = await listPictures(data, options, 'spectrograms');
  const other =
    validation === undefined
      ? undefined
      : await listPictures(validation, options, 'validation', listed.classes);
  // Folds and recordings of two sources are not comparable.
  const apart = ({ path, label }: ImageItem): ImageItem => ({ path, label });
  const own = other === undefined ? listed.items : listed.items.map(apart);
  const opened = await decode([...own, ...(other?.items.map(apart) ?? [])], options);
  const sizes = new Set(
    opened.items.map((_, i) => {
      const { width, height } = opened.cache.size(i);
      return `${width}x${height}`;
    }),
  );
  const isOwn = new Set(own);
  const { sound, classes } = listed;
  return {
    ...{ ...opened, classes },
    broken: [...listed.broken, ...(other?.broken ?? []), ...opened.broken],
    isUniform: sizes.size === 1,
    ...(sound === undefined ? {} : { sound }),
    ...(other === undefined ? {} : { validationFrom: opened.items.filter((item) => isOwn.has(item)).length }),
  };
}

async function listPictures(
  data: PictureData,
  options: OpenPicturesOptions,
  name: string,
  classes?: readonly string[],
): Promise<ListedPictures> {
  const broken: BrokenImage[] = [];
  const isSound = typeof data === 'string' && (await holdsSounds(data));
  const source = isSound ? await drawSounds(data, join(options.folder, name), options, broken) : data;
  const index = isIndex(source)
    ? source
    : await readImageIndex(source, classes === undefined ? {} : { classes });
  refuseSounds(index.items);
  // A table of spectrograms tells how they were drawn.
  const sound = typeof source === 'string' ? await readSoundOptions(source) : undefined;
  return { ...index, broken, ...(sound === undefined ? {} : { sound }) };
}

async function decode(
  items: readonly ImageItem[],
  options: OpenPicturesOptions,
): Promise<Pick<OpenedPictures, 'items' | 'cache' | 'broken'>> {
  try {
    return { items, cache: await openCache(items, options), broken: [] };
  } catch (error) {
    // Which others are broken too is what a person needs to know; a fault of another kind stays as it is.
    if (!(error instanceof DataError)) throw error;
    options.onStage?.('looking for broken pictures', 0, items.length);
    const checked = await checkImages(items, { onBroken: options.settings.onBroken });
    if (checked.broken.length === 0) throw error;
    if (checked.items.length === 0) {
      throw new DataError(
        `classify: some pictures must be whole, but all ${items.length} are broken: ${checked.broken[0].reason}`,
        { broken: checked.broken },
      );
    }
    return { items: checked.items, cache: await openCache(checked.items, options), broken: checked.broken };
  }
}

function openCache(
  items: readonly ImageItem[],
  { settings, folder, onStage }: OpenPicturesOptions,
): Promise<DecodedCache> {
  return DecodedCache.open(
    items.map(({ path }) => path),
    {
      folder: join(folder, 'cache'),
      // Pictures near the network's size stay as they are; larger ones are made smaller once, not in every epoch.
      smallestSide: settings.imageSize * 2,
      onProgress: (done, total) => onStage?.('decoding pictures', done, total),
    },
  );
}

/** Changes when pictures come, go or get another class, group or fold. */
export function fingerprintItems(items: readonly ImageItem[]): string {
  const hash = createHash('sha256');
  for (const { path, label, group, fold } of items)
    hash.update(`${JSON.stringify([path, label, group, fold])}\n`);
  return hash.digest('hex').slice(0, 16);
}

function isIndex(source: string | Table | ImageIndex): source is ImageIndex {
  return typeof source === 'object' && 'items' in source;
}

/** Whether a folder's first file that is a sound or a picture is a sound. */
async function holdsSounds(folder: string): Promise<boolean> {
  const facts = await stat(folder).catch(() => undefined);
  if (facts?.isDirectory() !== true) return false;
  const find = async (path: string): Promise<boolean | undefined> => {
    const entries = await readdir(path, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    const known = names.find((name) => isSoundName(name) || isPictureName(name));
    if (known !== undefined) return isSoundName(known);
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
      const found = await find(join(path, entry.name));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return (await find(folder)) === true;
}

/** @returns the table of spectrograms, which is written last: when it is there, they are */
async function drawSounds(
  data: string,
  out: string,
  { settings, onStage }: OpenPicturesOptions,
  broken: BrokenImage[],
): Promise<string> {
  const csv = join(out, 'spectrograms.csv');
  if (existsSync(csv)) return csv;
  const result = await convertSounds([data], out, {
    ...settings.sound,
    onBroken: settings.onBroken,
    onProgress: (done, total) => onStage?.('drawing spectrograms', done, total),
  });
  if (result.classes.length === 0) {
    throw new DataError(
      `classify: every sound must lie in the folder of its class, but some in "${data}" do not. Move them to ${join(data, 'CLASS')}.`,
      { file: data },
    );
  }
  broken.push(...result.broken);
  return result.csv;
}

function refuseSounds(items: readonly ImageItem[]): void {
  const sound = items.find(({ path }) => isSoundName(path));
  if (sound === undefined) return;
  throw new ConfigError(
    `classify: a table must list pictures, but has the sound "${sound.path}". Draw them first: trainyard audio spectrogram, or give the folder of sounds itself.`,
    { file: sound.path },
  );
}
