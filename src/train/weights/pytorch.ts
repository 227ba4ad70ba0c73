import type { Entry } from 'yauzl';
import { DataError, UnsupportedError } from '#core';
import { type ByteSource, withFile } from './byte-source.ts';
import { extractState } from './extract-state.ts';
import { materializeTensors } from './materialize-tensors.ts';
import { MemoryBudget } from './memory-budget.ts';
import { PickleMachine, pickleLimits } from './pickle-machine.ts';
import type { PickleStorage } from './pickle-values.ts';
import type { ReadOptions, WeightFile } from './state-dict.ts';
import { storageBytes } from './storage-types.ts';
import { TorchObjects } from './torch-objects.ts';
import { ZipArchive } from './zip-archive.ts';

/** How a PyTorch file is read. */
export interface PytorchOptions extends ReadOptions {
  /**
   * Reads objects of unknown classes as inert records, which whole pickled modules need (`torch.save(model)`).
   * Nothing is run either way. Default `false`: such a file is refused and the class named.
   */
  readonly allowRecords?: boolean;
  /** Takes the moving average of the weights where a checkpoint has one. Default `false`. */
  readonly preferEma?: boolean;
}

/** Pickled first in the legacy format. */
const legacyMagic = 0x1950a86a20f9469cfc6cn;

/**
 * Reads a `.pt` or `.pth` file of `torch.save`: the zip format since PyTorch 1.6 and the one before. The pickle
 * inside runs on a machine that builds tensors and plain containers and calls nothing. Strided views become
 * contiguous, 16-bit floats become float32 (see `half`), int16 and int8 become int32.
 *
 * @returns the state dict, found at the top, in a pickled module, or under `state_dict`, `model` and the like;
 *   `metadata` holds a checkpoint's other plain values
 * @throws DataError for a damaged or hostile file: unknown opcode or class, tensors outside their storage,
 *   storages larger than the file, zip bombs, names that lead out of the archive; before memory is taken
 * @throws UnsupportedError for big-endian files, complex or quantised elements, TorchScript
 * @source https://pytorch.org/docs/stable/notes/serialization.html
 */
export function readPytorch(path: string, options: PytorchOptions = {}): Promise<WeightFile> {
  return withFile('readPytorch', path, async (source) => {
    const start = await source.read(0, Math.min(2, source.size));
    return start[0] === 0x50 && start[1] === 0x4b
      ? readPytorchZip(source, options)
      : readPytorchLegacy(source, options);
  });
}

/** The zip format: `NAME/data.pkl`, and one entry `NAME/data/KEY` per storage. */
export function readPytorchZip(source: ByteSource, options: PytorchOptions): Promise<WeightFile> {
  const { path } = source;
  return ZipArchive.with(source, async (archive) => {
    const pickleName = [...archive.entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickleName === undefined) {
      throw new DataError(
        `readPytorch: an archive of torch.save holds NAME/data.pkl, but "${path}" does not. Name a .pt or .pth file.`,
        { file: path },
      );
    }
    const prefix = pickleName.slice(0, -'data.pkl'.length);
    if (archive.entries.has(`${prefix}constants.pkl`)) {
      throw new UnsupportedError(
        `readPytorch: state dicts and modules are read, but "${path}" is a TorchScript program. Save model.state_dict().`,
        { file: path },
      );
    }
    const order = archive.entries.get(`${prefix}byteorder`);
    if (order !== undefined && order.uncompressedSize < 100) {
      const text = Buffer.from(await archive.read(order))
        .toString('latin1')
        .trim();
      if (text !== 'little') throw bigEndian(path, text);
    }
    const entryOf = ({ key }: PickleStorage): Entry => {
      const entry = archive.entries.get(`${prefix}data/${key}`);
      if (entry === undefined) throw impossible(path, key, 'it is not in the archive');
      return entry;
    };
    const objects = new TorchObjects(path, options.allowRecords ?? false, (storage) => {
      const declared = storage.count * storageBytes[storage.type];
      const actual = entryOf(storage).uncompressedSize;
      if (declared !== actual) {
        throw impossible(path, storage.key, `it declares ${declared} bytes and has ${actual}`);
      }
    });
    const pickle = archive.entries.get(pickleName)!;
    if (pickle.uncompressedSize > pickleLimits.bytes) throw tooLong(path, pickle.uncompressedSize);
    const root = new PickleMachine(path, await archive.read(pickle), objects).run();
    const { tensors, metadata } = extractState(path, root, options.preferEma ?? false);
    const state = await materializeTensors(
      tensors,
      (storage) => archive.read(entryOf(storage)),
      new MemoryBudget(path, source.size, options.maxBytes),
      options.half,
    );
    return { state, metadata, format: 'pytorch-zip' };
  });
}

