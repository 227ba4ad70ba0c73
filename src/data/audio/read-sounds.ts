import { TrainyardError } from '#core';
import { listSounds, type SoundFile } from './list-sounds.ts';
import { readAudio } from './read-audio.ts';

export interface ReadSoundsOptions {
  /** Samples per second that sounds are brought to, in Hz. */
  readonly sampleRate: number;
  /** A sound that cannot be read ends the work (default), or is left out and listed. */
  readonly onBroken?: 'fail' | 'skip';
  /** Called after each sound. */
  readonly onProgress?: (done: number, total: number, path: string) => void;
}

/** A sound that was left out, and the error's sentence. */
export interface BrokenSound {
  readonly path: string;
  readonly reason: string;
}

/**
 * Reads the sounds of files and folders one after another, as one channel.
 *
 * @param visit called with each sound and its samples
 * @returns those that were left out
 * @throws DataError for sounds that are missing, or broken unless they are skipped, UnsupportedError likewise
 */
export async function readSounds(
  inputs: readonly string[],
  { sampleRate, onBroken = 'fail', onProgress }: ReadSoundsOptions,
  visit: (sound: SoundFile, samples: Float32Array) => void | Promise<void>,
): Promise<BrokenSound[]> {
  const sounds = await listSounds(inputs);
  const broken: BrokenSound[] = [];
  for (const [done, sound] of sounds.entries()) {
    const samples = await readAudio(sound.path, { sampleRate, mono: true }).then(
      ({ channels }) => channels[0],
      (error: unknown) => {
        const isSound = error instanceof TrainyardError && ['DATA', 'UNSUPPORTED'].includes(error.code);
        if (!isSound || onBroken === 'fail') throw error;
        broken.push({ path: sound.path, reason: error.message });
        return undefined;
      },
    );
    if (samples !== undefined) await visit(sound, samples);
    onProgress?.(done + 1, sounds.length, sound.path);
  }
  return broken;
}
