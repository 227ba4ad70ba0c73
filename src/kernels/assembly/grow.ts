// Growing one boosted tree: the caller's thread decides, the team carries out.
import {
  ACTIVE,
  ACTIVE_COUNT,
  ARG_0,
  ARG_1,
  ARG_2,
  ARG_3,
  ARG_4,
  ARG_5,
  ARG_6,
  BAG_ROWS,
  CANDIDATES,
  CANDIDATE_BYTES,
  CHUNK_LEFT,
  COLUMN_BINS,
  CHUNK_LIMIT,
  CHUNK_SCRATCH,
  DEPTH_WISE,
  FEATURE_SCRATCH,
  GRADIENT_SCALE,
  HESSIAN_SCALE,
  HISTOGRAMS,
  HIST_ENTRIES,
  JOB_ROOT,
  JOB_SETTLE,
  JOB_SPLIT,
  KIND,
  LEARNING_RATE,
  LEAF_BYTES,
  LEAVES,
  LOCAL_DIRTY,
  LOCAL_HISTOGRAMS,
  LOCAL_HISTOGRAM_BYTES,
  MAX_DELTA_STEP,
  MAX_DEPTH,
  MAX_LEAVES,
  MIN_SAMPLES_LEAF,
  MIN_SPLIT_GAIN,
  MISSING_BIN,
  NODES,
  NODE_BYTES,
  NODE_FEATURES,
  NODE_MASK,
  ORDER,
  ORDER_NEXT,
  PADDED_ROWS,
  PANELS,
  REG_ALPHA,
  REG_LAMBDA,
  ROUTE,
  THREADS,
  TREE_SEED,
  WIDTH,
} from "./layout";
import { hash2, int, pointer, real, setInt } from "./context";
import { accumulate } from "./histogram";
import { gradientOf, hessianOf, leafScore, settleFeature } from "./split-search";
import { runJob } from "./team";

const FEATURES_PER_TASK: i32 = 4;
/** Leaves up to this many rows are split by the caller alone. */
const ALONE: i32 = 3072;

let leafCount: i32 = 0;
let nodeCount: i32 = 0;

@inline
export function leafAt(index: i32): usize {
  return pointer(LEAVES) + <usize>index * LEAF_BYTES;
}

@inline
export function nodeAt(index: i32): usize {
  return pointer(NODES) + <usize>index * NODE_BYTES;
}

/** Step −T(G) / (H + λ), bounded, times the learning rate. */
function leafValue(sum: i64): f64 {
  const g = gradientOf(sum) / real(GRADIENT_SCALE);
  const h = hessianOf(sum) / real(HESSIAN_SCALE);
  const shrunk = copysign<f64>(max<f64>(abs<f64>(g) - real(REG_ALPHA), 0), g);
  const divisor = h + real(REG_LAMBDA);
  let value = divisor > 0 ? -shrunk / divisor : 0;
  const bound = real(MAX_DELTA_STEP);
  if (bound > 0) value = min<f64>(max<f64>(value, -bound), bound);
  return value * real(LEARNING_RATE);
}

function makeLeafNode(node: i32, sum: i64): void {
  const at = nodeAt(node);
  store<i32>(at, -1);
  store<i32>(at, 0, 8);
  store<i32>(at, 0, 12);
  store<f64>(at, leafValue(sum), 24);
}

function splittable(leaf: usize): bool {
  const deepest = int(MAX_DEPTH);
  if (deepest > 0 && load<i32>(leaf, 16) >= deepest) return false;
  if (load<i32>(leaf, 4) < max<i32>(2, 2 * int(MIN_SAMPLES_LEAF))) return false;
  return true;
}

