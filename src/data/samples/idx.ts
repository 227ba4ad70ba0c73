import { readFile, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { bytesPerElement, createArray, DataError, type DType, type HostTensor, sizeOf } from '#core';
import { writeFailure } from '../write-failure.ts';

interface ElementFormat {
  readonly dtype: DType;
  readonly sizeBytes: number;
  readonly read: (view: DataView, at: number) => number;
}

/**
 * Elements by their code in the third byte of an idx file; values are big-endian. Small signed integers have no
 * element type of their own here and become int32.
 * @source http://yann.lecun.com/exdb/mnist/
 */
const formats: Readonly<Record<number, ElementFormat>> = {
  8: { dtype: 'uint8', sizeBytes: 1, read: (view, at) => view.getUint8(at) },
  9: { dtype: 'int32', sizeBytes: 1, read: (view, at) => view.getInt8(at) },
  11: { dtype: 'int32', sizeBytes: 2, read: (view, at) => view.getInt16(at) },
  12: { dtype: 'int32', sizeBytes: 4, read: (view, at) => view.getInt32(at) },
  13: { dtype: 'float32', sizeBytes: 4, read: (view, at) => view.getFloat32(at) },
  14: { dtype: 'float64', sizeBytes: 8, read: (view, at) => view.getFloat64(at) },
};

const codes: Readonly<Partial<Record<DType, number>>> = { uint8: 8, int32: 12, float32: 13, float64: 14 };

/** Deflate cannot shrink anything further (https://zlib.net/zlib_tech.html). */
const MAX_RATIO = 1032;
/** Packed bytes that surely hold a header of 255 axes. */
const PACKED_HEADER = 16_384;

const unzip = promisify(gunzip);
const zip = promisify(gzip);

function fault(path: string, rule: string, got: string, cause?: unknown): DataError {
  return new DataError(
    `readIdx: ${rule}, but got ${got} in "${path}". Check that it is a complete idx file, or download it again.`,
    { file: path },
    { cause },
  );
}

export interface ReadIdxOptions {
  /** Largest size of the unpacked file; 2 GiB by default. */
  readonly maxBytes?: number;
}

/**
 * Reads an idx file (MNIST's format), plain or gzip, whatever its name. Sizes are checked before memory is taken for
 * them.
 *
 * @returns uint8, int32, float32 or float64 of the shape that the file declares
 * @throws DataError for a wrong magic number, sizes that do not match the file, or damaged compression
 */
export async function readIdx(
  path: string,
  { maxBytes = 2 ** 31 }: ReadIdxOptions = {},
): Promise<HostTensor> {
  const file = await readWhole(path, maxBytes);
  const isPacked = file[0] === 0x1f && file[1] === 0x8b;
  const start = isPacked ? await unpackStart(file, path) : file;
  const header = parseHeader(start, path);
  if (header.total > maxBytes || (isPacked && header.total > file.length * MAX_RATIO)) {
    const limit = Math.min(maxBytes, isPacked ? file.length * MAX_RATIO : maxBytes);
    throw fault(path, `the size may be ${limit} bytes at most`, `${header.total} for ${printShape(header)}`);
  }
  const bytes = isPacked ? await unpack(file, header, path) : file;
  if (bytes.length !== header.total) throw wrongSize(header, `${bytes.length}`, path);
  return readElements(bytes, header);
}

async function readWhole(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw fault(path, `the file may have ${maxBytes} bytes at most`, `${size}`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(
      `readIdx: the file must be readable, but "${path}" is not: ${(error as Error).message}. Check the path.`,
      { file: path },
      { cause: error },
    );
  }
}

interface Header {
  readonly format: ElementFormat;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
  /** Bytes of header and elements. */
  readonly total: number;
}

function printShape({ shape }: Header): string {
  return `[${shape.join(', ')}]`;
}

function wrongSize(header: Header, got: string, path: string): DataError {
  return fault(path, `${printShape(header)} takes ${header.total} bytes with its header`, got);
}

function parseHeader(bytes: Uint8Array, path: string): Header {
  const format = formats[bytes[2]];
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || format === undefined) {
    const magic = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const rule = `the file must begin with 00 00, a type (${Object.keys(formats).join(', ')}) and the number of axes`;
    throw fault(path, rule, magic === '' ? 'nothing' : `the bytes ${magic}`);
  }
  const rank = bytes[3];
  const sizeBytes = 4 + 4 * rank;
  if (bytes.length < sizeBytes) {
    throw fault(path, `a header of ${rank} axes takes ${sizeBytes} bytes`, `${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  // A zero anywhere makes the product zero, whatever overflows beside it.
  const count = shape.includes(0) ? 0 : sizeOf(shape);
  return { format, shape, sizeBytes, total: sizeBytes + count * format.sizeBytes };
}

function damaged(path: string, error: unknown): DataError {
  return fault(path, 'the gzip stream must be whole', (error as Error).message, error);
}

async function unpackStart(file: Uint8Array, path: string): Promise<Uint8Array> {
  // The piece ends anywhere in the stream; what can be unpacked of it is enough.
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  return unzip(file.subarray(0, PACKED_HEADER), options).catch((error: unknown) => {
    throw damaged(path, error);
  });
}

async function unpack(file: Uint8Array, header: Header, path: string): Promise<Uint8Array> {
  return unzip(file, { maxOutputLength: header.total }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw wrongSize(header, 'more', path);
    }
    throw damaged(path, error);
  });
}

function readElements(bytes: Uint8Array, { format, shape, sizeBytes: start }: Header): HostTensor {
  const { dtype, sizeBytes, read } = format;
  // A copy, so that the tensor does not hold on to the buffer of the file.
  if (dtype === 'uint8') return { dtype, shape, data: new Uint8Array(bytes.subarray(start)) };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = createArray(dtype, (bytes.length - start) / sizeBytes) as Float32Array;
  for (let i = 0; i < data.length; i++) data[i] = read(view, start + i * sizeBytes);
  return { dtype, shape, data } as HostTensor;
}

/**
 * Writes an idx file; gzip when the name ends in `.gz`.
 * @throws DataError for an element type that the format does not have, or data that does not fill its shape
 * @throws RuntimeFailure when the file cannot be written
 */
export async function writeIdx(path: string, { dtype, shape, data }: HostTensor): Promise<void> {
  const code = codes[dtype];
  if (code === undefined || shape.length > 255 || sizeOf(shape) !== data.length) {
    throw new DataError(
      `writeIdx: tensors must be ${Object.keys(codes).join(', ')} and fill 255 axes at most, but got ${data.length} values of ${dtype} for [${shape.join(', ')}]. Convert it.`,
      { dtype, shape: [...shape] },
    );
  }
  const header = 4 + 4 * shape.length;
  const size = bytesPerElement(dtype);
  const bytes = new Uint8Array(header + data.length * size);
  const view = new DataView(bytes.buffer);
  bytes[2] = code;
  bytes[3] = shape.length;
  for (const [axis, dim] of shape.entries()) view.setUint32(4 + 4 * axis, dim);
  for (let i = 0; i < data.length; i++) {
    const at = header + i * size;
    const value = Number(data[i]);
    if (dtype === 'uint8') bytes[at] = value;
    else if (dtype === 'int32') view.setInt32(at, value);
    else if (dtype === 'float32') view.setFloat32(at, value);
    else view.setFloat64(at, value);
  }
  const content = path.endsWith('.gz') ? await zip(bytes, { level: constants.Z_BEST_SPEED }) : bytes;
  await writeFile(path, content).catch((error: unknown) => {
    throw writeFailure('writeIdx', path, error);
  });
}
