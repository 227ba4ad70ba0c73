// Forests: every slot grows one tree, node by node in the order they were made; slots run side by side. Nodes become
// small, so histograms are built per feature and only the bins that occur are looked at.
import {
  COLUMN_BINS,
  FOREST_BUDGET,
  FOREST_CLASSES,
  FOREST_DRAWS,
  FOREST_FEATURES,
  FOREST_MEANS,
  FOREST_MIN_DECREASE,
  FOREST_MIN_SAMPLES_SPLIT,
  FOREST_NODE_BYTES,
  FOREST_NODE_LIMIT,
  FOREST_ROWS,
  FOREST_SCRATCH,
  FOREST_SCRATCH_BYTES,
  FOREST_SLOTS,
  FOREST_UNWEIGHTED,
  JOB_FOREST,
  MAX_DEPTH,
  MIN_SAMPLES_LEAF,
  PADDED_ROWS,
  ROWS,
  TARGETS,
  WIDTH,
} from "./layout";
import { hash2, int, pointer, real } from "./context";
import { buildHistogram, clearHistogram, searchFeature, splitGain, weightOf } from "./forest-search";
import { runJob } from "./team";

/** Lets every slot work for its budget. @returns slots whose tree is not complete yet */
export function growForest(slots: i32): i32 {
  runJob(JOB_FOREST, slots);
  let open = 0;
  for (let s = 0; s < slots; s++) open += load<i32>(slotAt(s)) != 0 ? 1 : 0;
  return open;
}

@inline
function slotAt(index: i32): usize {
  return <usize>load<u32>(pointer(FOREST_SLOTS) + (<usize>index << 2));
}

@inline
function nodeOf(slot: usize, index: i32): usize {
  return <usize>load<u32>(slot, 48) + <usize>index * FOREST_NODE_BYTES;
}

/** State 1 asks for a new tree, 2 is a tree under way, 0 is a complete one. */
export function forestTask(task: i32, thread: i32): void {
  const slot = slotAt(task);
  const state = load<i32>(slot);
  if (state == 0) return;
  if (state == 1) plant(slot);
  let budget = int(FOREST_BUDGET);
  let done = load<i32>(slot, 12);
  while (done < load<i32>(slot, 8)) {
    if (budget <= 0) {
      store<i32>(slot, done, 12);
      return;
    }
    budget -= 64 + growNode(slot, done, thread);
    done++;
  }
  store<i32>(slot, done, 12);
  store<i32>(slot, 0);
}

/** Draws the rows of a tree and makes its root. */
function plant(slot: usize): void {
  const all = int(ROWS);
  const source = pointer(FOREST_ROWS);
  const rows = <usize>load<u32>(slot, 32);
  const values = <usize>load<u32>(slot, 36);
  const seed = <u32>load<i32>(slot, 4);
  const draws = int(FOREST_DRAWS);
  let used = 0;
  let sum: i64 = 0;
  if (draws > 0) {
    const counts = <usize>load<u32>(slot, 40);
    memory.fill(counts, 0, <usize>all);
    for (let i = 0; i < draws; i++) {
      const at = counts + <usize>((<u64>hash2(seed, <u32>i) * <u64>all) >> 32);
      store<u8>(at, <u8>min<i32>(255, <i32>load<u8>(at) + 1));
    }
    for (let row = 0; row < all; row++) {
      const times = <i64>load<u8>(counts + <usize>row);
      if (times == 0) continue;
      const value = scaled(load<i64>(source + (<usize>row << 3)), times);
      store<u32>(rows + (<usize>used << 2), row);
      store<i64>(values + (<usize>used << 3), value);
      sum += value;
      used++;
    }
  } else {
    for (let row = 0; row < all; row++) {
      const value = load<i64>(source + (<usize>row << 3));
      store<u32>(rows + (<usize>row << 2), row);
      store<i64>(values + (<usize>row << 3), value);
      sum += value;
    }
    used = all;
  }
  const width = int(WIDTH);
  const features = <usize>load<u32>(slot, 56);
  for (let f = 0; f < width; f++) store<i32>(features + (<usize>f << 2), f);
  store<i32>(slot, 2);
  store<i32>(slot, 0, 8);
  store<i32>(slot, 0, 12);
  store<i32>(slot, 0, 16);
  store<f64>(slot, weightOf(sum), 24);
  makeNode(slot, 0, used, sum, 0);
}

