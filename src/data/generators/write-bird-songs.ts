import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, Rng } from '#core';
import { writeSoundOptions } from '../audio/sound-picture-options.ts';
import { type SoundWindowsOptions, writeSpectrograms } from '../audio/sound-spectrogram.ts';
import type { WriteSpectrogramOptions } from '../audio/spectrogram-pixels.ts';
import { writeWav } from '../audio/write-wav.ts';
import { numberColumn, stringColumn, Table } from '../table.ts';
import { writeTable } from '../table-writer.ts';
import { writeFailure } from '../write-failure.ts';
import { type BirdSongOptions, generateBirdSongs } from './bird-songs.ts';

export interface WriteBirdSongsOptions extends BirdSongOptions {
  /** Folds, numbered from 0, that the recordings of each species are dealt to; at least 1, default 5. */
  readonly folds?: number;
  /** Also writes spectrograms, one for each window, with these options; default none. */
  readonly spectrograms?: Omit<SoundWindowsOptions, 'sampleRate'> & WriteSpectrogramOptions;
  /** Called after each recording. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface WrittenBirdSongs {
  /** The table of recordings. */
  readonly csv: string;
  /** The table of spectrograms, where they were asked for. */
  readonly spectrogramCsv: string | null;
  readonly species: readonly string[];
  readonly recordings: number;
  readonly spectrograms: number;
}

interface Row {
  readonly path: string;
  readonly label: number;
  readonly labelName: string;
  readonly group: string;
  readonly fold: number;
}

/**
 * Writes generated songs as 16-bit WAV into `FOLDER/sounds/SPECIES/RECORDING.wav` and as rows
 * `image_path,label,label_name,group,fold` into `FOLDER/sounds.csv`; with spectrograms also
 * `FOLDER/spectrograms/SPECIES/RECORDING_WINDOW.png` and `FOLDER/spectrograms.csv`. Paths in the tables start at
 * `FOLDER`. A recording is in one fold with all its windows.
 *
 * @throws ConfigError for options out of range; RuntimeFailure when a file cannot be written
 */
export async function writeBirdSongs(
  folder: string,
  { folds = 5, spectrograms, onProgress, ...options }: WriteBirdSongsOptions,
): Promise<WrittenBirdSongs> {
  if (!Number.isSafeInteger(folds) || folds < 1) {
    throw new ConfigError(
      `writeBirdSongs: folds must be a whole number of at least 1, but got ${folds}. Try 5.`,
      { folds },
    );
  }
  const songs = generateBirdSongs(options);
  const total = options.species * options.recordings;
  const base = new Rng(options.seed).fork('folds');
  const [sounds, pictures]: [Row[], Row[]] = [[], []];
  const names: string[] = [];
  let dealt: Uint32Array = new Uint32Array(0);
  for (const { samples, sampleRate, label, labelName, group } of songs) {
    const place = sounds.length % options.recordings;
    if (place === 0) {
      names.push(labelName);
      dealt = base.fork(label).permutation(options.recordings);
      await makeFolder(join(folder, 'sounds', labelName));
      if (spectrograms !== undefined) await makeFolder(join(folder, 'spectrograms', labelName));
    }
    const row = { label, labelName, group, fold: dealt[place] % folds };
    const path = `sounds/${labelName}/${group}.wav`;
    await writeWav(join(folder, path), { sampleRate, channels: [samples] });
    sounds.push({ ...row, path });
    if (spectrograms !== undefined) {
      const stem = `spectrograms/${labelName}/${group}`;
      const written = await writeSpectrograms(join(folder, stem), samples, { ...spectrograms, sampleRate });
      written.forEach((_, window) => {
        pictures.push({ ...row, path: `${stem}_${window}.png` });
      });
    }
    onProgress?.(sounds.length, total);
  }
  const csv = join(folder, 'sounds.csv');
  await writeTable(tableOf(sounds), csv);
  const spectrogramCsv = spectrograms === undefined ? null : join(folder, 'spectrograms.csv');
  if (spectrogramCsv !== null && spectrograms !== undefined) {
    const { sampleRate = 32_000 } = options;
    await writeSoundOptions(spectrogramCsv, { ...spectrograms, sampleRate });
    await writeTable(tableOf(pictures), spectrogramCsv);
  }
  return { csv, spectrogramCsv, species: names, recordings: sounds.length, spectrograms: pictures.length };
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw writeFailure('writeBirdSongs', path, error);
  });
}

function tableOf(rows: readonly Row[]): Table {
  const numbers = (pick: (row: Row) => number) => rows.map(pick);
  const texts = (pick: (row: Row) => string) => rows.map(pick);
  return new Table([
    stringColumn(
      'image_path',
      texts(({ path }) => path),
    ),
    numberColumn(
      'label',
      numbers(({ label }) => label),
    ),
    stringColumn(
      'label_name',
      texts(({ labelName }) => labelName),
    ),
    stringColumn(
      'group',
      texts(({ group }) => group),
    ),
    numberColumn(
      'fold',
      numbers(({ fold }) => fold),
    ),
  ]);
}