/** Draws the features a new leaf may split on. */
function drawFeatures(side: i32, node: i32): void {
  const width = int(WIDTH);
  const mask = pointer(NODE_MASK) + <usize>(side * width);
  const active = int(ACTIVE_COUNT);
  const features = pointer(ACTIVE);
  const wanted = int(NODE_FEATURES);
  if (wanted >= active) {
    for (let i = 0; i < active; i++) store<u8>(mask + <usize>load<i32>(features + (<usize>i << 2)), 1);
    return;
  }
  const scratch = pointer(FEATURE_SCRATCH);
  for (let i = 0; i < active; i++) {
    const feature = load<i32>(features + (<usize>i << 2));
    store<i32>(scratch + (<usize>i << 2), feature);
    store<u8>(mask + <usize>feature, 0);
  }
  const seed = hash2(<u32>int(TREE_SEED), <u32>node);
  for (let i = 0; i < wanted; i++) {
    const other = i + <i32>(hash2(seed, <u32>i) % <u32>(active - i));
    const chosen = load<i32>(scratch + (<usize>other << 2));
    store<i32>(scratch + (<usize>other << 2), load<i32>(scratch + (<usize>i << 2)));
    store<i32>(scratch + (<usize>i << 2), chosen);
    store<u8>(mask + <usize>chosen, 1);
  }
}

/** Takes the best of a leaf's candidates, the first feature among equals. */
function chooseSplit(leaf: usize, side: i32): void {
  store<f64>(leaf, 0, 32);
  if (load<i32>(leaf, 20) == 0) return;
  const active = int(ACTIVE_COUNT);
  const features = pointer(ACTIVE);
  const candidates = pointer(CANDIDATES) + <usize>(side * int(WIDTH)) * CANDIDATE_BYTES;
  let best: f64 = 0;
  let bestFeature = -1;
  for (let i = 0; i < active; i++) {
    const feature = load<i32>(features + (<usize>i << 2));
    const gain = load<f64>(candidates + <usize>feature * CANDIDATE_BYTES);
    if (gain > best) {
      best = gain;
      bestFeature = feature;
    }
  }
  if (bestFeature < 0) return;
  const gradientScale = real(GRADIENT_SCALE);
  const hessianScale = real(HESSIAN_SCALE);
  const total = load<i64>(leaf, 24);
  const parent = leafScore(
    gradientOf(total),
    hessianOf(total),
    real(REG_ALPHA) * gradientScale,
    real(REG_LAMBDA) * hessianScale,
  );
  const gain = (0.5 * (best - parent) * hessianScale) / (gradientScale * gradientScale);
  if (best <= parent * (1 + 1e-12) || gain <= real(MIN_SPLIT_GAIN)) return;
  const candidate = candidates + <usize>bestFeature * CANDIDATE_BYTES;
  store<f64>(leaf, gain, 32);
  store<i32>(leaf, bestFeature, 40);
  store<i32>(leaf, load<i32>(candidate, 16), 44);
  store<i32>(leaf, load<i32>(candidate, 20), 48);
  store<i64>(leaf, load<i64>(candidate, 8), 56);
  memory.copy(leaf + 64, candidate + 32, 32);
}

function clearDirty(): void {
  const threads = int(THREADS);
  for (let t = 0; t < threads; t++) store<i32>(pointer(LOCAL_DIRTY) + (<usize>t << 2), 0);
}

function settle(copies: i32, small: usize, large: usize): void {
  setInt(ARG_0, copies);
  setInt(ARG_1, <i32>small);
  setInt(ARG_2, <i32>large);
  const featureTasks = small == 0 ? 0 : (int(ACTIVE_COUNT) + FEATURES_PER_TASK - 1) / FEATURES_PER_TASK;
  runJob(JOB_SETTLE, copies + featureTasks);
  if (small != 0) {
    clearDirty();
    chooseSplit(small, 0);
    if (large != 0) chooseSplit(large, 1);
  }
}

