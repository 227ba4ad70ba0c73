/**
 * Sums the leaves that rows reach in an ensemble of decision trees; `tree-program.ts` writes the program it reads.
 *
 * Rows are taken in tiles that stay in the first cache, one column after the other. Every split is one comparison
 * `value >= threshold` that is false for a missing value: where missing goes right, the program compares the
 * negated column instead. Two ways down a tree:
 *
 * - quick, up to 32 leaves: each leaf is a bit. All splits are evaluated for 16 rows at once; a true comparison
 *   clears the leaves it rules out, and the lowest bit left is the leaf (Lucchese et al., "QuickScorer", SIGIR 2015).
 * - walk, any size: 8 rows step down together without branches; a leaf leads to itself, so rows that arrive
 *   early wait for the others.
 */

// Header of the program, u32 each.
const TREE_COUNT: usize = 0;
const TREES: usize = 4;
const COLUMN_COUNT: usize = 8;
const COLUMNS: usize = 12;
const BASE: usize = 16;
const OUTPUTS: usize = 20;
const LEAF_WIDTH: usize = 24;
const TILE_ROWS: usize = 28;
const INPUT: usize = 32;
const TILE: usize = 36;
const OUT: usize = 40;

// How a tile column is made from an input column.
const COPY: u32 = 0;
const NEGATE: u32 = 1;
const CODE: u32 = 2;

// How a tree is evaluated.
const QUICK: u32 = 0;
const WALK_NUMERIC: u32 = 1;

const TREE_BYTES: usize = 24;
const COLUMN_BYTES: usize = 16;

/** Where the 16 leaf sets of the quick way are read lane by lane. */
const SCRATCH: usize = 2048;

/** Sums all trees for `rows` rows (a multiple of the tile's) of the input area into the output area. */
export function sumTrees(header: usize, rows: u32): void {
  const tileRows = load<u32>(header, TILE_ROWS);
  const outputs = load<u32>(header, OUTPUTS);
  const out = <usize>load<u32>(header, OUT);
  fillBase(out, rows, <usize>load<u32>(header, BASE), outputs);
  for (let start: u32 = 0; start < rows; start += tileRows) {
    fillTile(header, start, tileRows);
    addTrees(header, tileRows, out + <usize>start * outputs * 8);
  }
}

function fillBase(out: usize, rows: u32, base: usize, outputs: u32): void {
  for (let row: u32 = 0; row < rows; row++) {
    for (let k: u32 = 0; k < outputs; k++) {
      store<f64>(out, load<f64>(base + (<usize>k << 3)));
      out += 8;
    }
  }
}

function fillTile(header: usize, start: u32, tileRows: u32): void {
  const input = <usize>load<u32>(header, INPUT) + (<usize>start << 2);
  const bytes = <usize>tileRows << 2;
  let to = <usize>load<u32>(header, TILE);
  let column = <usize>load<u32>(header, COLUMNS);
  const end = column + <usize>load<u32>(header, COLUMN_COUNT) * COLUMN_BYTES;
  for (; column < end; column += COLUMN_BYTES, to += bytes) {
    fillColumn(load<u32>(column), input + <usize>load<u32>(column, 4), to, bytes, load<u32>(column, 8));
  }
}

function fillColumn(kind: u32, from: usize, to: usize, bytes: usize, word: u32): void {
  if (kind == COPY) {
    memory.copy(to, from, bytes);
  } else if (kind == NEGATE) {
    for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, f32x4.neg(v128.load(from + at)));
  } else if (kind == CODE) {
    for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, toCodes(v128.load(from + at)));
  } else {
    for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, toCodes(v128.load(from + at)));
    for (let at: usize = 0; at < bytes; at += 4) {
      const bit = load<u32>(to + at) - (word << 5);
      store<u32>(to + at, bit < 32 ? <u32>1 << bit : 0);
    }
  }
}

/** Whole numbers from 0 as they are; everything else all ones, a code beyond every set. */
@inline
function toCodes(x: v128): v128 {
  const code = i32x4.trunc_sat_f32x4_s(x);
  const whole = v128.and(f32x4.eq(f32x4.convert_i32x4_s(code), x), f32x4.ge(x, f32x4.splat(0)));
  return v128.or(code, v128.not(whole));
}

