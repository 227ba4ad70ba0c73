/** The arrays of an ensemble of trees; `TreeEnsemble` of the tabular layer says what they mean. */
export interface TreeArrays {
  readonly outputs: number;
  readonly leafWidth: number;
  readonly base: Float64Array;
  readonly roots: Uint32Array;
  readonly treeOutput: Uint16Array;
  readonly feature: Int32Array;
  readonly threshold: Float32Array;
  readonly left: Uint32Array;
  readonly right: Uint32Array;
  readonly defaultLeft: Uint8Array;
  readonly bitsetStart: Int32Array;
  readonly bitsetWords: Uint16Array;
  readonly bitsets: Uint32Array;
  readonly leafValues: Float64Array;
}

/** Where a program lies in the kernel's memory: its references are addresses. */
export const programAddress = 4096;

// The kernel's header, in words.
export const headerSlot = { input: 8, tile: 9, out: 10 } as const;
const HEADER_WORDS = 16;
const TREE_WORDS = 6;
const COLUMN_WORDS = 4;
const NODE_WORDS = 4;

const QUICK = 0;
const WALK_NUMERIC = 1;
const WALK_MIXED = 2;
const QUICK_LEAVES = 32;
const QUICK_SET_WORDS = 8;

const COPY = 0;
const NEGATE = 1;
const CODE = 2;
const BIT = 3;

/** What a tree needs before it is written. */
interface TreeSurvey {
  readonly kind: number;
  readonly nodes: number;
  readonly leaves: number;
  readonly setWords: number;
}

/**
 * An ensemble rewritten for the prediction kernel, in words of 32 bits.
 *
 * A split has a first and a second child; the second is taken when `value ≥ threshold`, never by a missing value.
 * Missing left: x > t ⇔ x ≥ the next float32 above t, first = left. Missing right: x ≤ t ⇔ −x ≥ −t, first = right.
 * Category sets: second = left, taken by members.
 */
export class TreeProgram {
  readonly words: Uint32Array;
  readonly outputs: number;
  /** Rows the kernel takes through all trees at a time. */
  readonly tileRows: number;
  /** Columns of a tile. */
  readonly tileColumns: number;
  /** Features the input area holds, in its order. */
  readonly inputs: readonly number[];

  private readonly trees: TreeArrays;
  private readonly floats: Float32Array;
  private readonly doubles: Float64Array;
  private readonly columns = new ColumnTable();
  private nextWord = 0;
  private nextDouble = 0;
  private bitsetAddress = 0;
  private leafAddress = 0;

  constructor(trees: TreeArrays) {
    this.trees = trees;
    this.outputs = trees.outputs;
    const surveys = Array.from(trees.roots, (root) => surveyTree(trees, root, this.columns));
    this.columns.number();
    this.inputs = this.columns.inputs;
    this.tileColumns = this.columns.specs.length;
    const walks = surveys.filter(({ kind }) => kind !== QUICK);
    const walkBytes = 16 * sum(walks.map(({ nodes }) => nodes));
    this.tileRows = chooseTileRows(this.tileColumns, walkBytes);

    const { outputs, leafWidth, leafValues, bitsets } = trees;
    const quick = surveys.filter(({ kind }) => kind === QUICK);
    const doubles =
      outputs +
      leafWidth * sum(quick.map(({ leaves }) => leaves)) +
      (walks.length > 0 ? leafValues.length : 0);
    const quickWords = sum(quick.map((tree) => 3 * (tree.nodes - tree.leaves) + tree.setWords));
    const total =
      HEADER_WORDS +
      2 * doubles +
      TREE_WORDS * surveys.length +
      COLUMN_WORDS * this.tileColumns +
      quickWords +
      bitsets.length +
      NODE_WORDS +
      walkBytes / 4;
    const memory = new ArrayBuffer(Math.ceil(total / 2) * 8);
    this.words = new Uint32Array(memory);
    this.floats = new Float32Array(memory);
    this.doubles = new Float64Array(memory);
    this.write(surveys, walks.length > 0, doubles);
  }

