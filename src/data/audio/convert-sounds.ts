import { mkdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { ConfigError, DataError } from '#core';
import { stratifiedGroupKFold } from '../splits.ts';
import { numberColumn, stringColumn, Table } from '../table.ts';
import { writeTable } from '../table-writer.ts';
import { writeFailure } from '../write-failure.ts';
import type { SoundFile } from './list-sounds.ts';
import { type BrokenSound, type ReadSoundsOptions, readSounds } from './read-sounds.ts';
import { writeSoundOptions } from './sound-picture-options.ts';
import { type SoundWindowsOptions, writeSpectrograms } from './sound-spectrogram.ts';
import type { WriteSpectrogramOptions } from './spectrogram-pixels.ts';

export interface ConvertSoundsOptions
  extends SoundWindowsOptions,
    WriteSpectrogramOptions,
    Omit<ReadSoundsOptions, 'sampleRate'> {
  /** Folds, numbered from 0, that recordings are dealt to, evenly by class; at least 2; default none. */
  readonly folds?: number;
  /** Of the folds; default 0. */
  readonly seed?: number;
}

export interface ConvertedSounds {
  /** The table of pictures. */
  readonly csv: string;
  /** Sounds that were read. */
  readonly sounds: number;
  readonly spectrograms: number;
  /** Names of the classes in the order of their labels; none where a sound lies in no class folder. */
  readonly classes: readonly string[];
  readonly broken: readonly BrokenSound[];
}

interface Picture {
  readonly path: string;
  readonly sound: SoundFile;
}

/**
 * Makes pictures of sounds: one PNG for each window in `OUT/CLASS/RECORDING_WINDOW.png` and a row of each in
 * `OUT/spectrograms.csv`, with the columns `image_path` (from OUT on), `label` and `label_name` (where every sound lies
 * in a class folder), `group` (the recording) and `fold` (where folds are asked for; a recording is in one fold). The
 * options go to `OUT/spectrograms.sound.json`, so that a classifier trained on the pictures takes sounds too.
 *
 * @param inputs sound files, or folders with one folder per class
 * @throws DataError for sounds that are missing, or broken unless they are skipped, or when none gives a picture; ConfigError for options out of range;
 * RuntimeFailure when a file cannot be written
 */
export async function convertSounds(
  inputs: readonly string[],
  out: string,
  { folds, seed = 0, ...options }: ConvertSoundsOptions,
): Promise<ConvertedSounds> {
  const pictures: Picture[] = [];
  let sounds = 0;
  const broken = await readSounds(inputs, options, async (sound, samples) => {
    const stem = join(out, sound.name);
    await makeFolder(dirname(stem));
    for (const path of await writeSpectrograms(stem, samples, options)) {
      pictures.push({ path: relative(out, path).split(sep).join('/'), sound });
    }
    sounds++;
  });
  if (pictures.length === 0) {
    throw new DataError(
      `convertSounds: sounds must give pictures, but ${sounds} whole and ${broken.length} broken ones gave none. Mend them, or keep windows that are not full.`,
      { sounds, broken },
    );
  }
  await makeFolder(out);
  const csv = join(out, 'spectrograms.csv');
  const classes = classesOf(pictures);
  await writeSoundOptions(csv, options);
  await writeTable(tableOf(pictures, classes, folds, seed), csv);
  return {
    csv,
    sounds,
    spectrograms: pictures.length,
    classes,
    broken,
  };
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw writeFailure('convertSounds', path, error);
  });
}

/** Sorted by their code units, as image folders are. */
function classesOf(pictures: readonly Picture[]): string[] {
  const names = new Set<string>();
  for (const { sound } of pictures) {
    if (sound.className === null) return [];
    names.add(sound.className);
  }
  return [...names].sort();
}

function tableOf(
  pictures: readonly Picture[],
  classes: readonly string[],
  folds: number | undefined,
  seed: number,
): Table {
  const texts = (pick: (picture: Picture) => string) => pictures.map(pick);
  const labels = pictures.map(({ sound }) => classes.indexOf(sound.className ?? ''));
  const labelColumns = [
    numberColumn('label', labels),
    stringColumn(
      'label_name',
      texts(({ sound }) => sound.className ?? ''),
    ),
  ];
  return new Table([
    stringColumn(
      'image_path',
      texts(({ path }) => path),
    ),
    ...(classes.length > 0 ? labelColumns : []),
    stringColumn(
      'group',
      texts(({ sound }) => sound.name),
    ),
    ...(folds === undefined ? [] : [numberColumn('fold', foldsOf(pictures, labels, folds, seed))]),
  ]);
}

function foldsOf(pictures: readonly Picture[], labels: number[], folds: number, seed: number): Float64Array {
  const codes = new Map<string, number>();
  const groups = pictures.map(({ sound }) => {
    const code = codes.get(sound.name) ?? codes.size;
    codes.set(sound.name, code);
    return code;
  });
  if (codes.size < folds) {
    throw new ConfigError(
      `convertSounds: folds must be at most the number of recordings, but got ${folds} for ${codes.size}. Ask for fewer folds.`,
      { folds, recordings: codes.size },
    );
  }
  const fold = new Float64Array(pictures.length);
  stratifiedGroupKFold(groups, labels, { folds, seed }).forEach(({ test }, index) => {
    for (const row of test) fold[row] = index;
  });
  return fold;
}
