import { DataError, UnsupportedError } from '#core';
import type { PickleHooks, PickleMachine } from './pickle-machine.ts';
import {
  PickleGlobal,
  PickleRecord,
  PickleStorage,
  PickleTensor,
  PickleTuple,
  type PickleValue,
} from './pickle-values.ts';
import type { StorageType } from './storage-types.ts';

/** torch's storage classes. */
const storageTypes: Readonly<Record<string, StorageType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

type Make = (args: readonly PickleValue[], machine: PickleMachine, hooks: TorchObjects) => PickleValue;

const makeSet: Make = (args, machine) => new Set(copied(args[0], machine));
const makeMap: Make = (args, machine) => {
  const map = new Map<PickleValue, PickleValue>();
  for (const pair of copied(args[0], machine)) {
    const [key, value] = pair instanceof PickleTuple ? pair.items : Array.isArray(pair) ? pair : [];
    if (key === undefined || value === undefined) throw machine.cursor.damaged('a dict is not made of pairs');
    map.set(key, value);
  }
  return map;
};
const rebuildTensor: Make = ([storage, offset, shape, strides], machine) =>
  makeTensor(storage, offset, shape, strides, machine);

/** What the names that PyTorch writes stand for; each is written here, none of theirs is called. */
const makers: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['collections.OrderedDict', makeMap],
  ['collections.defaultdict', () => new Map()],
  ['builtins.dict', makeMap],
  ['__builtin__.dict', makeMap],
  ['builtins.set', makeSet],
  ['__builtin__.set', makeSet],
  ['builtins.frozenset', makeSet],
  ['__builtin__.frozenset', makeSet],
  ['torch.Size', ([items], machine) => new PickleTuple(copied(items, machine))],
  ['torch.device', deviceName],
  ['_codecs.encode', encodeLatin1],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', ([data], machine) => expectTensor(data, machine)],
  ['torch._utils._rebuild_parameter_with_state', ([data], machine) => expectTensor(data, machine)],
  [
    'torch._tensor._rebuild_from_type_v2',
    ([rebuild, , args], machine, hooks) => {
      const inner = args instanceof PickleTuple ? args.items : [];
      if (!(rebuild instanceof PickleGlobal) || rebuild.path === 'torch._tensor._rebuild_from_type_v2') {
        throw machine.cursor.damaged('a tensor is rebuilt by no function');
      }
      return hooks.construct(rebuild, inner, machine);
    },
  ],
]);

/** Gives names and persistent ids of PyTorch's pickles their meaning. */
export class TorchObjects implements PickleHooks {
  /** Every storage the pickle names, by its key. */
  readonly storages: Map<string, PickleStorage> = new Map();
  private readonly path: string;
  private readonly allowRecords: boolean;
  private readonly checkStorage: (storage: PickleStorage) => void;

  /**
   * @param path for errors
   * @param allowRecords makes inert records of unknown classes, instead of errors
   * @param checkStorage refuses a storage that the file cannot hold
   */
  constructor(path: string, allowRecords: boolean, checkStorage: (storage: PickleStorage) => void) {
    this.path = path;
    this.allowRecords = allowRecords;
    this.checkStorage = checkStorage;
  }

  /** `('storage', class, key, location, count[, view])`, or in old files `('module', class, file, source)`. */
  load(id: PickleValue, machine: PickleMachine): PickleValue {
    const [kind, type, key, , count, view] = id instanceof PickleTuple ? id.items : [];
    if (kind === 'module' && type instanceof PickleGlobal) return type;
    if (kind !== 'storage' || !(type instanceof PickleGlobal) || typeof key !== 'string') {
      throw machine.cursor.damaged('a persistent id names no storage');
    }
    const elementType = Object.hasOwn(storageTypes, type.name) ? storageTypes[type.name] : undefined;
    if (elementType === undefined) {
      throw new UnsupportedError(
        `readPytorch: element types are ${Object.keys(storageTypes).join(', ')}, but "${this.path}" has a ${type.path}. Convert that tensor before saving.`,
        { file: this.path, key },
      );
    }
    if (view !== undefined && view !== null) {
      throw new UnsupportedError(
        `readPytorch: storages that are views of storages (before PyTorch 0.4) are not read, but "${this.path}" has one. Save it again with a newer PyTorch.`,
        { file: this.path, key },
      );
    }
    if (!isSize(count)) throw machine.cursor.damaged(`storage ${key} has ${describeCount(count)} elements`);
    const known = this.storages.get(key);
    if (known !== undefined) {
      if (known.type !== elementType || known.count !== count) {
        throw machine.cursor.damaged(`storage ${key} is declared twice, differently`);
      }
      return known;
    }
    const storage = new PickleStorage(key, elementType, count);
    this.checkStorage(storage);
    this.storages.set(key, storage);
    return storage;
  }

