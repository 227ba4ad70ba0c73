import { writeFile } from 'node:fs/promises';
import { ConfigError } from '#core';
import { writeFailure } from '../write-failure.ts';
import type { AudioSignal } from './audio-signal.ts';

/** How samples are stored in a WAV. */
export type WavEncoding = 'pcm8' | 'pcm16' | 'pcm24' | 'pcm32' | 'float32' | 'float64';

export interface WriteWavOptions {
  /** Default `pcm16`. PCM rounds to the nearest level and clips at full scale; float keeps values as they are. */
  readonly encoding?: WavEncoding;
}

const bitsOf: Readonly<Record<WavEncoding, number>> = {
  pcm8: 8,
  pcm16: 16,
  pcm24: 24,
  pcm32: 32,
  float32: 32,
  float64: 64,
};

/** Usual loudspeakers of one to eight channels, one bit each; some programs refuse sounds without them. */
const speakers = [0x4, 0x3, 0x7, 0x33, 0x37, 0x3f, 0x70f, 0x63f];

/** The part of an extensible format's GUID after the two bytes that name the encoding. */
const guidTail = [0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];

/**
 * A WAV's bytes. More than two channels, or more than 16 bits of PCM, are written as `WAVE_FORMAT_EXTENSIBLE`, as the
 * format asks, up to eight of them assigned to the usual loudspeakers.
 *
 * @throws ConfigError for no channel, channels of different lengths, a sample rate that is no whole number, or more
 * than the 4 GiB that a WAV can hold
 */
export function encodeWav(signal: AudioSignal, { encoding = 'pcm16' }: WriteWavOptions = {}): Uint8Array {
  const { channels, sampleRate } = signal;
  const frames = checkSignal(signal);
  const bits = bitsOf[encoding];
  const blockAlign = (channels.length * bits) / 8;
  const isFloat = encoding.startsWith('float');
  const isExtensible = channels.length > 2 || (!isFloat && bits > 16);
  const formatSize = isExtensible ? 40 : isFloat ? 18 : 16;
  const dataStart = 12 + 8 + formatSize + 8;
  const dataSize = frames * blockAlign;
  if (dataStart + dataSize > 0xffffffff) {
    throw new ConfigError(
      `encodeWav: a WAV holds at most 4 GiB, but ${frames} samples of ${channels.length} channels take ${dataSize} bytes. Split the sound.`,
      { frames, channels: channels.length },
    );
  }
  const bytes = new Uint8Array(dataStart + dataSize + (dataSize % 2));
  const view = new DataView(bytes.buffer);
  const name = (at: number, text: string) => {
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  };
  name(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  name(8, 'WAVEfmt ');
  view.setUint32(16, formatSize, true);
  const tag = isFloat ? 3 : 1;
  view.setUint16(20, isExtensible ? 0xfffe : tag, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * blockAlign, true);
  view.setUint16(32, blockAlign, true);
  view.setUint16(34, bits, true);
  if (isExtensible) {
    view.setUint16(36, 22, true);
    view.setUint16(38, bits, true);
    view.setUint32(40, speakers[channels.length - 1] ?? 0, true);
    view.setUint16(44, tag, true);
    bytes.set(guidTail, 46);
  }
  name(dataStart - 8, 'data');
  view.setUint32(dataStart - 4, dataSize, true);
  const write = sampleWriter(view, encoding);
  channels.forEach((samples, c) => {
    let at = dataStart + (c * bits) / 8;
    for (let i = 0; i < frames; i++, at += blockAlign) write(at, samples[i]);
  });
  return bytes;
}

/**
 * Writes a WAV; see `encodeWav`.
 * @throws ConfigError as `encodeWav`; RuntimeFailure when the file cannot be written
 */
export async function writeWav(path: string, signal: AudioSignal, options?: WriteWavOptions): Promise<void> {
  const bytes = encodeWav(signal, options);
  await writeFile(path, bytes).catch((error: unknown) => {
    throw writeFailure('writeWav', path, error);
  });
}

function checkSignal({ channels, sampleRate }: AudioSignal): number {
  const frames = channels[0]?.length ?? 0;
  const lengths = channels.map(({ length }) => length);
  if (
    channels.length === 0 ||
    channels.length > 65_535 ||
    !lengths.every((length) => length === frames) ||
    !Number.isInteger(sampleRate) ||
    sampleRate < 1 ||
    sampleRate > 0xffffffff
  ) {
    throw new ConfigError(
      `encodeWav: a sound needs channels of one length and a whole sample rate, but got lengths [${lengths.slice(0, 8).join(', ')}] at ${sampleRate} Hz. Resample or pad it first.`,
      { lengths, sampleRate },
    );
  }
  return frames;
}

function sampleWriter(view: DataView, encoding: WavEncoding): (at: number, value: number) => void {
  /** The whole number nearest to `value` × `full`, within [−full, full − 1]. */
  const level = (value: number, full: number) =>
    Math.max(-full, Math.min(full - 1, Math.round(value * full)));
  switch (encoding) {
    case 'pcm8':
      return (at, value) => view.setUint8(at, level(value, 128) + 128);
    case 'pcm16':
      return (at, value) => view.setInt16(at, level(value, 32_768), true);
    case 'pcm24':
      return (at, value) => {
        const whole = level(value, 8_388_608);
        view.setUint16(at, whole & 0xffff, true);
        view.setInt8(at + 2, whole >> 16);
      };
    case 'pcm32':
      return (at, value) => view.setInt32(at, level(value, 2_147_483_648), true);
    case 'float32':
      return (at, value) => view.setFloat32(at, value, true);
    case 'float64':
      return (at, value) => view.setFloat64(at, value, true);
  }
}