  private write(surveys: readonly TreeSurvey[], hasWalks: boolean, doubles: number): void {
    const { trees, words } = this;
    const { outputs, leafWidth } = trees;
    this.nextDouble = HEADER_WORDS / 2;
    const base = this.addDoubles(trees.base);
    if (hasWalks) this.leafAddress = this.addDoubles(trees.leafValues);
    this.nextWord = HEADER_WORDS + 2 * doubles;
    const treeList = this.reserve(TREE_WORDS * surveys.length);
    const columns = this.reserve(COLUMN_WORDS * this.tileColumns);
    for (const [i, spec] of this.columns.specs.entries()) words.set(spec, columns + COLUMN_WORDS * i);
    const bitsets = this.reserve(trees.bitsets.length);
    words.set(trees.bitsets, bitsets);
    this.bitsetAddress = address(bitsets);
    words.set([
      surveys.length,
      address(treeList),
      this.tileColumns,
      address(columns),
      base,
      outputs,
      leafWidth,
      this.tileRows,
    ]);
    for (const [t, survey] of surveys.entries()) {
      if (survey.kind === QUICK) this.writeQuick(t, treeList + TREE_WORDS * t);
    }
    this.nextWord = Math.ceil(this.nextWord / NODE_WORDS) * NODE_WORDS;
    for (const [t, survey] of surveys.entries()) {
      if (survey.kind !== QUICK) this.writeWalk(t, treeList + TREE_WORDS * t, survey);
    }
  }

  /** Splits as (threshold, column, leaves ruled out), then those by sets as (column, words, leaves, set). */
  private writeQuick(t: number, header: number): void {
    const { trees, words, floats } = this;
    const nodes = this.nextWord;
    const leafTable = this.nextDouble;
    const sets: [node: number, ruledOut: number][] = [];
    let leaves = 0;
    const visit = (node: number): void => {
      if (trees.feature[node] < 0) {
        const from = trees.left[node] * trees.leafWidth;
        this.addDoubles(trees.leafValues.subarray(from, from + trees.leafWidth));
        leaves++;
        return;
      }
      const before = leaves;
      visit(firstChild(trees, node));
      const ruledOut = (2 ** leaves - 2 ** before) >>> 0;
      if (trees.bitsetStart[node] >= 0) sets.push([node, ruledOut]);
      else {
        const at = this.reserve(3);
        floats[at] = splitThreshold(trees, node);
        words[at + 1] = this.columnOffset(node);
        words[at + 2] = ruledOut;
      }
      visit(secondChild(trees, node));
    };
    visit(trees.roots[t]);
    const splits = (this.nextWord - nodes) / 3;
    for (const [node, ruledOut] of sets) {
      const start = trees.bitsetStart[node];
      const count = trees.bitsetWords[node];
      const at = this.reserve(3 + count);
      words.set([this.columns.bit(trees.feature[node]) * this.tileRows * 4, count, ruledOut], at);
      words.set(trees.bitsets.subarray(start, start + count), at + 3);
    }
    const tree = [
      QUICK,
      address(nodes),
      splits,
      sets.length,
      address(2 * leafTable),
      8 * trees.treeOutput[t],
    ];
    words.set(tree, header);
  }

  /** Nodes in breadth-first order, siblings side by side: (threshold or words, column, first child, leaf or set). */
  private writeWalk(t: number, header: number, survey: TreeSurvey): void {
    const { trees, words, floats } = this;
    const first = this.reserve(NODE_WORDS * survey.nodes);
    const queue = new Uint32Array(survey.nodes);
    queue[0] = trees.roots[t];
    let queued = 1;
    for (let i = 0; i < queued; i++) {
      const node = queue[i];
      const at = first + NODE_WORDS * i;
      if (trees.feature[node] < 0) {
        floats[at] = Number.NaN;
        words[at + 1] = 0;
        words[at + 2] = address(at);
        words[at + 3] = this.leafAddress + 8 * trees.leafWidth * trees.left[node];
        continue;
      }
      if (trees.bitsetStart[node] >= 0) {
        words[at] = trees.bitsetWords[node];
        words[at + 1] = this.columns.code(trees.feature[node]) * this.tileRows * 4 + 1;
        words[at + 3] = this.bitsetAddress + 4 * trees.bitsetStart[node];
      } else {
        floats[at] = splitThreshold(trees, node);
        words[at + 1] = this.columnOffset(node);
      }
      words[at + 2] = address(first + NODE_WORDS * queued);
      queue[queued++] = firstChild(trees, node);
      queue[queued++] = secondChild(trees, node);
    }
    words.set([survey.kind, address(first), 0, 0, 0, 8 * trees.treeOutput[t]], header);
  }

  private columnOffset(node: number): number {
    const { feature, defaultLeft } = this.trees;
    return this.columns.value(feature[node], defaultLeft[node] === 0) * this.tileRows * 4;
  }

