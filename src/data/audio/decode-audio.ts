import { DataError, UnsupportedError } from '#core';
import { type AudioFormat, detectAudioFormat, isMonoMp3 } from './audio-format.ts';
import type { AudioSignal } from './audio-signal.ts';
import { missingEnd } from './missing-end.ts';
import { parseWav } from './parse-wav.ts';

/** What the decoders of compressed formats have in common. */
interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
  readonly errors: readonly { readonly message: string }[];
}

interface StreamDecoder {
  readonly reset: () => Promise<void>;
  readonly decode: (bytes: Uint8Array) => Decoded | Promise<Decoded>;
}

type CompressedFormat = 'flac' | 'ogg-vorbis' | 'mp3';

const titles: Readonly<Record<AudioFormat, string>> = {
  wav: 'WAV',
  flac: 'FLAC',
  'ogg-vorbis': 'Ogg Vorbis',
  mp3: 'MP3',
  'ogg-opus': 'Ogg Opus',
  aiff: 'AIFF',
  mp4: 'MP4 or M4A',
  'big-endian-wav': 'a big-endian WAV (RIFX)',
};

/** Loaded only when a sound of the format comes: each holds a compiled module. */
const loaders: Readonly<Record<CompressedFormat, () => Promise<StreamDecoder>>> = {
  flac: async () => {
    const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
    const decoder = new FLACDecoder();
    await decoder.ready;
    return { reset: () => decoder.reset(), decode: (bytes) => decoder.decodeFile(bytes) };
  },
  'ogg-vorbis': async () => {
    const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
    const decoder = new OggVorbisDecoder();
    await decoder.ready;
    return { reset: () => decoder.reset(), decode: (bytes) => decoder.decodeFile(bytes) };
  },
  mp3: async () => {
    const { MPEGDecoder } = await import('mpg123-decoder');
    const decoder = new MPEGDecoder();
    await decoder.ready;
    return { reset: () => decoder.reset(), decode: (bytes) => decoder.decode(bytes) };
  },
};

const decoders = new Map<CompressedFormat, Promise<StreamDecoder>>();
/** One decoder holds the state of one stream: sounds of a format are decoded one after another. */
const queues = new Map<CompressedFormat, Promise<unknown>>();

/**
 * Decodes a sound, whose format is told from its content: WAV, FLAC (also in Ogg), Ogg Vorbis or MP3.
 *
 * @param where names the sound in errors, as a path
 * @throws DataError when it is no sound, damaged, without samples or with samples that are no numbers;
 * UnsupportedError for other formats of sound
 */
export async function decodeAudio(bytes: Uint8Array, where: string): Promise<AudioSignal> {
  const format = detectAudioFormat(bytes);
  if (format === undefined) {
    const got = bytes.length === 0 ? 'is empty' : 'is not';
    throw new DataError(
      `decodeAudio: the file must be a WAV, FLAC, Ogg Vorbis or MP3, but "${where}" ${got}. Mend or remove it.`,
      { file: where, sizeBytes: bytes.length },
    );
  }
  const signal =
    format === 'wav'
      ? parseWav(bytes, where)
      : await decodeCompressed(bytes, checkSupported(format, where), where);
  return checkSamples(signal, where);
}

function checkSupported(format: AudioFormat, where: string): CompressedFormat {
  if (Object.hasOwn(loaders, format)) return format as CompressedFormat;
  throw new UnsupportedError(
    `decodeAudio: a sound must be WAV, FLAC, Ogg Vorbis or MP3, but "${where}" is ${titles[format]}. Convert it to one of them.`,
    { file: where, format },
  );
}

async function decodeCompressed(
  bytes: Uint8Array,
  format: CompressedFormat,
  where: string,
): Promise<AudioSignal> {
  const before = queues.get(format) ?? Promise.resolve();
  const work = before.then(() => decodeStream(bytes, format));
  queues.set(
    format,
    work.catch(() => {}),
  );
  let decoded: Decoded;
  try {
    decoded = await work;
  } catch (error) {
    throw damaged(where, format, error instanceof Error ? error.message : String(error), error);
  }
  const [fault] = decoded.errors;
  if (fault !== undefined) throw damaged(where, format, fault.message, fault);
  const missing = missingEnd(bytes, format, decoded.samplesDecoded);
  if (missing !== undefined) throw damaged(where, format, missing, undefined);
  const channels = decoded.channelData.map((samples) => samples.subarray(0, decoded.samplesDecoded));
  // This decoder gives a single channel twice.
  const isDoubled = format === 'mp3' && isMonoMp3(bytes);
  return { sampleRate: decoded.sampleRate, channels: isDoubled ? channels.slice(0, 1) : channels };
}

async function decodeStream(bytes: Uint8Array, format: CompressedFormat): Promise<Decoded> {
  let loading = decoders.get(format);
  if (loading === undefined) {
    loading = loaders[format]();
    decoders.set(format, loading);
  }
  const decoder = await loading;
  await decoder.reset();
  return decoder.decode(bytes);
}

function damaged(where: string, format: AudioFormat, reason: string, cause: unknown): DataError {
  return new DataError(
    `decodeAudio: the file must be a whole ${titles[format]}, but "${where}" is not: ${reason.replace(/\.$/, '')}. Mend or remove it.`,
    { file: where, format },
    { cause },
  );
}

function checkSamples(signal: AudioSignal, where: string): AudioSignal {
  const frames = signal.channels[0]?.length ?? 0;
  if (frames === 0) {
    throw new DataError(
      `decodeAudio: a sound must have samples, but "${where}" has none. Record it again or remove it.`,
      { file: where, samples: 0 },
    );
  }
  signal.channels.forEach((samples, channel) => {
    for (let i = 0; i < frames; i++) {
      if (Number.isFinite(samples[i])) continue;
      throw new DataError(
        `decodeAudio: samples must be finite, but sample ${i} of channel ${channel} of "${where}" is ${samples[i]}. Mend or remove it.`,
        { file: where, channel, sample: i },
      );
    }
  });
  return signal;
}
