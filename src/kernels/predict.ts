import { createKernelMemory, instantiateKernel, pageBytes } from './kernel-module.ts';
import { headerSlot, programAddress, type TreeArrays, TreeProgram } from './tree-program.ts';

/** One feature of all rows: every value, or the non-zero ones with their ascending row numbers. */
export type PredictColumn =
  | { readonly kind: 'dense'; readonly values: Float32Array }
  | { readonly kind: 'sparse'; readonly rows: Uint32Array; readonly values: Float32Array };

interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly sumTrees: (header: number, rows: number) => void;
}

const BLOCK_BYTES = 1048576;
/** A larger memory is given back after the call instead of being kept for the next one. */
const KEPT_BYTES = 67108864;

let idle: Kernel | undefined;

/** Sums the leaves that rows reach in an ensemble of decision trees, in float64, tree after tree. */
export class TreeSummer {
  private readonly program: TreeProgram;

  /** @param trees consistent arrays: every reference inside, no cycles, no NaN threshold */
  constructor(trees: TreeArrays) {
    this.program = new TreeProgram(trees);
  }

  /**
   * @param rows N
   * @param columns one column of N rows per feature
   * @returns scores [N, outputs], row-major, base included
   * @throws RuntimeFailure when the kernels have not been built
   */
  sum(rows: number, columns: readonly PredictColumn[]): Float64Array {
    const { inputs, tileRows, tileColumns, outputs, words } = this.program;
    const rowBytes = 4 * inputs.length + 8 * outputs;
    const wanted = Math.min(rows, Math.max(1, Math.floor(BLOCK_BYTES / rowBytes)));
    const blockRows = Math.max(1, Math.ceil(wanted / tileRows)) * tileRows;

    const input = align(programAddress + words.byteLength);
    const tile = align(input + 4 * inputs.length * blockRows);
    const out = align(tile + 4 * Math.max(1, tileColumns) * tileRows);
    const kernel = takeKernel(out + 8 * outputs * blockRows);
    const { buffer } = kernel.memory;
    new Uint32Array(buffer, programAddress, words.length).set(words);
    const header = new Uint32Array(buffer, programAddress, 16);
    header[headerSlot.input] = input;
    header[headerSlot.tile] = tile;
    header[headerSlot.out] = out;
    placeColumns(header, blockRows);

    const scores = new Float64Array(rows * outputs);
    const sources = inputs.map(
      (feature, i) =>
        new ColumnSource(columns[feature], new Float32Array(buffer, input + 4 * i * blockRows, blockRows)),
    );
    const sums = new Float64Array(buffer, out, outputs * blockRows);
    for (let start = 0; start < rows; start += blockRows) {
      const count = Math.min(blockRows, rows - start);
      for (const source of sources) source.copy(start, count);
      kernel.sumTrees(programAddress, Math.ceil(count / tileRows) * tileRows);
      scores.set(sums.subarray(0, count * outputs), start * outputs);
    }
    idle = buffer.byteLength <= KEPT_BYTES ? kernel : undefined;
    return scores;
  }
}

/** Copies one feature block by block into the kernel's memory. */
class ColumnSource {
  private readonly column: PredictColumn;
  private readonly target: Float32Array;
  private next = 0;

  constructor(column: PredictColumn, target: Float32Array) {
    this.column = column;
    this.target = target;
  }

  /** Rows `start` … `start + count − 1`; blocks come in ascending order. */
  copy(start: number, count: number): void {
    const { column, target } = this;
    if (column.kind === 'dense') {
      target.set(column.values.subarray(start, start + count));
      return;
    }
    target.fill(0);
    const end = start + count;
    for (; this.next < column.rows.length && column.rows[this.next] < end; this.next++) {
      target[column.rows[this.next] - start] = column.values[this.next];
    }
  }
}

/** Input numbers in the column list become distances in the input area. */
function placeColumns(header: Uint32Array, blockRows: number): void {
  const count = header[2];
  const list = new Uint32Array(header.buffer, header[3], 4 * count);
  for (let i = 0; i < count; i++) list[4 * i + 1] *= 4 * blockRows;
}

function takeKernel(bytes: number): Kernel {
  let kernel = idle;
  idle = undefined;
  if (kernel === undefined) {
    const memory = createKernelMemory(bytes);
    kernel = { memory, ...instantiateKernel<Pick<Kernel, 'sumTrees'>>('predict', memory) };
  }
  const missing = bytes - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / pageBytes));
  return kernel;
}

function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