/** Starts a tree on the rows in ORDER[0, BAG_ROWS). */
export function beginTree(): void {
  leafCount = 1;
  nodeCount = 1;
  const rows = int(BAG_ROWS);
  const root = leafAt(0);
  store<i32>(root, 0);
  store<i32>(root, rows, 4);
  store<u32>(root, <u32>pointer(HISTOGRAMS), 8);
  store<i32>(root, 0, 12);
  store<i32>(root, 0, 16);
  store<f64>(root, 0, 32);
  store<i32>(root, splittable(root) && int(MAX_LEAVES) > 1 ? 1 : 0, 20);
  drawFeatures(0, 0);
  const chunk = CHUNK_LIMIT;
  setInt(ARG_0, rows);
  runJob(JOB_ROOT, (rows + chunk - 1) / chunk);
  settle(0, root, 0);
  makeLeafNode(0, load<i64>(root, 24));
}

export function rootTask(task: i32, thread: i32): void {
  const from = task * CHUNK_LIMIT;
  const to = min<i32>(from + CHUNK_LIMIT, int(ARG_0));
  const order = pointer(ORDER);
  accumulate(order + (<usize>from << 2), order + (<usize>to << 2), thread);
}

function nextLeaf(): i32 {
  const depthWise = int(DEPTH_WISE) != 0;
  let chosen = -1;
  let bestGain: f64 = 0;
  let bestDepth = i32.MAX_VALUE;
  for (let i = 0; i < leafCount; i++) {
    const leaf = leafAt(i);
    const gain = load<f64>(leaf, 32);
    if (gain <= 0) continue;
    const depth = load<i32>(leaf, 16);
    if (depthWise ? depth < bestDepth || (depth == bestDepth && gain > bestGain) : gain > bestGain) {
      chosen = i;
      bestGain = gain;
      bestDepth = depth;
    }
  }
  return chosen;
}

/** Splits one more leaf. @returns 0 when the tree is complete */
export function splitNext(): i32 {
  const maxLeaves = int(MAX_LEAVES);
  if (leafCount >= maxLeaves) return 0;
  const index = nextLeaf();
  if (index < 0) return 0;
  const left = leafAt(index);
  const right = leafAt(leafCount);
  const start = load<i32>(left, 0);
  const count = load<i32>(left, 4);
  const node = load<i32>(left, 12);
  const depth = load<i32>(left, 16) + 1;
  const total = load<i64>(left, 24);
  const feature = load<i32>(left, 40);
  const leftSum = load<i64>(left, 56);
  const rightSum = total - leftSum;
  const parentHistogram = load<u32>(left, 8);
  const freshHistogram = <u32>(pointer(HISTOGRAMS) + <usize>leafCount * (<usize>int(HIST_ENTRIES) << 3));
  writeNode(node, left, feature);
  leafCount++;

  const leftSmaller = hessianOf(leftSum) <= hessianOf(rightSum);
  const deepest = int(MAX_DEPTH);
  const wantsSplits = leafCount < maxLeaves && (deepest == 0 || depth < deepest);
  const columns = pointer(COLUMN_BINS);
  if (columns != 0) {
    setInt(ARG_3, <i32>(columns + <usize>feature * pointer(PADDED_ROWS)));
    setInt(ARG_6, 1);
  } else {
    const panel = pointer(PANELS) + (<usize>(feature >> 4) << 3);
    setInt(ARG_3, <i32>(load<u32>(panel) + (feature & 15)));
    setInt(ARG_6, load<i32>(panel, 4));
  }
  setInt(ARG_4, wantsSplits ? (leftSmaller ? 1 : 2) : 0);
  let copies = 0;
  let leftCount = 0;
  if (count <= ALONE) {
    leftCount = splitAlone(start, count);
  } else {
    const chunk = count > 65536 ? CHUNK_LIMIT : 2048;
    copies = (count + chunk - 1) / chunk;
    setInt(ARG_0, start);
    setInt(ARG_1, count);
    setInt(ARG_2, chunk);
    runJob(JOB_SPLIT, copies);
    leftCount = placeChunks(start, count, chunk, copies);
    setInt(ARG_3, start);
    setInt(ARG_4, count);
    setInt(ARG_5, chunk);
  }

  const leftNode = nodeCount;
  const rightNode = nodeCount + 1;
  nodeCount += 2;
  store<i32>(nodeAt(node), leftNode, 8);
  store<i32>(nodeAt(node), rightNode, 12);
  makeLeafNode(leftNode, leftSum);
  makeLeafNode(rightNode, rightSum);
  makeLeaf(left, start, leftCount, leftSmaller ? freshHistogram : parentHistogram, leftNode, depth, leftSum);
  makeLeaf(
    right,
    start + leftCount,
    count - leftCount,
    leftSmaller ? parentHistogram : freshHistogram,
    rightNode,
    depth,
    rightSum,
  );
  const leftGrows = wantsSplits && splittable(left);
  const rightGrows = wantsSplits && splittable(right);
  store<i32>(left, leftGrows ? 1 : 0, 20);
  store<i32>(right, rightGrows ? 1 : 0, 20);
  if (leftGrows || rightGrows) {
    drawFeatures(leftSmaller ? 0 : 1, leftNode);
    drawFeatures(leftSmaller ? 1 : 0, rightNode);
    settle(copies, leftSmaller ? left : right, leftSmaller ? right : left);
  } else {
    if (wantsSplits) dropAccumulators();
    if (copies > 0) settle(copies, 0, 0);
  }
  return 1;
}

