import { Worker } from 'node:worker_threads';
import { distFile, RuntimeFailure } from '#core';
import * as layout from './assembly/layout.ts';
import { createKernelMemory, instantiateKernel, kernelModule, pageBytes } from './kernel-module.ts';

/** Functions of `trees.wasm`; addresses are byte offsets in the team's memory. */
export interface TreeKernelExports {
  sketch(
    samples: number,
    stride: number,
    count: number,
    columns: number,
    maxBins: number,
    results: number,
  ): void;
  binColumn(
    values: number,
    rows: number,
    table: number,
    codes: number,
    missing: number,
    target: number,
    stride: number,
    column: number,
  ): void;
  computeLogSums(): void;
  computeGradients(amplification: number): void;
  sampleRows(seed: number, fraction: number): number;
  sampleOneSide(seed: number, top: number, other: number, counters: number): number;
  quantise(identity: number): void;
  beginTree(): void;
  splitNext(): number;
  treeLeaves(): number;
  treeNodes(): number;
  applyTree(): void;
  growForest(slots: number): number;
  traverse(panels: number, rows: number, scores: number, skip: number): void;
}

const idle: TreeTeam[] = [];
/** A team whose memory grew beyond this is not kept. */
const keepBytes = 512 * 2 ** 20;
const keepTeams = 4;

/**
 * The tree kernel with its memory and threads. A fit borrows a team, allocates what it needs from its arena and gives
 * it back; memory and workers are used again by later fits of the same thread.
 */
export class TreeTeam {
  readonly exports: TreeKernelExports;
  private readonly memory: WebAssembly.Memory;
  private readonly workers: Worker[] = [];
  private buffer: ArrayBufferLike;
  private top: number = layout.ARENA;
  private bytes: Uint8Array;
  private words: Int32Array;
  private reals: Float64Array;

  private constructor() {
    this.memory = createKernelMemory(layout.ARENA * 2);
    this.exports = instantiateKernel<TreeKernelExports>('trees', this.memory);
    this.buffer = this.memory.buffer;
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
    this.reals = new Float64Array(this.buffer);
  }

  /** Borrows a team for `threads` threads, the calling one included. Give it back with `release`. */
  static acquire(threads: number): TreeTeam {
    const helpers = Math.max(0, Math.min(64, Math.floor(threads)) - 1);
    let best = -1;
    for (let i = 0; i < idle.length; i++) {
      const size = idle[i].workers.length;
      if (size <= helpers && (best < 0 || size > idle[best].workers.length)) best = i;
    }
    const team = best < 0 ? new TreeTeam() : idle.splice(best, 1)[0];
    team.top = layout.ARENA;
    while (team.workers.length < helpers) team.hire();
    Atomics.store(team.words, (layout.CONTROL + layout.CONTROL_WORKERS) >> 2, helpers);
    return team;
  }

  private hire(): void {
    const thread = this.workers.length + 1;
    const worker = new Worker(distFile('kernels', 'tree-worker.js'), {
      workerData: { module: kernelModule('trees'), memory: this.memory, thread },
    });
    worker.unref();
    worker.on('error', () => {
      Atomics.store(this.words, (layout.CONTROL + layout.CONTROL_FAILED) >> 2, 1);
    });
    this.workers.push(worker);
  }

  /** Gives the team back; its memory may be used by somebody else from now on. */
  release(): void {
    if (this.failed || this.buffer.byteLength > keepBytes || idle.length >= keepTeams) this.close();
    else idle.push(this);
  }

  private close(): void {
    Atomics.store(this.words, (layout.CONTROL + layout.CONTROL_SHUTDOWN) >> 2, 1);
    const generation = (layout.CONTROL + layout.CONTROL_GENERATION) >> 2;
    Atomics.add(this.words, generation, 1);
    Atomics.notify(this.words, generation);
  }

  /** Threads of the team, the caller's included. */
  get threads(): number {
    return this.workers.length + 1;
  }

  private get failed(): boolean {
    return Atomics.load(this.words, (layout.CONTROL + layout.CONTROL_FAILED) >> 2) !== 0;
  }

  /** @throws RuntimeFailure when a worker died, so that a job cannot be trusted */
  check(): void {
    if (this.failed) {
      throw new RuntimeFailure(
        'TreeTeam: every worker thread must finish its share, but one ended early. Fit again, with threads = 1.',
      );
    }
  }

  /** Reserves `bytes` bytes, aligned to a cache line. Views made earlier stay valid; contents are undefined. */
  allocate(bytes: number): number {
    const address = this.top;
    if (address + bytes + 127 > 0xffffffff) {
      throw new RuntimeFailure(
        `TreeTeam: a fit may use up to 4 GiB, but it needs ${Math.ceil((address + bytes) / 2 ** 20)} MiB. ` +
          'Use fewer rows, features or leaves.',
      );
    }
    this.top = Math.ceil((address + bytes + 64) / 64) * 64;
    const missing = this.top - this.buffer.byteLength;
    if (missing > 0) {
      this.memory.grow(Math.ceil(missing / pageBytes));
      this.buffer = this.memory.buffer;
      this.bytes = new Uint8Array(this.buffer);
      this.words = new Int32Array(this.buffer);
      this.reals = new Float64Array(this.buffer);
    }
    return address;
  }

  /** Where the next allocation will be; `rewind` to it frees everything allocated since. */
  mark(): number {
    return this.top;
  }

  rewind(mark: number): void {
    this.top = mark;
  }

  /** Reserves `bytes` zeroed bytes. */
  allocateZeroed(bytes: number): number {
    const address = this.allocate(bytes);
    this.bytes.fill(0, address, address + bytes);
    return address;
  }

  setInt(field: number, value: number): void {
    this.words[(layout.INTEGERS >> 2) + field] = value;
  }

  getInt(field: number): number {
    return this.words[(layout.INTEGERS >> 2) + field];
  }

  setReal(field: number, value: number): void {
    this.reals[(layout.REALS >> 3) + field] = value;
  }

  getReal(field: number): number {
    return this.reals[(layout.REALS >> 3) + field];
  }

  u8(address: number, length: number): Uint8Array {
    return new Uint8Array(this.buffer, address, length);
  }

  i32(address: number, length: number): Int32Array {
    return new Int32Array(this.buffer, address, length);
  }

  u32(address: number, length: number): Uint32Array {
    return new Uint32Array(this.buffer, address, length);
  }

  f32(address: number, length: number): Float32Array {
    return new Float32Array(this.buffer, address, length);
  }

  f64(address: number, length: number): Float64Array {
    return new Float64Array(this.buffer, address, length);
  }
}
