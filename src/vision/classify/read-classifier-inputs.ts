import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '#core';
import {
  decodeAudio,
  decodePixels,
  isPictureName,
  isSoundName,
  mixDown,
  type Pixels,
  readAudio,
  resample,
  type SoundPictureOptions,
  soundSpectrogram,
  soundWindows,
  spectrogramPixels,
} from '#data';

/** A file to classify. */
export interface ClassifierInput {
  readonly path: string;
  readonly kind: 'picture' | 'sound';
}

/** The pictures of one file: one, or one for each window of a sound. */
export interface InputPictures {
  readonly pictures: readonly Pixels[];
  /** Seconds from the sound's start to each window's; `[0]` for a picture. */
  readonly starts: readonly number[];
}

/** Longer sides shrink while they are read: no network here sees more. */
const MAX_SIDE = 4096;

/**
 * Pictures and sounds of files, taken as they are, and of folders with the folders in them, in the order of their names;
 * hidden files and other types in folders are passed over.
 *
 * @param takesSounds whether the model does; without, sounds in folders are passed over
 * @throws DataError for an input that is not there, a folder with nothing to classify, or a sound for a model of pictures
 */
export async function listClassifierInputs(
  inputs: readonly string[],
  takesSounds: boolean,
): Promise<ClassifierInput[]> {
  const found: ClassifierInput[] = [];
  for (const input of inputs) {
    const facts = await stat(input).catch((cause: Error) => {
      throw new DataError(
        `classify: inputs must be files or folders, but "${input}" cannot be read: ${cause.message}. Check the path.`,
        { file: input },
        { cause },
      );
    });
    if (facts.isDirectory()) {
      for (const item of await listFolder(input, takesSounds)) found.push(item);
    } else {
      found.push(checkKind({ path: input, kind: await kindOf(input) }, takesSounds));
    }
  }
  return found;
}

async function listFolder(folder: string, takesSounds: boolean): Promise<ClassifierInput[]> {
  const below = async (path: string): Promise<string[]> => {
    const entries = await readdir(path, { withFileTypes: true });
    const nested = entries
      .filter(({ name }) => !name.startsWith('.'))
      .map((entry) => {
        const inside = join(path, entry.name);
        return entry.isDirectory() ? below(inside) : [inside];
      });
    return (await Promise.all(nested)).flat();
  };
  const paths = (await below(folder)).sort();
  const sounds = paths.filter((path) => isSoundName(path)).length;
  const items = paths.flatMap((path): ClassifierInput[] => {
    if (isPictureName(path)) return [{ path, kind: 'picture' }];
    return takesSounds && isSoundName(path) ? [{ path, kind: 'sound' }] : [];
  });
  if (items.length > 0) return items;
  const got = sounds > 0 ? `only ${sounds} sounds, and this model was not trained on sounds` : 'none';
  throw new DataError(
    `classify: the folder must hold ${takesSounds ? 'pictures or sounds' : 'PNG, JPEG, WebP or GIF pictures'}, but "${folder}" has ${got}. Give another folder.`,
    { file: folder },
  );
}

/** By the name; by the first bytes where that tells nothing. */
async function kindOf(path: string): Promise<ClassifierInput['kind']> {
  if (isPictureName(path)) return 'picture';
  if (isSoundName(path)) return 'sound';
  const file = await open(path);
  try {
    const { buffer } = await file.read({ buffer: Buffer.alloc(12), length: 12, position: 0 });
    return looksLikeSound(buffer) ? 'sound' : 'picture';
  } finally {
    await file.close();
  }
}

/** Whether the first 12 bytes are those of a WAV, FLAC, Ogg or MP3. */
function looksLikeSound(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (/^(RIFF|RF64)....WAVE/s.test(text)) return true;
  return /^(fLaC|OggS|ID3)/.test(text) || (bytes[0] === 0xff && (bytes[1] & 0xe6) === 0xe2);
}

function checkKind(input: ClassifierInput, takesSounds: boolean): ClassifierInput {
  if (input.kind === 'picture' || takesSounds) return input;
  throw new DataError(
    `classify: this model takes pictures and was not trained on sounds, but "${input.path}" is a sound. Draw it with \`trainyard audio spectrogram\` as the model's training pictures were drawn.`,
    { file: input.path },
  );
}

/**
 * Reads one file as the pictures that the model is given.
 * @param sound of the model; needed for sounds
 * @throws DataError naming a file that is missing, damaged or no picture; UnsupportedError for other formats of sound
 */
export async function readClassifierInput(
  { path, kind }: ClassifierInput,
  sound: SoundPictureOptions | undefined,
): Promise<InputPictures> {
  if (kind === 'picture' || sound === undefined) {
    return { pictures: [await decodePixels(path, { maxSide: MAX_SIDE })], starts: [0] };
  }
  const { channels } = await readAudio(path, { sampleRate: sound.sampleRate, mono: true });
  return soundPictures(channels[0], sound, path);
}

/**
 * The same of bytes in memory.
 * @param where names them in errors
 * @param maxPixels largest width × height that is decoded
 * @throws DataError for bytes that are damaged or neither; UnsupportedError for other formats of sound
 */
export async function decodeClassifierInput(
  bytes: Uint8Array,
  where: string,
  sound: SoundPictureOptions | undefined,
  maxPixels: number,
): Promise<InputPictures> {
  if (sound === undefined || !looksLikeSound(bytes)) {
    return { pictures: [await decodePixels(bytes, { maxPixels, maxSide: MAX_SIDE })], starts: [0] };
  }
  const signal = await decodeAudio(bytes, where);
  const samples = resample(mixDown(signal), { from: signal.sampleRate, to: sound.sampleRate });
  return soundPictures(samples, sound, where);
}

/**
 * The spectrograms of a sound's windows.
 * @param samples one channel at `sound.sampleRate`
 * @throws DataError for a sound that fills no window where windows that are not full are left out
 */
function soundPictures(samples: Float32Array, sound: SoundPictureOptions, where: string): InputPictures {
  const windows = soundWindows(samples, sound);
  if (windows.length === 0) {
    throw new DataError(
      `classify: a sound must fill a window of ${sound.windowSeconds ?? 5} s, but "${where}" has ${(samples.length / sound.sampleRate).toFixed(2)} s. Give a longer one.`,
      { file: where },
    );
  }
  const { windowSeconds = 5, overlapSeconds = 0, sampleRate } = sound;
  const last = Math.max(0, samples.length / sampleRate - windowSeconds);
  return {
    pictures: windows.map((window) => spectrogramPixels(soundSpectrogram(window, sound), sound)),
    starts: windows.map((_, i) => {
      const start = i * (windowSeconds - overlapSeconds);
      return sound.padding === 'shift' ? Math.min(start, last) : start;
    }),
  };
}
