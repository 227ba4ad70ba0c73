import { readFile } from 'node:fs/promises';
import { DataError } from '#core';
import { type AudioSignal, mixDown } from './audio-signal.ts';
import { decodeAudio } from './decode-audio.ts';
import { resample } from './resample.ts';

export interface ReadAudioOptions {
  /** Samples per second wanted, in Hz; as recorded when absent. */
  readonly sampleRate?: number;
  /** The mean of all channels instead of each; default false. */
  readonly mono?: boolean;
}

/**
 * Reads a sound file: WAV, FLAC, Ogg Vorbis or MP3, told apart by content.
 *
 * @throws DataError naming a file that is missing, damaged or without samples; UnsupportedError for other formats
 * @example
 * const { channels: [samples] } = await readAudio('song.mp3', { sampleRate: 32_000, mono: true });
 */
export async function readAudio(
  path: string,
  { sampleRate, mono = false }: ReadAudioOptions = {},
): Promise<AudioSignal> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new DataError(
      `readAudio: the file must be readable, but "${path}" is not: ${(error as Error).message}. Check the path.`,
      { file: path },
      { cause: error },
    );
  });
  const signal = await decodeAudio(bytes, path);
  const channels = mono ? [mixDown(signal)] : signal.channels;
  if (sampleRate === undefined) return { sampleRate: signal.sampleRate, channels };
  const resampled = channels.map((samples) => resample(samples, { from: signal.sampleRate, to: sampleRate }));
  return { sampleRate, channels: resampled };
}
