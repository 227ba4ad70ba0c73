import { chunkName } from './parse-wav.ts';

/**
 * What shows that the end of a stream is missing, which decoders pass over: a FLAC tells its number of samples, the last
 * page of an Ogg is marked. An MP3 does not tell.
 */
export function missingEnd(bytes: Uint8Array, format: string, samples: number): string | undefined {
  if (format === 'mp3') return undefined;
  const last = lastPage(bytes);
  if (chunkName(bytes, 0) === 'OggS') {
    const ends = last >= 0 && (bytes[last + 5] & 4) !== 0 && last + pageLength(bytes, last) <= bytes.length;
    return ends ? undefined : 'its last page is missing';
  }
  const start = flacStart(bytes);
  if (start < 0) return undefined;
  // 36 bits, the lowest four of the fourteenth byte of STREAMINFO first; 0 where they were not known.
  const info = start + 8;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const total = (bytes[info + 13] & 15) * 2 ** 32 + view.getUint32(info + 14);
  return total === 0 || total <= samples ? undefined : `${samples} of ${total} samples can be decoded`;
}

function lastPage(bytes: Uint8Array): number {
  for (let at = bytes.length - 27; at >= 0; at--) {
    if (bytes[at] === 0x4f && chunkName(bytes, at) === 'OggS') return at;
  }
  return -1;
}

/** Header, table of segments and segments. */
function pageLength(bytes: Uint8Array, at: number): number {
  const segments = bytes[at + 26];
  return bytes.subarray(at + 27, at + 27 + segments).reduce((sum, size) => sum + size, 27 + segments);
}

/** Of the marker, behind a tag if there is one; −1 unless the first block after it, STREAMINFO, is whole. */
function flacStart(bytes: Uint8Array): number {
  const text = 'fLaC';
  for (let at = 0; at + 26 <= bytes.length; at++) {
    if (bytes[at] === text.charCodeAt(0) && chunkName(bytes, at) === text) return at;
  }
  return -1;
}