/** Empties accumulators that nobody will read. */
function dropAccumulators(): void {
  const threads = int(THREADS);
  const bytes = pointer(LOCAL_HISTOGRAM_BYTES);
  for (let t = 0; t < threads; t++) {
    if (load<i32>(pointer(LOCAL_DIRTY) + (<usize>t << 2)) != 0) {
      memory.fill(pointer(LOCAL_HISTOGRAMS) + <usize>t * bytes, 0, bytes);
    }
  }
  clearDirty();
}

function makeLeaf(leaf: usize, start: i32, count: i32, histogram: u32, node: i32, depth: i32, sum: i64): void {
  store<i32>(leaf, start, 0);
  store<i32>(leaf, count, 4);
  store<u32>(leaf, histogram, 8);
  store<i32>(leaf, node, 12);
  store<i32>(leaf, depth, 16);
  store<i64>(leaf, sum, 24);
  store<f64>(leaf, 0, 32);
}

/** Turns a leaf's node into its split and writes the way of every bin into ROUTE. */
function writeNode(node: i32, leaf: usize, feature: i32): void {
  const at = nodeAt(node);
  const bin = load<i32>(leaf, 44);
  const categorical = load<u8>(pointer(KIND) + <usize>feature) != 0;
  const missing = load<i32>(pointer(MISSING_BIN) + (<usize>feature << 2));
  const goesLeft = load<i32>(leaf, 48) != 0;
  store<i32>(at, feature);
  store<i32>(at, bin, 4);
  store<i32>(at, goesLeft ? (missing >= 0 ? missing : 256) : -1, 16);
  store<i32>(at, categorical ? 1 : 0, 20);
  memory.copy(at + 32, leaf + 64, 32);
  const route = pointer(ROUTE);
  for (let b = 0; b < 256; b++) {
    let left: bool;
    if (categorical) left = ((load<u32>(leaf + (<usize>(b >> 5) << 2), 64) >>> (b & 31)) & 1) != 0;
    else left = b <= bin || (goesLeft && b == missing);
    store<u8>(route + <usize>b, left ? 1 : 0);
  }
}

/** Splits a small leaf in place, without the team. @returns rows on the left */
function splitAlone(start: i32, count: i32): i32 {
  const order = pointer(ORDER) + (<usize>start << 2);
  const end = order + (<usize>count << 2);
  const scratch = pointer(CHUNK_SCRATCH);
  const middle = distribute(order, end, order, scratch);
  memory.copy(middle, scratch, end - middle);
  const side = int(ARG_4);
  if (side == 1) accumulate(order, middle, 0);
  else if (side == 2) accumulate(middle, end, 0);
  return <i32>((middle - order) >> 2);
}

