import { DataError, UnsupportedError } from '#core';
import { jsonObjectKeys } from './json-object-keys.ts';
import { isStorageType, type StorageType, storageBytes } from './storage-types.ts';

/** The reference implementation's limit. */
export const maxHeaderBytes = 100_000_000;

/** One tensor of a safetensors file; `start` and `end` count from the end of the header. */
export interface SafetensorsEntry {
  readonly key: string;
  readonly type: StorageType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: readonly SafetensorsEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The length of the JSON header, from the first 8 bytes.
 * @throws DataError when it exceeds the file or the format's limit
 */
export function parseHeaderLength(path: string, prefix: Uint8Array, fileBytes: number): number {
  if (prefix.byteLength < 8 || fileBytes < 10) throw damaged(path, `it has only ${fileBytes} bytes`);
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw damaged(path, `its header claims ${length} bytes where ${maxHeaderBytes} are allowed`);
  }
  if (Number(length) > fileBytes - 8) {
    throw damaged(path, `its header claims ${length} bytes of a file of ${fileBytes}`);
  }
  return Number(length);
}

/**
 * Reads and checks the header: known types, sizes that agree with offsets, no repeated key, and tensors that
 * cover the data without overlap or hole.
 * @param path for errors
 * @param header the JSON bytes
 * @param dataBytes bytes after the header
 * @throws DataError naming the file and key; UnsupportedError for an unknown element type
 * @source https://github.com/huggingface/safetensors#format
 */
export function parseSafetensorsHeader(
  path: string,
  header: Uint8Array,
  dataBytes: number,
): SafetensorsHeader {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
    parsed = JSON.parse(text);
  } catch (error) {
    throw damaged(path, `its header is not JSON (${(error as Error).message})`);
  }
  if (!isObject(parsed)) throw damaged(path, 'its header is not a JSON object');
  const keys = jsonObjectKeys(text);
  const seen = new Set<string>();
  const repeated = keys.find((key) => seen.size === seen.add(key).size);
  if (repeated !== undefined) throw damaged(path, `the key "${repeated}" appears twice`, repeated);
  const entries = keys
    .filter((key) => key !== '__metadata__')
    .map((key) => parseEntry(path, key, (parsed as Record<string, unknown>)[key], dataBytes));
  checkCoverage(path, entries, dataBytes);
  return { entries, metadata: parseMetadata(path, parsed['__metadata__']) };
}

function parseEntry(path: string, key: string, value: unknown, dataBytes: number): SafetensorsEntry {
  if (!isObject(value)) throw damaged(path, `the entry of "${key}" is not an object`, key);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isStorageType(dtype)) {
    throw new UnsupportedError(
      `readSafetensors: element types are ${Object.keys(storageBytes).join(', ')}, but "${key}" of "${path}" has ${brief(dtype)}. Convert the file.`,
      { file: path, key },
    );
  }
  if (!isSizes(shape)) throw damaged(path, `"${key}" has the shape ${brief(shape)}`, key);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1] || offsets[1] > dataBytes) {
    throw damaged(path, `"${key}" has the offsets ${brief(offsets)} in ${dataBytes} bytes of data`, key);
  }
  // Exact: a product that leaves the whole numbers of float64 cannot equal a difference of two offsets.
  let bytes = storageBytes[dtype];
  for (const dim of shape) bytes *= dim;
  if (bytes !== offsets[1] - offsets[0]) {
    throw damaged(
      path,
      `"${key}" of ${dtype} ${brief(shape)} takes ${bytes} bytes, and its offsets ${brief(offsets)} hold ${offsets[1] - offsets[0]}`,
      key,
    );
  }
  return { key, type: dtype, shape, start: offsets[0], end: offsets[1] };
}

function checkCoverage(path: string, entries: readonly SafetensorsEntry[], dataBytes: number): void {
  let position = 0;
  for (const { key, start, end } of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < position) throw damaged(path, `"${key}" overlaps the tensor before it`, key);
    if (start > position) {
      throw damaged(path, `${start - position} bytes before "${key}" belong to no tensor`, key);
    }
    position = end;
  }
  if (position !== dataBytes) {
    throw damaged(path, `the last ${dataBytes - position} bytes belong to no tensor`);
  }
}

function parseMetadata(path: string, value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || Object.values(value).some((item) => typeof item !== 'string')) {
    throw damaged(path, 'its __metadata__ is no object of strings', '__metadata__');
  }
  return value as Record<string, string>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Of a list its first items only, and nothing of a nest, which could be deeper than the call stack. */
function brief(value: unknown): string {
  const part = Array.isArray(value)
    ? value.slice(0, 20).map((item: unknown) => (isNest(item) ? 'a nest' : item))
    : value;
  const text = isNest(part) && !Array.isArray(part) ? 'an object' : (JSON.stringify(part) ?? 'nothing');
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function isNest(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function damaged(path: string, got: string, key?: string): DataError {
  return new DataError(
    `readSafetensors: "${path}" must be a complete safetensors file, but ${got}. Download or save it again.`,
    { file: path, ...(key === undefined ? {} : { key }) },
  );
}