/** The legacy format: pickles of magic number, version, system, object and storage keys, then the storages. */
export async function readPytorchLegacy(source: ByteSource, options: PytorchOptions): Promise<WeightFile> {
  const { path, size } = source;
  let declaredBytes = 0;
  const objects = new TorchObjects(path, options.allowRecords ?? false, (storage) => {
    declaredBytes += storage.count * storageBytes[storage.type];
    if (!(declaredBytes <= size)) {
      throw impossible(
        path,
        storage.key,
        `with it the storages declare ${declaredBytes} bytes in a file of ${size}`,
      );
    }
  });
  const start = await source.read(0, Math.min(size, pickleLimits.bytes));
  const machine = new PickleMachine(path, start, objects);
  const isLegacy = start[0] === 0x80 && machine.run() === legacyMagic && machine.run() === 1001;
  if (!isLegacy) {
    throw new DataError(
      `readPytorch: a file of torch.save is a zip archive or begins with PyTorch's magic number, but "${path}" does neither. Name a .pt or .pth file.`,
      { file: path },
    );
  }
  const system = machine.run();
  if (system instanceof Map && system.get('little_endian') === false) throw bigEndian(path, 'big');
  const root = machine.run();
  const keys = machine.run();
  const places = await findStorages(source, Array.isArray(keys) ? keys : [], machine, objects);
  const { tensors, metadata } = extractState(path, root, options.preferEma ?? false);
  const read = (storage: PickleStorage): Promise<Uint8Array> => {
    const place = places.get(storage.key);
    if (place === undefined) throw impossible(path, storage.key, 'it is not in the file');
    return source.read(place, storage.count * storageBytes[storage.type]);
  };
  const budget = new MemoryBudget(path, size, options.maxBytes);
  const state = await materializeTensors(tensors, read, budget, options.half);
  return { state, metadata, format: 'pytorch-legacy' };
}

/** Positions of the storages' elements; each storage is a count of 8 bytes, then its elements. */
async function findStorages(
  source: ByteSource,
  keys: readonly unknown[],
  machine: PickleMachine,
  { storages }: TorchObjects,
): Promise<Map<string, number>> {
  const { path, size } = source;
  const places = new Map<string, number>();
  let position = machine.cursor.position;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined) {
      throw impossible(path, typeof key === 'string' ? key : typeof key, 'no tensor is declared in it');
    }
    if (places.has(storage.key)) throw impossible(path, storage.key, 'it appears twice');
    const bytes = storage.count * storageBytes[storage.type];
    if (position + 8 + bytes > size) {
      throw impossible(path, storage.key, `its ${bytes} bytes reach beyond the end of the file at ${size}`);
    }
    const count = new DataView((await source.read(position, 8)).buffer).getBigInt64(0, true);
    if (count !== BigInt(storage.count)) {
      throw impossible(path, storage.key, `it declares ${storage.count} elements and has ${count}`);
    }
    places.set(storage.key, position + 8);
    position += 8 + bytes;
  }
  return places;
}

function impossible(path: string, key: string, got: string): DataError {
  return new DataError(
    `readPytorch: every storage must lie whole in "${path}", but of storage "${key.slice(0, 40)}" ${got}. Download or save it again.`,
    { file: path, key },
  );
}

function bigEndian(path: string, order: string): UnsupportedError {
  return new UnsupportedError(
    `readPytorch: elements must be little-endian, but "${path}" has ${JSON.stringify(order)}. Save it on another machine.`,
    { file: path },
  );
}

function tooLong(path: string, bytes: number): DataError {
  return new DataError(
    `readPytorch: a pickle may take ${pickleLimits.bytes} bytes, but that of "${path}" takes ${bytes}. Save a state dict alone.`,
    { file: path },
  );
}
