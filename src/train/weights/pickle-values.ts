import type { StorageType } from './storage-types.ts';

/** A class or function that a pickle names. It is only ever a name. */
export class PickleGlobal {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** A Python tuple; lists are arrays. */
export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** An object of a class that is not rebuilt: what the pickle says about it, inert. */
export class PickleRecord {
  readonly className: string;
  readonly args: readonly PickleValue[];
  /** Usually the object's `__dict__`. */
  state: PickleValue = null;
  /** What is appended when the class is a list or set. */
  readonly items: PickleValue[] = [];
  /** What is set when the class is a dict. */
  readonly entries: Map<PickleValue, PickleValue> = new Map();

  constructor(className: string, args: readonly PickleValue[]) {
    this.className = className;
    this.args = args;
  }
}

/** Where a tensor's elements lie in the file. */
export class PickleStorage {
  readonly key: string;
  readonly type: StorageType;
  readonly count: number;

  constructor(key: string, type: StorageType, count: number) {
    this.key = key;
    this.type = type;
    this.count = count;
  }
}

/** A view of a storage, checked to lie inside it; read later. */
export class PickleTensor {
  readonly storage: PickleStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: PickleStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** Everything a restricted pickle can build. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleTuple
  | PickleGlobal
  | PickleRecord
  | PickleStorage
  | PickleTensor;