function addTrees(header: usize, tileRows: u32, out: usize): void {
  const tile = <usize>load<u32>(header, TILE);
  const outStride = <usize>load<u32>(header, OUTPUTS) << 3;
  const leafWidth = load<u32>(header, LEAF_WIDTH);
  let tree = <usize>load<u32>(header, TREES);
  const end = tree + <usize>load<u32>(header, TREE_COUNT) * TREE_BYTES;
  for (; tree < end; tree += TREE_BYTES) {
    const kind = load<u32>(tree);
    const treeOut = out + <usize>load<u32>(tree, 20);
    if (kind == QUICK) addQuick(tree, tile, tileRows, treeOut, outStride, leafWidth);
    else if (kind == WALK_NUMERIC) addWalk(tree, tile, tileRows, treeOut, outStride, leafWidth);
    else addWalkMixed(tree, tile, tileRows, treeOut, outStride, leafWidth);
  }
}

function addQuick(
  tree: usize,
  tile: usize,
  tileRows: u32,
  out: usize,
  outStride: usize,
  leafWidth: u32,
): void {
  const nodes = <usize>load<u32>(tree, 4);
  const sets = nodes + <usize>load<u32>(tree, 8) * 12;
  const setCount = load<u32>(tree, 12);
  const leaves = <usize>load<u32>(tree, 16);
  const stride = <usize>tileRows << 2;
  for (let row: u32 = 0; row < tileRows; row += 16) {
    const rows = tile + (<usize>row << 2);
    let alive0 = i32x4.splat(-1);
    let alive1 = alive0;
    let alive2 = alive0;
    let alive3 = alive0;
    for (let node = nodes; node < sets; node += 12) {
      const threshold = v128.load32_splat(node);
      const x = rows + <usize>load<u32>(node, 4);
      const ruledOut = v128.load32_splat(node, 8);
      alive0 = v128.andnot(alive0, v128.and(ruledOut, f32x4.ge(v128.load(x), threshold)));
      alive1 = v128.andnot(alive1, v128.and(ruledOut, f32x4.ge(v128.load(x, 16), threshold)));
      alive2 = v128.andnot(alive2, v128.and(ruledOut, f32x4.ge(v128.load(x, 32), threshold)));
      alive3 = v128.andnot(alive3, v128.and(ruledOut, f32x4.ge(v128.load(x, 48), threshold)));
    }
    let set = sets;
    for (let i: u32 = 0; i < setCount; i++) {
      let x = rows + <usize>load<u32>(set);
      const words = <usize>load<u32>(set, 4);
      const ruledOut = v128.load32_splat(set, 8);
      set += 12;
      const setEnd = set + (words << 2);
      let in0 = i32x4.splat(0);
      let in1 = in0;
      let in2 = in0;
      let in3 = in0;
      for (; set < setEnd; set += 4, x += stride) {
        const word = v128.load32_splat(set);
        in0 = v128.or(in0, v128.and(word, v128.load(x)));
        in1 = v128.or(in1, v128.and(word, v128.load(x, 16)));
        in2 = v128.or(in2, v128.and(word, v128.load(x, 32)));
        in3 = v128.or(in3, v128.and(word, v128.load(x, 48)));
      }
      const none = i32x4.splat(0);
      alive0 = v128.andnot(alive0, v128.and(ruledOut, i32x4.ne(in0, none)));
      alive1 = v128.andnot(alive1, v128.and(ruledOut, i32x4.ne(in1, none)));
      alive2 = v128.andnot(alive2, v128.and(ruledOut, i32x4.ne(in2, none)));
      alive3 = v128.andnot(alive3, v128.and(ruledOut, i32x4.ne(in3, none)));
    }
    v128.store(SCRATCH, alive0, 0);
    v128.store(SCRATCH, alive1, 16);
    v128.store(SCRATCH, alive2, 32);
    v128.store(SCRATCH, alive3, 48);
    let to = out + <usize>row * outStride;
    if (leafWidth == 1) {
      for (let lane = SCRATCH; lane < SCRATCH + 64; lane += 4, to += outStride) {
        store<f64>(to, load<f64>(to) + load<f64>(leaves + (<usize>ctz(load<u32>(lane)) << 3)));
      }
    } else {
      for (let lane = SCRATCH; lane < SCRATCH + 64; lane += 4, to += outStride) {
        addLeaf(to, leaves + (<usize>ctz(load<u32>(lane)) * leafWidth << 3), leafWidth);
      }
    }
  }
}

@inline
function addLeaf(to: usize, leaf: usize, leafWidth: u32): void {
  for (let k: u32 = 0; k < leafWidth; k++, to += 8, leaf += 8) {
    store<f64>(to, load<f64>(to) + load<f64>(leaf));
  }
}

