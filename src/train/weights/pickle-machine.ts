import { DataError } from '#core';
import { PickleCursor } from './pickle-cursor.ts';
import { opcodes } from './pickle-opcodes.ts';
import type { PickleGlobal, PickleValue } from './pickle-values.ts';

/** What the pickles of one file may build, all together. */
export interface PickleLimits {
  /** Bytes of all pickles; their tensors' elements lie elsewhere. */
  readonly bytes: number;
  readonly operations: number;
  readonly stack: number;
  readonly memo: number;
  /** Containers, records and tensors, and elements that are copied from one container into another. */
  readonly objects: number;
}

/** Far beyond what models of a hundred thousand tensors need. */
export const pickleLimits: PickleLimits = {
  bytes: 64 * 2 ** 20,
  operations: 10_000_000,
  stack: 1_000_000,
  memo: 1_000_000,
  objects: 2_000_000,
};

/** The two places where a pickle refers to something outside itself. */
export interface PickleHooks {
  /** The object that stands for a persistent id. */
  load(id: PickleValue, machine: PickleMachine): PickleValue;
  /** The object that a call of a class or function stands for; nothing is called. */
  construct(callable: PickleValue, args: readonly PickleValue[], machine: PickleMachine): PickleValue;
  /** A class or function by name. */
  resolve(global: PickleGlobal): PickleValue;
}

/**
 * A pickle virtual machine, protocols 0 to 5, that builds plain containers and what its hooks make of names. It
 * has no import and no call: an opcode that would run code makes a value or an error.
 *
 * @source https://docs.python.org/3/library/pickletools.html
 */
export class PickleMachine {
  readonly cursor: PickleCursor;
  readonly hooks: PickleHooks;
  readonly memo: Map<number, PickleValue> = new Map();
  private readonly path: string;
  private readonly limits: PickleLimits;
  private stack: PickleValue[] = [];
  private readonly outer: PickleValue[][] = [];
  private depth = 0;
  private operations = 0;
  private objects = 0;

  constructor(path: string, bytes: Uint8Array, hooks: PickleHooks, limits: PickleLimits = pickleLimits) {
    this.path = path;
    this.limits = limits;
    this.hooks = hooks;
    this.cursor = new PickleCursor(path, bytes);
  }

  /**
   * Runs to the next STOP; several pickles may follow each other.
   * @throws DataError for an unknown opcode or a limit, naming opcode and offset
   */
  run(): PickleValue {
    this.stack = [];
    this.outer.length = 0;
    this.depth = 0;
    this.memo.clear();
    for (;;) {
      const offset = this.cursor.position;
      const code = this.cursor.uint8();
      const opcode = opcodes.get(code);
      if (opcode === undefined) {
        throw new DataError(
          `readPytorch: a pickle is made of known opcodes, but "${this.path}" has 0x${code.toString(16).padStart(2, '0')} at byte ${offset}. Save the file again.`,
          { file: this.path, offset, opcode: code },
        );
      }
      this.operations++;
      if (this.operations > this.limits.operations) throw this.tooMany('operations');
      if (opcode.name === 'STOP') return this.pop();
      opcode.run(this);
    }
  }

  push(value: PickleValue): void {
    this.depth++;
    if (this.depth > this.limits.stack) throw this.tooMany('stack');
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined) throw this.cursor.damaged('the stack is empty');
    this.depth--;
    return value;
  }

  top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw this.cursor.damaged('the stack is empty');
    return value;
  }

  mark(): void {
    this.depth++;
    if (this.depth > this.limits.stack) throw this.tooMany('stack');
    this.outer.push(this.stack);
    this.stack = [];
  }

  /** What was pushed since the last mark, which is removed. */
  popToMark(): PickleValue[] {
    const items = this.stack;
    const outer = this.outer.pop();
    if (outer === undefined) throw this.cursor.damaged('there is no mark');
    this.stack = outer;
    this.depth -= items.length + 1;
    return items;
  }

  /** `POP`: the last value, or the mark when nothing lies over it. */
  drop(): void {
    if (this.stack.length > 0) this.pop();
    else this.popToMark();
  }

  remember(index: number): void {
    this.memo.set(index, this.top());
    if (this.memo.size > this.limits.memo) throw this.tooMany('memo');
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.cursor.damaged(`memo ${index} is not set`);
    this.push(value);
  }

  /** Counts objects before they are made. */
  charge(count: number): void {
    this.objects += count;
    if (this.objects > this.limits.objects) throw this.tooMany('objects');
  }

  private tooMany(limit: keyof PickleLimits): DataError {
    return new DataError(
      `readPytorch: a pickle may use ${this.limits[limit]} for its ${limit}, but "${this.path}" goes beyond at byte ${this.cursor.position}. Save a state dict alone.`,
      { file: this.path, offset: this.cursor.position, limit },
    );
  }
}