/** A row drawn several times: its weight grows, and its value too unless it is a class. */
@inline
function scaled(value: i64, times: i64): i64 {
  if (int(FOREST_CLASSES) == 1) return value * times;
  return (value & ~0xffffffff) | ((value & 0xffffffff) * times);
}

function makeNode(slot: usize, start: i32, count: i32, sum: i64, depth: i32): i32 {
  const index = load<i32>(slot, 8);
  const node = nodeOf(slot, index);
  store<i32>(node, -1);
  store<i32>(node, start, 24);
  store<i32>(node, count, 28);
  store<i64>(node, sum, 32);
  store<i32>(node, depth, 40);
  store<i32>(slot, index + 1, 8);
  return index;
}

/** Splits a node or makes it a leaf. @returns row visits */
function growNode(slot: usize, index: i32, thread: i32): i32 {
  const node = nodeOf(slot, index);
  const start = load<i32>(node, 24);
  const count = load<i32>(node, 28);
  const depth = load<i32>(node, 40);
  const sum = load<i64>(node, 32);
  const rows = <usize>load<u32>(slot, 32) + (<usize>start << 2);
  const values = <usize>load<u32>(slot, 36) + (<usize>start << 3);
  const unweighted = int(FOREST_UNWEIGHTED) != 0;
  const size = unweighted ? weightOf(sum) : <f64>count;
  const deepest = int(MAX_DEPTH);
  let visits = count;
  if (
    (deepest > 0 && depth >= deepest) ||
    size < <f64>int(FOREST_MIN_SAMPLES_SPLIT) ||
    size < <f64>(2 * int(MIN_SAMPLES_LEAF)) ||
    load<i32>(slot, 8) + 2 > int(FOREST_NODE_LIMIT) ||
    isPure(values, count)
  ) {
    makeLeaf(slot, node, rows, values, count);
    return visits;
  }
  const least = unweighted
    ? <f64>int(MIN_SAMPLES_LEAF)
    : max<f64>(1, (<f64>int(MIN_SAMPLES_LEAF) * (1 - 1e-9) * weightOf(sum)) / <f64>count);
  const width = int(WIDTH);
  const wanted = int(FOREST_FEATURES);
  const features = <usize>load<u32>(slot, 56);
  const columns = pointer(COLUMN_BINS);
  const padded = <usize>int(PADDED_ROWS);
  const scratch = pointer(FOREST_SCRATCH) + <usize>thread * pointer(FOREST_SCRATCH_BYTES);
  const seed = hash2(<u32>load<i32>(slot, 4), <u32>index);
  // the winner so far lies in the node itself: gain is kept apart
  let best: f64 = -Infinity;
  let seen = 0;
  for (let i = 0; i < width && (seen < wanted || best == -Infinity); i++) {
    const other = i + <i32>((<u64>hash2(seed, <u32>i) * <u64>(width - i)) >> 32);
    const feature = load<i32>(features + (<usize>other << 2));
    store<i32>(features + (<usize>other << 2), load<i32>(features + (<usize>i << 2)));
    store<i32>(features + (<usize>i << 2), feature);
    const occupied = buildHistogram(columns + <usize>feature * padded, rows, values, count, scratch);
    visits += count;
    if (occupied > 1) {
      seen++;
      best = searchFeature(feature, sum, least, hash2(seed ^ 0x68bc21eb, <u32>feature), scratch, node, best);
    }
    clearHistogram(scratch);
  }
  if (best == -Infinity || splitGain(best, sum, values, count, scratch) < real(FOREST_MIN_DECREASE) * load<f64>(slot, 24)) {
    store<i32>(node, -1);
    makeLeaf(slot, node, rows, values, count);
    return visits;
  }
  split(slot, node, start, count, depth, columns);
  return visits + count;
}