/** Stable partition of [from, to): left rows to `lefts`, right rows to `rights`. @returns end of the left rows */
@inline
function distribute(from: usize, to: usize, lefts: usize, rights: usize): usize {
  const column = <usize>int(ARG_3);
  const stride = <usize>int(ARG_6);
  const route = pointer(ROUTE);
  for (let at = from; at < to; at += 4) {
    const row = load<u32>(at);
    const goesLeft = <usize>load<u8>(route + <usize>load<u8>(column + <usize>row * stride)) << 2;
    store<u32>(lefts, row);
    store<u32>(rights, row);
    lefts += goesLeft;
    rights += 4 - goesLeft;
  }
  return lefts;
}

export function splitTask(task: i32, thread: i32): void {
  const start = int(ARG_0);
  const chunk = int(ARG_2);
  const first = task * chunk;
  const size = min<i32>(chunk, int(ARG_1) - first);
  const from = pointer(ORDER) + (<usize>(start + first) << 2);
  const target = pointer(ORDER_NEXT) + (<usize>(start + first) << 2);
  const end = target + (<usize>size << 2);
  const scratch = pointer(CHUNK_SCRATCH) + <usize>thread * (CHUNK_LIMIT * 4 + 64);
  const middle = distribute(from, from + (<usize>size << 2), target, scratch);
  memory.copy(middle, scratch, end - middle);
  store<i32>(pointer(CHUNK_LEFT) + <usize>task * 12, <i32>((middle - target) >> 2));
  const side = int(ARG_4);
  if (side == 1) accumulate(target, middle, thread);
  else if (side == 2) accumulate(middle, end, thread);
}

/** Where each chunk's rows belong. @returns rows on the left */
function placeChunks(start: i32, count: i32, chunk: i32, chunks: i32): i32 {
  const info = pointer(CHUNK_LEFT);
  let lefts = 0;
  for (let c = 0; c < chunks; c++) {
    store<i32>(info + <usize>c * 12, start + lefts, 4);
    lefts += load<i32>(info + <usize>c * 12);
  }
  let rights = lefts;
  for (let c = 0; c < chunks; c++) {
    store<i32>(info + <usize>c * 12, start + rights, 8);
    rights += min<i32>(chunk, count - c * chunk) - load<i32>(info + <usize>c * 12);
  }
  return lefts;
}

function copyChunk(task: i32): void {
  const start = int(ARG_3);
  const chunk = int(ARG_5);
  const size = min<i32>(chunk, int(ARG_4) - task * chunk);
  const info = pointer(CHUNK_LEFT) + <usize>task * 12;
  const lefts = load<i32>(info);
  const source = pointer(ORDER_NEXT) + (<usize>(start + task * chunk) << 2);
  const order = pointer(ORDER);
  memory.copy(order + (<usize>load<i32>(info, 4) << 2), source, <usize>lefts << 2);
  memory.copy(
    order + (<usize>load<i32>(info, 8) << 2),
    source + (<usize>lefts << 2),
    <usize>(size - lefts) << 2,
  );
}

export function settleTask(task: i32, thread: i32): void {
  const copies = int(ARG_0);
  if (task < copies) {
    copyChunk(task);
    return;
  }
  const from = (task - copies) * FEATURES_PER_TASK;
  const to = min<i32>(from + FEATURES_PER_TASK, int(ACTIVE_COUNT));
  for (let i = from; i < to; i++) {
    const feature = load<i32>(pointer(ACTIVE) + (<usize>i << 2));
    settleFeature(feature, <usize>int(ARG_1), <usize>int(ARG_2), thread);
  }
}

export function treeLeaves(): i32 {
  return leafCount;
}

export function treeNodes(): i32 {
  return nodeCount;
}
