import { readFile, writeFile } from 'node:fs/promises';
import { DataError } from '#core';
import { writeFailure } from '../write-failure.ts';
import type { SoundWindowsOptions } from './sound-spectrogram.ts';
import type { SpectrogramPixelsOptions } from './spectrogram-pixels.ts';

/** How sounds become pictures: windows, spectrograms of them, and their colours. Plain data. */
export type SoundPictureOptions = SoundWindowsOptions & SpectrogramPixelsOptions;

const names: readonly (keyof SoundPictureOptions)[] = [
  ...(['sampleRate', 'windowSeconds', 'overlapSeconds', 'padding', 'minTail', 'kind', 'nFft'] as const),
  ...([
    'hopLength',
    'winLength',
    'nMels',
    'fMin',
    'fMax',
    'melScale',
    'melNorm',
    'center',
    'padMode',
  ] as const),
  ...(['min', 'max', 'colors'] as const),
];

/** Where the options of a table of spectrograms lie: beside it. */
function optionsPath(csv: string): string {
  return csv.replace(/(\.csv)?$/i, '.sound.json');
}

/**
 * Keeps the options that a table of spectrograms was made with beside it, so that a classifier trained on it can take
 * sounds.
 * @throws RuntimeFailure when the file cannot be written
 */
export async function writeSoundOptions(csv: string, options: SoundPictureOptions): Promise<void> {
  const kept = Object.fromEntries(
    names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
  const path = optionsPath(csv);
  await writeFile(path, `${JSON.stringify(kept, null, 2)}\n`).catch((error: unknown) => {
    throw writeFailure('writeSoundOptions', path, error);
  });
}

/**
 * The options that a table of spectrograms was made with; undefined when there are none beside it.
 * @throws DataError when they are there and damaged
 */
export async function readSoundOptions(csv: string): Promise<SoundPictureOptions | undefined> {
  const path = optionsPath(csv);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const options = JSON.parse(text) as SoundPictureOptions;
    if (!(options.sampleRate > 0)) throw new Error('sampleRate is missing');
    return options;
  } catch (error) {
    throw new DataError(
      `readSoundOptions: the options beside a table of spectrograms must be JSON with a sampleRate, but "${path}" is not: ${(error as Error).message}. Draw the spectrograms again, or remove it.`,
      { file: path },
    );
  }
}
