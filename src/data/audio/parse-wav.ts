import { DataError, UnsupportedError } from '#core';
import type { AudioSignal } from './audio-signal.ts';

const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;
/** What a program that streams a WAV writes as a length it cannot know, and RF64 writes for its 64-bit one. */
const UNKNOWN_SIZE = 0xffffffff;

interface WavFormat {
  readonly tag: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly blockAlign: number;
  readonly bits: number;
}

/**
 * Reads a WAV: PCM of 8 (unsigned), 16, 24 and 32 bits, IEEE float of 32 and 64 bits, plain or as
 * `WAVE_FORMAT_EXTENSIBLE`, any number of channels, RIFF or RF64. Whole numbers of b bits are divided by 2^(b − 1).
 *
 * @param where names the sound in errors, as a path
 * @throws DataError for a damaged file; UnsupportedError for another encoding inside a WAV
 */
export function parseWav(bytes: Uint8Array, where: string): AudioSignal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: WavFormat | undefined;
  let longSize = Number.POSITIVE_INFINITY;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const id = chunkName(bytes, at);
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    // RF64 has the lengths of the file and of its data here, with 64 bits each.
    if (id === 'ds64' && start + 16 <= bytes.length) longSize = Number(view.getBigUint64(start + 8, true));
    if (id === 'fmt ') format = parseFormat(view, start, size, where);
    if (id === 'data') {
      if (format === undefined) throw damaged(where, 'its data comes before its format');
      const available = bytes.length - start;
      if (size !== UNKNOWN_SIZE && size > available) {
        throw damaged(where, `its data should have ${size} bytes, of which ${available} are there`);
      }
      return readSamples(view, start, Math.min(size === UNKNOWN_SIZE ? longSize : size, available), format);
    }
    // Chunks start at even offsets.
    at = start + size + (size % 2);
  }
  throw damaged(where, format === undefined ? 'it has no format chunk' : 'it has no data chunk');
}

/** The four letters at an offset. */
export function chunkName(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function damaged(where: string, reason: string): DataError {
  return new DataError(
    `parseWav: a WAV must be whole, but in "${where}" ${reason}. Write or copy the file again.`,
    { file: where },
  );
}

function parseFormat(view: DataView, start: number, size: number, where: string): WavFormat {
  if (size < 16 || start + size > view.byteLength) {
    throw damaged(where, `the format chunk has ${Math.max(0, view.byteLength - start)} of ${size} bytes`);
  }
  let tag = view.getUint16(start, true);
  const channels = view.getUint16(start + 2, true);
  const sampleRate = view.getUint32(start + 4, true);
  const blockAlign = view.getUint16(start + 12, true);
  const bits = view.getUint16(start + 14, true);
  if (tag === FORMAT_EXTENSIBLE) {
    if (size < 40) throw damaged(where, `the extensible format chunk has ${size} of 40 bytes`);
    // The first two bytes of the sub-format's GUID are the tag that a plain WAV would have.
    tag = view.getUint16(start + 24, true);
  }
  const supported = tag === FORMAT_FLOAT ? [32, 64] : tag === FORMAT_PCM ? [8, 16, 24, 32] : [];
  if (!supported.includes(bits)) {
    throw new UnsupportedError(
      `parseWav: a WAV must hold PCM of 8, 16, 24 or 32 bits or float of 32 or 64 bits, but "${where}" has format ${tag} with ${bits} bits. Convert it to 16-bit PCM.`,
      { file: where, format: tag, bits },
    );
  }
  // Nothing records at other rates: a resampler would run out of memory on a damaged number.
  const isRate = sampleRate >= 100 && sampleRate <= 1_000_000;
  if (channels === 0 || !isRate || blockAlign !== (channels * bits) / 8) {
    throw damaged(
      where,
      `the format says ${channels} channels, ${sampleRate} samples a second, ${bits} bits and ${blockAlign} bytes a frame`,
    );
  }
  return { tag, channels, sampleRate, blockAlign, bits };
}

function readSamples(view: DataView, start: number, size: number, format: WavFormat): AudioSignal {
  const { channels: count, sampleRate, blockAlign } = format;
  const frames = Math.floor(size / blockAlign);
  const { values, middle, full } = interleaved(view, start, frames * blockAlign, format);
  const channels = Array.from({ length: count }, (_, c) => {
    const samples = new Float32Array(frames);
    for (let i = 0, at = c; i < frames; i++, at += count) samples[i] = (values[at] - middle) / full;
    return samples;
  });
  return { sampleRate, channels };
}

interface Interleaved {
  readonly values: Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;
  /** The value of silence. */
  readonly middle: number;
  /** What full scale is above it. */
  readonly full: number;
}

/** The samples of all channels in the file's own numbers, which are little-endian as every host of Node is. */
function interleaved(view: DataView, start: number, size: number, { tag, bits }: WavFormat): Interleaved {
  const offset = view.byteOffset + start;
  if (bits === 8) return { values: new Uint8Array(view.buffer, offset, size), middle: 128, full: 128 };
  if (bits === 24) return { values: readInt24(view, start, size), middle: 0, full: 2 ** 23 };
  // A copy, since a typed array must start at a multiple of its element's size.
  const buffer = view.buffer.slice(offset, offset + size);
  if (bits === 16) return { values: new Int16Array(buffer), middle: 0, full: 2 ** 15 };
  if (bits === 64) return { values: new Float64Array(buffer), middle: 0, full: 1 };
  return tag === FORMAT_FLOAT
    ? { values: new Float32Array(buffer), middle: 0, full: 1 }
    : { values: new Int32Array(buffer), middle: 0, full: 2 ** 31 };
}

function readInt24(view: DataView, start: number, size: number): Int32Array {
  const values = new Int32Array(size / 3);
  for (let i = 0, at = start; i < values.length; i++, at += 3) {
    values[i] = view.getUint16(at, true) | (view.getInt8(at + 2) << 16);
  }
  return values;
}
