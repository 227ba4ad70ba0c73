import { DataError } from '#core';
import { type ByteSource, withFile } from './byte-source.ts';
import { MemoryBudget } from './memory-budget.ts';
import {
  maxHeaderBytes,
  parseHeaderLength,
  parseSafetensorsHeader,
  type SafetensorsEntry,
} from './safetensors-header.ts';
import type { ReadOptions, StateDict, WeightFile } from './state-dict.ts';
import { bytesInMemory, decodeStorage, storageBytes, storageTypeOf } from './storage-types.ts';
import { writeFileAtomically } from './write-file-atomically.ts';

/**
 * Reads a safetensors file. Element types: F64, F32, I64, I32, U8 and BOOL as they are; F16 and BF16 become
 * float32 (see `half`); I16, U16 and I8 become int32.
 *
 * @throws DataError naming file and key when the file is missing, truncated or inconsistent: offsets that
 *   overlap, leave holes or exceed the file, repeated keys, sizes that disagree with shapes, a header over
 *   100 MB; always before memory is taken for it
 * @throws UnsupportedError for other element types
 * @source https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(path: string, options: ReadOptions = {}): Promise<WeightFile> {
  return withFile('readSafetensors', path, (source) => readSafetensorsFrom(source, options));
}

/** As `readSafetensors`, from bytes that are opened already. */
export async function readSafetensorsFrom(source: ByteSource, options: ReadOptions): Promise<WeightFile> {
  const { path, size } = source;
  const length = parseHeaderLength(path, await source.read(0, Math.min(8, size)), size);
  const base = 8 + length;
  const { entries, metadata } = parseSafetensorsHeader(path, await source.read(8, length), size - base);
  const budget = new MemoryBudget(path, size, options.maxBytes);
  for (const entry of entries) takeEntry(budget, entry, options);
  const state: StateDict = new Map();
  for (const { key, type, shape, start, end } of entries) {
    const bytes = await source.read(base + start, end - start);
    state.set(key, decodeStorage(type, bytes, shape, options.half));
  }
  return { state, metadata, format: 'safetensors' };
}

/**
 * As `readSafetensors`, from memory.
 * @param name stands for the file in errors
 */
export function parseSafetensors(
  bytes: Uint8Array,
  options: ReadOptions & { readonly name?: string } = {},
): WeightFile {
  const { name = 'bytes', half } = options;
  const length = parseHeaderLength(name, bytes.subarray(0, 8), bytes.byteLength);
  const data = bytes.subarray(8 + length);
  const { entries, metadata } = parseSafetensorsHeader(name, bytes.subarray(8, 8 + length), data.byteLength);
  const budget = new MemoryBudget(name, bytes.byteLength, options.maxBytes);
  for (const entry of entries) takeEntry(budget, entry, options);
  const state: StateDict = new Map();
  for (const { key, type, shape, start, end } of entries) {
    state.set(key, decodeStorage(type, data.subarray(start, end), shape, half));
  }
  return { state, metadata, format: 'safetensors' };
}

/**
 * Writes a safetensors file, whole or not at all: a full disk or a killed process leaves the previous file.
 * The data are little-endian, tensors of wide elements first, so that each starts at a multiple of its size.
 *
 * @param metadata strings for `__metadata__`
 * @throws DataError for a tensor called `__metadata__` or a header over 100 MB
 * @throws RuntimeFailure when the file cannot be written; names the file and the room it needed
 */
export async function writeSafetensors(
  path: string,
  state: StateDict,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { header, chunks } = layOutSafetensors(path, state, metadata);
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, header.byteLength);
  await writeFileAtomically('writeSafetensors', path, [header, ...chunks], sizeBytes);
}

/** A safetensors file in memory; see `writeSafetensors`. */
export function encodeSafetensors(
  state: StateDict,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { header, chunks } = layOutSafetensors('bytes', state, metadata);
  return new Uint8Array(Buffer.concat([header, ...chunks]));
}

/** The header, its length included, and the tensors' bytes in the file's order. */
function layOutSafetensors(path: string, state: StateDict, metadata: Readonly<Record<string, string>>) {
  const offsets = new Map<string, [number, number]>();
  const chunks: Uint8Array[] = [];
  let position = 0;
  const widest = ([, a]: [string, { dtype: keyof typeof storageTypeOf }]) =>
    -storageBytes[storageTypeOf[a.dtype]];
  for (const [key, { data }] of [...state].sort((a, b) => widest(a) - widest(b))) {
    offsets.set(key, [position, position + data.byteLength]);
    position += data.byteLength;
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const parts = Object.keys(metadata).length > 0 ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  for (const [key, { dtype, shape }] of state) {
    if (key === '__metadata__') {
      throw new DataError(
        'writeSafetensors: "__metadata__" is reserved, but got a tensor of that name. Rename it.',
        { file: path, key },
      );
    }
    const entry = { dtype: storageTypeOf[dtype], shape, data_offsets: offsets.get(key) };
    parts.push(`${JSON.stringify(key)}:${JSON.stringify(entry)}`);
  }
  const json = Buffer.from(`{${parts.join(',')}}`);
  const length = Math.ceil(json.byteLength / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new DataError(
      `writeSafetensors: the header may take ${maxHeaderBytes} bytes, but "${path}" would need ${length}. Shorten the metadata.`,
      { file: path },
    );
  }
  // Padded with spaces, so that the data are aligned.
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return { header, chunks };
}

function takeEntry(budget: MemoryBudget, entry: SafetensorsEntry, options: ReadOptions): void {
  const count = (entry.end - entry.start) / storageBytes[entry.type];
  budget.take(bytesInMemory(entry.type, count, options.half), entry.key);
}