/** All rows have the same class, or the same value per weight. */
function isPure(values: usize, count: i32): bool {
  const first = load<i64>(values);
  const g = first >> 32;
  const h = first & 0xffffffff;
  if (int(FOREST_CLASSES) > 1) {
    for (let i = 1; i < count; i++) if (load<i64>(values + (<usize>i << 3)) >> 32 != g) return false;
    return true;
  }
  for (let i = 1; i < count; i++) {
    const value = load<i64>(values + (<usize>i << 3));
    if ((value >> 32) * h != (value & 0xffffffff) * g) return false;
  }
  return true;
}

function makeLeaf(slot: usize, node: usize, rows: usize, values: usize, count: i32): void {
  const leaf = load<i32>(slot, 16);
  store<i32>(slot, leaf + 1, 16);
  store<i32>(node, -1);
  store<i32>(node, leaf, 8);
  store<i32>(node, 0, 12);
  const classes = int(FOREST_CLASSES);
  const target = <usize>load<u32>(slot, 52) + ((<usize>leaf * <usize>classes) << 3);
  if (classes > 1) {
    memory.fill(target, 0, <usize>classes << 3);
    let total: f64 = 0;
    for (let i = 0; i < count; i++) {
      const value = load<i64>(values + (<usize>i << 3));
      const at = target + (<usize>(value >> 32) << 3);
      const weight = <f64>(<u32>value);
      store<f64>(at, load<f64>(at) + weight);
      total += weight;
    }
    for (let k = 0; k < classes; k++) {
      const at = target + (<usize>k << 3);
      store<f64>(at, load<f64>(at) / total);
    }
    return;
  }
  if (int(FOREST_MEANS) == 0) {
    const sum = load<i64>(node, 32);
    store<f64>(target, <f64>(sum >> 32) / weightOf(sum));
    return;
  }
  const targets = pointer(TARGETS);
  let sum: f64 = 0;
  let total: f64 = 0;
  for (let i = 0; i < count; i++) {
    const weight = <f64>(<u32>load<i64>(values + (<usize>i << 3)));
    sum += weight * <f64>load<f32>(targets + (<usize>load<u32>(rows + (<usize>i << 2)) << 2));
    total += weight;
  }
  store<f64>(target, sum / total);
}

/** Moves a node's rows to its children, left ones first, in stable order. */
function split(slot: usize, node: usize, start: i32, count: i32, depth: i32, columns: usize): void {
  const feature = load<i32>(node);
  const column = columns + <usize>feature * <usize>int(PADDED_ROWS);
  const rows = <usize>load<u32>(slot, 32) + (<usize>start << 2);
  const values = <usize>load<u32>(slot, 36) + (<usize>start << 3);
  const spareRows = <usize>load<u32>(slot, 40);
  const spareValues = <usize>load<u32>(slot, 44);
  const bin = load<i32>(node, 4);
  const nanBin = load<i32>(node, 16);
  const categorical = load<i32>(node, 20) != 0;
  let left: usize = 0;
  let right: usize = 0;
  let leftSum: i64 = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = load<u32>(rows + (i << 2));
    const value = load<i64>(values + (i << 3));
    const b = <i32>load<u8>(column + <usize>row);
    const goes = categorical
      ? (load<u32>(node + (<usize>(b >> 5) << 2), 48) >>> (b & 31)) & 1
      : <u32>(b <= bin) | <u32>(b == nanBin);
    store<u32>(rows + (left << 2), row);
    store<i64>(values + (left << 3), value);
    store<u32>(spareRows + (right << 2), row);
    store<i64>(spareValues + (right << 3), value);
    leftSum += value & -(<i64>goes);
    left += <usize>goes;
    right += 1 - <usize>goes;
  }
  memory.copy(rows + (left << 2), spareRows, right << 2);
  memory.copy(values + (left << 3), spareValues, right << 3);
  const sum = load<i64>(node, 32);
  const leftNode = makeNode(slot, start, <i32>left, leftSum, depth + 1);
  const rightNode = makeNode(slot, start + <i32>left, <i32>right, sum - leftSum, depth + 1);
  store<i32>(node, leftNode, 8);
  store<i32>(node, rightNode, 12);
}