@inline
function step(node: usize, x: usize): usize {
  const right = load<f32>(x + <usize>load<u32>(node, 4)) >= load<f32>(node);
  return <usize>load<u32>(node, 8) + (<usize>right << 4);
}

function addWalk(
  tree: usize,
  tile: usize,
  tileRows: u32,
  out: usize,
  outStride: usize,
  leafWidth: u32,
): void {
  const root = <usize>load<u32>(tree, 4);
  const end = tile + (<usize>tileRows << 2);
  for (let x = tile; x < end; x += 32) {
    let n0 = root, n1 = root, n2 = root, n3 = root, n4 = root, n5 = root, n6 = root, n7 = root;
    let moved: usize;
    do {
      n0 = step(n0, x);
      n1 = step(n1, x + 4);
      n2 = step(n2, x + 8);
      n3 = step(n3, x + 12);
      n4 = step(n4, x + 16);
      n5 = step(n5, x + 20);
      n6 = step(n6, x + 24);
      n7 = step(n7, x + 28);
      const m0 = step(n0, x);
      const m1 = step(n1, x + 4);
      const m2 = step(n2, x + 8);
      const m3 = step(n3, x + 12);
      const m4 = step(n4, x + 16);
      const m5 = step(n5, x + 20);
      const m6 = step(n6, x + 24);
      const m7 = step(n7, x + 28);
      moved = (m0 ^ n0) | (m1 ^ n1) | (m2 ^ n2) | (m3 ^ n3) | (m4 ^ n4) | (m5 ^ n5) | (m6 ^ n6) | (m7 ^ n7);
      n0 = m0;
      n1 = m1;
      n2 = m2;
      n3 = m3;
      n4 = m4;
      n5 = m5;
      n6 = m6;
      n7 = m7;
    } while (moved != 0);
    addLeaf(out, <usize>load<u32>(n0, 12), leafWidth);
    addLeaf(out + outStride, <usize>load<u32>(n1, 12), leafWidth);
    addLeaf(out + 2 * outStride, <usize>load<u32>(n2, 12), leafWidth);
    addLeaf(out + 3 * outStride, <usize>load<u32>(n3, 12), leafWidth);
    addLeaf(out + 4 * outStride, <usize>load<u32>(n4, 12), leafWidth);
    addLeaf(out + 5 * outStride, <usize>load<u32>(n5, 12), leafWidth);
    addLeaf(out + 6 * outStride, <usize>load<u32>(n6, 12), leafWidth);
    addLeaf(out + 7 * outStride, <usize>load<u32>(n7, 12), leafWidth);
    out += outStride << 3;
  }
}

/** One step of a tree with category sets: an odd column offset marks a set, its node holds the number of words. */
@inline
function stepMixed(node: usize, x: usize): usize {
  const column = <usize>load<u32>(node, 4);
  if (column & 1) {
    const code = load<u32>(x + column - 1);
    const word = code >>> 5;
    if (word >= load<u32>(node)) return <usize>load<u32>(node, 8);
    const bits = load<u32>(<usize>load<u32>(node, 12) + (<usize>word << 2));
    return <usize>load<u32>(node, 8) + (<usize>((bits >>> (code & 31)) & 1) << 4);
  }
  const right = load<f32>(x + column) >= load<f32>(node);
  return <usize>load<u32>(node, 8) + (<usize>right << 4);
}

function addWalkMixed(
  tree: usize,
  tile: usize,
  tileRows: u32,
  out: usize,
  outStride: usize,
  leafWidth: u32,
): void {
  const root = <usize>load<u32>(tree, 4);
  const end = tile + (<usize>tileRows << 2);
  for (let x = tile; x < end; x += 16) {
    let n0 = root, n1 = root, n2 = root, n3 = root;
    let moved: usize;
    do {
      const m0 = stepMixed(n0, x);
      const m1 = stepMixed(n1, x + 4);
      const m2 = stepMixed(n2, x + 8);
      const m3 = stepMixed(n3, x + 12);
      moved = (m0 ^ n0) | (m1 ^ n1) | (m2 ^ n2) | (m3 ^ n3);
      n0 = m0;
      n1 = m1;
      n2 = m2;
      n3 = m3;
    } while (moved != 0);
    addLeaf(out, <usize>load<u32>(n0, 12), leafWidth);
    addLeaf(out + outStride, <usize>load<u32>(n1, 12), leafWidth);
    addLeaf(out + 2 * outStride, <usize>load<u32>(n2, 12), leafWidth);
    addLeaf(out + 3 * outStride, <usize>load<u32>(n3, 12), leafWidth);
    out += outStride << 2;
  }
}
