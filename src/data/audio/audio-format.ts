import { chunkName } from './parse-wav.ts';

/** Formats told apart by their first bytes; the second row is recognised only to be refused by name. */
export type AudioFormat =
  | 'wav'
  | 'flac'
  | 'ogg-vorbis'
  | 'mp3'
  | 'ogg-opus'
  | 'aiff'
  | 'mp4'
  | 'big-endian-wav';

/** The format of a sound by its content, whatever its name; undefined when it looks like no sound. */
export function detectAudioFormat(bytes: Uint8Array): AudioFormat | undefined {
  const start = skipId3(bytes);
  const [first, third] = [chunkName(bytes, start), chunkName(bytes, start + 8)];
  if ((first === 'RIFF' || first === 'RF64') && third === 'WAVE') return 'wav';
  if (first === 'RIFX' && third === 'WAVE') return 'big-endian-wav';
  if (first === 'fLaC') return 'flac';
  if (first === 'FORM' && third.startsWith('AIF')) return 'aiff';
  if (chunkName(bytes, start + 4) === 'ftyp') return 'mp4';
  if (first === 'OggS') {
    // The first packet, which names the codec, follows the page's 27 bytes and its table of segments.
    const packet = bytes.subarray(start + 27 + (bytes[start + 26] ?? 0));
    const head = String.fromCharCode(...packet.subarray(0, 8));
    if (head.startsWith('\x01vorbis')) return 'ogg-vorbis';
    if (head.startsWith('\x7fFLAC')) return 'flac';
    return head === 'OpusHead' ? 'ogg-opus' : undefined;
  }
  return findMp3(bytes, start) >= 0 ? 'mp3' : undefined;
}

/** Where the sound starts: after an ID3v2 tag and its padding, which some programs put before any format. */
function skipId3(bytes: Uint8Array): number {
  if (chunkName(bytes, 0).slice(0, 3) !== 'ID3' || bytes.length < 10) return 0;
  // Four bytes of seven bits each.
  const size = (bytes[6] << 21) | (bytes[7] << 14) | (bytes[8] << 7) | bytes[9];
  let at = 10 + size;
  while (at < bytes.length && bytes[at] === 0) at++;
  return at;
}

/** Some MP3s begin in the middle of a frame, or with bytes that a broken tag left behind. */
const MP3_SEARCH_BYTES = 8192;

/**
 * Where the first header of MPEG audio layer III is: at the start if another one is where it says that its frame ends,
 * or a little later if two follow, which chance does not do. −1 where there is none.
 */
function findMp3(bytes: Uint8Array, start: number): number {
  if (hasFrames(bytes, start, 2)) return start;
  const end = Math.min(bytes.length, start + MP3_SEARCH_BYTES);
  for (let at = start + 1; at < end; at++) {
    if (bytes[at] === 0xff && at + 4 <= bytes.length && hasFrames(bytes, at, 3)) return at;
  }
  return -1;
}

/** Whether `count` headers follow one another; of two, the second may lie beyond the end. */
function hasFrames(bytes: Uint8Array, start: number, count: number): boolean {
  let at = start;
  for (let i = 0; i < count; i++) {
    const length = mp3FrameLength(bytes, at);
    if (length === 0) return false;
    at += length;
    if (count === 2 && at + 4 > bytes.length) return true;
  }
  return true;
}

/** Whether an MP3 has one channel, by its first header. */
export function isMonoMp3(bytes: Uint8Array): boolean {
  return bytes[findMp3(bytes, skipId3(bytes)) + 3] >> 6 === 3;
}

/** Kilobits a second by the header's index: MPEG-1, then MPEG-2 and 2.5. */
const kilobits = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const sampleRates = [44_100, 48_000, 32_000];

/** Bytes of the frame whose header is at an offset; 0 where there is no header of layer III. */
function mp3FrameLength(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1] & 0xe0) !== 0xe0) return 0;
  const version = (bytes[at + 1] >> 3) & 3;
  const layer = (bytes[at + 1] >> 1) & 3;
  const rate = kilobits[version === 3 ? 0 : 1][bytes[at + 2] >> 4];
  const base = sampleRates[(bytes[at + 2] >> 2) & 3];
  if (version === 1 || layer !== 1 || !rate || base === undefined) return 0;
  const sampleRate = base / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const padding = (bytes[at + 2] >> 1) & 1;
  return Math.floor(((version === 3 ? 144 : 72) * rate * 1000) / sampleRate) + padding;
}