  resolve(global: PickleGlobal): PickleValue {
    return global;
  }

  construct(callable: PickleValue, args: readonly PickleValue[], machine: PickleMachine): PickleValue {
    if (callable instanceof PickleGlobal) {
      const make = makers.get(callable.path);
      if (make !== undefined) return make(args, machine, this);
    }
    const name =
      callable instanceof PickleGlobal
        ? callable.path
        : callable instanceof PickleRecord
          ? `${callable.className}()`
          : 'a value';
    if (this.allowRecords) return new PickleRecord(name.slice(0, 200), args);
    throw new DataError(
      `readPytorch: a file of weights holds tensors and plain containers, but "${this.path}" has an object of ${name.slice(0, 200)} at byte ${machine.cursor.position}, which was not run. Save model.state_dict(), or pass allowRecords: true to read such objects as inert records.`,
      { file: this.path, offset: machine.cursor.position, class: name },
    );
  }
}

/** `cuda:0`; an argument that is no text or number, made into text, could grow without bound. */
function deviceName([type, index = null]: readonly PickleValue[], machine: PickleMachine): PickleValue {
  if (typeof type !== 'string' || !(index === null || typeof index === 'number')) {
    throw machine.cursor.damaged('a device has no name');
  }
  return index === null ? type : `${type}:${index}`;
}

function describeCount(count: PickleValue | undefined): string {
  return typeof count === 'number' || typeof count === 'bigint' ? `${count}` : 'no number of';
}

/** Protocol 2 writes bytes as text of the same codes. */
function encodeLatin1(args: readonly PickleValue[], machine: PickleMachine): PickleValue {
  const [text] = args;
  if (typeof text !== 'string') throw machine.cursor.damaged('bytes are made of no text');
  machine.charge(Math.ceil(text.length / 64));
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** The items of a list, tuple or set, about to be copied. */
function copied(value: PickleValue | undefined, machine: PickleMachine): readonly PickleValue[] {
  if (value === undefined) return [];
  const items = value instanceof PickleTuple ? value.items : value instanceof Set ? [...value] : value;
  if (!Array.isArray(items)) throw machine.cursor.damaged('a container is made of no list');
  machine.charge(items.length);
  return items as PickleValue[];
}

function expectTensor(value: PickleValue | undefined, machine: PickleMachine): PickleTensor {
  if (value instanceof PickleTensor) return value;
  throw machine.cursor.damaged('a parameter is no tensor');
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function sizes(value: PickleValue | undefined): number[] | undefined {
  const items = value instanceof PickleTuple ? value.items : Array.isArray(value) ? value : [undefined];
  return items.length <= 64 && items.every(isSize) ? [...(items as number[])] : undefined;
}

/** A view is legal when its last element, offset + Σ (size − 1)·stride, lies in the storage. */
function makeTensor(
  storage: PickleValue | undefined,
  offset: PickleValue | undefined,
  shapeValue: PickleValue | undefined,
  stridesValue: PickleValue | undefined,
  machine: PickleMachine,
): PickleTensor {
  const shape = sizes(shapeValue);
  const strides = sizes(stridesValue);
  if (!(storage instanceof PickleStorage) || !isSize(offset)) {
    throw machine.cursor.damaged('a tensor has no storage');
  }
  if (shape === undefined || strides === undefined || shape.length !== strides.length) {
    throw machine.cursor.damaged('a tensor has sizes or strides that are no whole numbers');
  }
  const isEmpty = shape.includes(0);
  // Rounding cannot hide an excess: each term is far over the storage's size before it is inexact.
  const last = isEmpty ? offset - 1 : shape.reduce((sum, dim, i) => sum + (dim - 1) * strides[i], offset);
  const elements = isEmpty ? 0 : shape.reduce((product, dim) => product * dim, 1);
  if (last >= storage.count || !Number.isSafeInteger(elements)) {
    throw machine.cursor.damaged(
      `a tensor [${shape.join(', ')}] with strides [${strides.join(', ')}] from ${offset} leaves its storage of ${storage.count} elements`,
    );
  }
  return new PickleTensor(storage, offset, shape, strides);
}
