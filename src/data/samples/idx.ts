import { readFile, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import {
  bytesPerElement,
  createArray,
  DataError,
  type DType,
  type HostTensor,
  type NumericArray,
} from '#core';
import { writeFailure } from '../write-failure.ts';

/**
 * Element types by their code in the third byte of an idx file; values are big-endian.
 * @source http://yann.lecun.com/exdb/mnist/
 */
const dtypes: Readonly<Record<number, DType>> = { 8: 'uint8', 12: 'int32', 13: 'float32', 14: 'float64' };

/** A file cannot grow by more than this when unpacked. */
const MAX_RATIO = 1100;

const unzip = promisify(gunzip);
const zip = promisify(gzip);

function fault(path: string, rule: string, got: string): DataError {
  return new DataError(
    `readIdx: ${rule}, but got ${got} in "${path}". Check that the file is a complete idx file.`,
    {
      file: path,
    },
  );
}

/**
 * Reads an idx file (MNIST's format), plain or gzip, whatever its name.
 *
 * @returns uint8, int32, float32 or float64 of the shape that the file declares
 * @throws DataError for a wrong magic number, a size that the file does not have, or damaged compression
 */
export async function readIdx(path: string): Promise<HostTensor> {
  const bytes = await readBytes(path);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || dtypes[bytes[2]] === undefined) {
    const magic = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw fault(path, 'the file must begin with 00 00, a type and the number of axes', magic || 'nothing');
  }
  const dtype = dtypes[bytes[2]];
  const rank = bytes[3];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = 4 + 4 * rank;
  if (bytes.length < header)
    throw fault(path, `a header of ${header} bytes must be there`, `${bytes.length} bytes`);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = shape.reduce((product, dim) => product * dim, 1);
  const expected = count * bytesPerElement(dtype);
  if (bytes.length - header !== expected) {
    throw fault(path, `${expected} bytes must follow for [${shape.join(', ')}]`, `${bytes.length - header}`);
  }
  return { dtype, shape, data: readElements(view, header, dtype, count) } as HostTensor;
}

async function readBytes(path: string): Promise<Uint8Array> {
  const file = await readFile(path).catch((error: unknown) => {
    throw new DataError(
      `readIdx: the file must be readable, but "${path}" is not: ${(error as Error).message}.`,
      { file: path },
      { cause: error },
    );
  });
  if (file[0] !== 0x1f || file[1] !== 0x8b) return file;
  // The size is declared in the data, and checked there; no honest file shrinks further than this.
  const maxOutputLength = Math.min(file.length * MAX_RATIO, 2 ** 31);
  return unzip(file, { maxOutputLength }).catch((error: unknown) => {
    throw new DataError(
      `readIdx: the gzip stream must be whole, but "${path}" is not: ${(error as Error).message}. Download it again.`,
      { file: path },
      { cause: error },
    );
  });
}

function readElements(view: DataView, start: number, dtype: DType, count: number): NumericArray {
  if (dtype === 'uint8') return new Uint8Array(view.buffer, view.byteOffset + start, count).slice();
  const data = createArray(dtype, count) as Float32Array;
  const size = bytesPerElement(dtype);
  for (let i = 0; i < count; i++) {
    const at = start + i * size;
    data[i] =
      dtype === 'int32' ? view.getInt32(at) : dtype === 'float32' ? view.getFloat32(at) : view.getFloat64(at);
  }
  return data;
}

/**
 * Writes an idx file; gzip when the name ends in `.gz`.
 * @throws DataError for an element type that the format does not have
 */
export async function writeIdx(path: string, { dtype, shape, data }: HostTensor): Promise<void> {
  const code = Object.entries(dtypes).find(([, each]) => each === dtype)?.[0];
  if (code === undefined) {
    throw new DataError(
      `writeIdx: elements must be ${Object.values(dtypes).join(', ')}, but got ${dtype}. Convert them.`,
      { dtype },
    );
  }
  const header = 4 + 4 * shape.length;
  const size = bytesPerElement(dtype);
  const bytes = new Uint8Array(header + data.length * size);
  const view = new DataView(bytes.buffer);
  bytes[2] = Number(code);
  bytes[3] = shape.length;
  shape.forEach((dim, axis) => {
    view.setUint32(4 + 4 * axis, dim);
  });
  if (dtype === 'uint8') bytes.set(data as Uint8Array, header);
  else {
    (data as Float32Array).forEach((value, i) => {
      const at = header + i * size;
      if (dtype === 'int32') view.setInt32(at, value);
      else if (dtype === 'float32') view.setFloat32(at, value);
      else view.setFloat64(at, value);
    });
  }
  const content = path.endsWith('.gz') ? await zip(bytes, { level: constants.Z_BEST_SPEED }) : bytes;
  await writeFile(path, content).catch((error: unknown) => {
    throw writeFailure('writeIdx', path, error);
  });
}

/** Whether a path exists. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