  private reserve(count: number): number {
    const at = this.nextWord;
    this.nextWord += count;
    return at;
  }

  private addDoubles(values: Float64Array): number {
    const at = this.nextDouble;
    this.doubles.set(values, at);
    this.nextDouble += values.length;
    return address(2 * at);
  }
}

/** Tile columns by what they hold; numbered once all are known. */
class ColumnTable {
  readonly inputs: number[] = [];
  /** Kind, number of the input, word of the set, 0. */
  readonly specs: [number, number, number, number][] = [];
  private readonly wanted = new Map<number, number>();
  private readonly numbers = new Map<number, number>();

  /** Asks for a column; for `BIT` with the number of words. */
  want(feature: number, kind: number, count = 1): void {
    const key = 4 * feature + kind;
    if ((this.wanted.get(key) ?? 0) < count) this.wanted.set(key, count);
  }

  number(): void {
    const inputOf = new Map<number, number>();
    for (const key of [...this.wanted.keys()].sort((a, b) => a - b)) {
      const feature = Math.floor(key / 4);
      if (!inputOf.has(feature)) inputOf.set(feature, this.inputs.push(feature) - 1);
      this.numbers.set(key, this.specs.length);
      const count = this.wanted.get(key) as number;
      for (let word = 0; word < count; word++)
        this.specs.push([key % 4, inputOf.get(feature) as number, word, 0]);
    }
  }

  value(feature: number, negated: boolean): number {
    return this.numbers.get(4 * feature + (negated ? NEGATE : COPY)) as number;
  }

  code(feature: number): number {
    return this.numbers.get(4 * feature + CODE) as number;
  }

  /** Column of the feature's first word; the others follow. */
  bit(feature: number): number {
    return this.numbers.get(4 * feature + BIT) as number;
  }
}

function surveyTree(trees: TreeArrays, root: number, columns: ColumnTable): TreeSurvey {
  const splits: number[] = [];
  const stack = [root];
  let leaves = 0;
  let setWords = 0;
  let longestSet = 0;
  while (stack.length > 0) {
    const node = stack.pop() as number;
    if (trees.feature[node] < 0) {
      leaves++;
      continue;
    }
    splits.push(node);
    if (trees.bitsetStart[node] >= 0) {
      setWords += trees.bitsetWords[node];
      longestSet = Math.max(longestSet, trees.bitsetWords[node], 1);
    }
    stack.push(trees.left[node], trees.right[node]);
  }
  const quick = leaves <= QUICK_LEAVES && longestSet <= QUICK_SET_WORDS;
  for (const node of splits) {
    const feature = trees.feature[node];
    if (trees.bitsetStart[node] < 0) columns.want(feature, trees.defaultLeft[node] === 0 ? NEGATE : COPY);
    else if (quick) columns.want(feature, BIT, Math.max(1, trees.bitsetWords[node]));
    else columns.want(feature, CODE);
  }
  const kind = quick ? QUICK : longestSet > 0 ? WALK_MIXED : WALK_NUMERIC;
  return { kind, nodes: splits.length + leaves, leaves, setWords };
}

/** Enough rows that fetching a large tree pays, few enough that the tile stays in a cache near the core. */
function chooseTileRows(columns: number, walkBytes: number): number {
  const budget = walkBytes > 262144 ? 262144 : 16384;
  let rows = 512;
  while (rows > 16 && rows * columns * 4 > budget) rows /= 2;
  return rows;
}

function firstChild(trees: TreeArrays, node: number): number {
  return goesFirstToLeft(trees, node) ? trees.left[node] : trees.right[node];
}

function secondChild(trees: TreeArrays, node: number): number {
  return goesFirstToLeft(trees, node) ? trees.right[node] : trees.left[node];
}

function goesFirstToLeft(trees: TreeArrays, node: number): boolean {
  return trees.bitsetStart[node] < 0 && trees.defaultLeft[node] === 1;
}

function splitThreshold(trees: TreeArrays, node: number): number {
  const threshold = trees.threshold[node];
  return trees.defaultLeft[node] === 1 ? nextFloat32(threshold) : -threshold;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The smallest float32 above `x`; NaN, which no value reaches, above infinity. */
function nextFloat32(x: number): number {
  if (x === 0) return 2 ** -149;
  if (x === Number.POSITIVE_INFINITY) return Number.NaN;
  float[0] = x;
  bits[0] += x > 0 ? 1 : -1;
  return float[0];
}

function address(word: number): number {
  return programAddress + 4 * word;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
