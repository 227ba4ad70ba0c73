// Finding the best split of a leaf from its histogram. All sums are of quantised gradients, so they are exact.
import {
  CANDIDATES,
  CANDIDATE_BYTES,
  CATEGORY_SCRATCH,
  CAT_L2,
  CAT_SMOOTH,
  HESSIAN_SCALE,
  GRADIENT_SCALE,
  HIST_START,
  KIND,
  LOCAL_DIRTY,
  LOCAL_HISTOGRAMS,
  LOCAL_HISTOGRAM_BYTES,
  MAX_CAT_ONE_VS_REST,
  MAX_CAT_THRESHOLD,
  MIN_CHILD_WEIGHT,
  MIN_SAMPLES_LEAF,
  MISSING_BIN,
  NODE_MASK,
  REG_ALPHA,
  REG_LAMBDA,
  THREADS,
  VALUE_BINS,
  WIDTH,
} from "./layout";
import { int, pointer, real } from "./context";

@inline
export function gradientOf(sum: i64): f64 {
  return <f64>(<i32>(sum >> 32));
}

@inline
export function hessianOf(sum: i64): f64 {
  return <f64>(<u32>sum);
}

/** Soft threshold of the L1 penalty. */
@inline
function shrink(gradient: f64, alpha: f64): f64 {
  return copysign<f64>(max<f64>(abs<f64>(gradient) - alpha, 0), gradient);
}

/** T(G)² / (H + λ), in quantised units. */
@inline
export function leafScore(gradient: f64, hessian: f64, alpha: f64, lambda: f64): f64 {
  const g = shrink(gradient, alpha);
  return hessian + lambda > 0 ? (g * g) / (hessian + lambda) : 0;
}

/** Least quantised hessian each side needs so that weight and (estimated) number of rows suffice. */
function leastHessian(total: i64, count: i32): f64 {
  const weight = real(MIN_CHILD_WEIGHT) * real(HESSIAN_SCALE);
  const samples = (<f64>int(MIN_SAMPLES_LEAF) * hessianOf(total)) / <f64>count;
  // half a row of slack: sums of dithered hessians are estimates of counts
  return max<f64>(max<f64>(weight, samples * (1 - 1e-9)), 1);
}

function searchNumeric(
  histogram: usize,
  bins: i32,
  missingBin: i32,
  total: i64,
  count: i32,
  candidate: usize,
): void {
  const alpha = real(REG_ALPHA) * real(GRADIENT_SCALE);
  const lambda = real(REG_LAMBDA) * real(HESSIAN_SCALE);
  const least = leastHessian(total, count);
  const allHessian = hessianOf(total);
  const allGradient = gradientOf(total);
  const missing: i64 = missingBin >= 0 ? load<i64>(histogram + (<usize>missingBin << 3)) : 0;
  const lambdas = f64x2.splat(lambda);
  const plain = alpha == 0;
  let best: f64 = 0;
  let bestBin = -1;
  let bestLeft: i64 = 0;
  let bestDefault = 0;

  // NaN right: left is bins 0 … b; the last cut has the NaN alone on the right
  let left: i64 = 0;
  let last = missing != 0 ? bins : bins - 1;
  for (let b = 0; b < last; b++) {
    const entry = load<i64>(histogram + (<usize>b << 3));
    if (entry == 0) continue;
    left += entry;
    const leftHessian = hessianOf(left);
    if (leftHessian < least) continue;
    const rightHessian = allHessian - leftHessian;
    if (rightHessian < least) break;
    let leftGradient = gradientOf(left);
    let rightGradient = allGradient - leftGradient;
    if (!plain) {
      leftGradient = shrink(leftGradient, alpha);
      rightGradient = shrink(rightGradient, alpha);
    }
    const g = f64x2(leftGradient, rightGradient);
    const q = f64x2.div(f64x2.mul(g, g), f64x2.add(f64x2(leftHessian, rightHessian), lambdas));
    const gain = f64x2.extract_lane(q, 0) + f64x2.extract_lane(q, 1);
    if (gain > best) {
      best = gain;
      bestBin = b;
      bestLeft = left;
    }
  }
  if (bestBin >= 0 && missing == 0) bestDefault = hessianOf(bestLeft) * 2 > allHessian ? 1 : 0;

  if (missing != 0) {
    left = missing;
    last = bins - 1;
    for (let b = 0; b < last; b++) {
      const entry = load<i64>(histogram + (<usize>b << 3));
      if (entry == 0) continue;
      left += entry;
      const leftHessian = hessianOf(left);
      if (leftHessian < least) continue;
      const rightHessian = allHessian - leftHessian;
      if (rightHessian < least) break;
      const leftGradient = shrink(gradientOf(left), alpha);
      const rightGradient = shrink(allGradient - gradientOf(left), alpha);
      const gain =
        (leftGradient * leftGradient) / (leftHessian + lambda) +
        (rightGradient * rightGradient) / (rightHessian + lambda);
      if (gain > best) {
        best = gain;
        bestBin = b;
        bestLeft = left;
        bestDefault = 1;
      }
    }
  }
  if (bestBin < 0) return;
  store<f64>(candidate, best);
  store<i64>(candidate, bestLeft, 8);
  store<i32>(candidate, bestBin, 16);
  store<i32>(candidate, bestDefault, 20);
}

@inline
function setBit(bitset: usize, bin: i32): void {
  const word = bitset + (<usize>(bin >> 5) << 2);
  store<u32>(word, load<u32>(word) | (<u32>1 << (bin & 31)));
}

@inline
function clearBitset(bitset: usize): void {
  memory.fill(bitset, 0, 32);
}

/**
 * Categories: one against the rest when they are few; else sorted by gradient over hessian, where the best
 * grouping is a prefix (Fisher 1958), from either end. Bin 0 (missing, unseen, rare) stays right.
 */
function searchCategorical(
  histogram: usize,
  bins: i32,
  total: i64,
  count: i32,
  candidate: usize,
  thread: i32,
): void {
  const alpha = real(REG_ALPHA) * real(GRADIENT_SCALE);
  const least = leastHessian(total, count);
  const scale = real(HESSIAN_SCALE);
  const smooth = real(CAT_SMOOTH) * scale;
  const allHessian = hessianOf(total);
  const allGradient = gradientOf(total);
  const keys = pointer(CATEGORY_SCRATCH) + (<usize>thread << 12);
  const order = keys + 2048;
  let used = 0;
  for (let b = 1; b < bins; b++) {
    const entry = load<i64>(histogram + (<usize>b << 3));
    if (entry == 0) continue;
    const key = gradientOf(entry) / (hessianOf(entry) + smooth);
    let at = used++;
    while (at > 0 && load<f64>(keys + (<usize>(at - 1) << 3)) > key) {
      store<f64>(keys + (<usize>at << 3), load<f64>(keys + (<usize>(at - 1) << 3)));
      store<i32>(order + (<usize>at << 2), load<i32>(order + (<usize>(at - 1) << 2)));
      at--;
    }
    store<f64>(keys + (<usize>at << 3), key);
    store<i32>(order + (<usize>at << 2), b);
  }
  let best: f64 = 0;
  let bestFrom = -1;
  let bestTo = -1;
  let bestLeft: i64 = 0;
  const single = used <= int(MAX_CAT_ONE_VS_REST);
  const lambda = (real(REG_LAMBDA) + (single ? 0 : real(CAT_L2))) * scale;
  const limit = min<i32>(used, int(MAX_CAT_THRESHOLD));
  for (let direction = 0; direction < 2; direction++) {
    let left: i64 = 0;
    const steps = single ? used : limit;
    for (let i = 0; i < steps; i++) {
      const rank = direction == 0 ? i : used - 1 - i;
      const bin = load<i32>(order + (<usize>rank << 2));
      const entry = load<i64>(histogram + (<usize>bin << 3));
      left = single ? entry : left + entry;
      const leftHessian = hessianOf(left);
      if (leftHessian < least) continue;
      const rightHessian = allHessian - leftHessian;
      if (rightHessian < least) {
        if (single) continue;
        break;
      }
      const leftGradient = gradientOf(left);
      const gain =
        leafScore(leftGradient, leftHessian, alpha, lambda) +
        leafScore(allGradient - leftGradient, rightHessian, alpha, lambda);
      if (gain > best) {
        best = gain;
        bestLeft = left;
        bestFrom = single ? rank : direction == 0 ? 0 : rank;
        bestTo = single ? rank : direction == 0 ? rank : used - 1;
      }
    }
    if (single) break;
  }
  if (bestFrom < 0) return;
  store<f64>(candidate, best);
  store<i64>(candidate, bestLeft, 8);
  store<i32>(candidate, 0, 16);
  store<i32>(candidate, 0, 20);
  clearBitset(candidate + 32);
  for (let rank = bestFrom; rank <= bestTo; rank++) setBit(candidate + 32, load<i32>(order + (<usize>rank << 2)));
}

/** Gathers the accumulators of all threads for one feature into a leaf's histogram and clears them. */
function collect(feature: i32, entries: i32, target: usize): void {
  const threads = int(THREADS);
  const dirty = pointer(LOCAL_DIRTY);
  const bytes = pointer(LOCAL_HISTOGRAM_BYTES);
  let local = pointer(LOCAL_HISTOGRAMS) + (<usize>feature << 11);
  const size = <usize>entries << 3;
  let fresh = true;
  for (let t = 0; t < threads; t++) {
    if (load<i32>(dirty + (<usize>t << 2)) != 0) {
      if (fresh) memory.copy(target, local, size);
      else {
        for (let at: usize = 0; at < size; at += 8) {
          store<i64>(target + at, load<i64>(target + at) + load<i64>(local + at));
        }
      }
      memory.fill(local, 0, size);
      fresh = false;
    }
    local += bytes;
  }
  if (fresh) memory.fill(target, 0, size);
}

function search(feature: i32, leaf: usize, side: i32, thread: i32): void {
  const candidate = pointer(CANDIDATES) + <usize>(side * int(WIDTH) + feature) * CANDIDATE_BYTES;
  store<f64>(candidate, 0);
  if (load<i32>(leaf, 20) == 0) return;
  if (load<u8>(pointer(NODE_MASK) + <usize>(side * int(WIDTH) + feature)) == 0) return;
  const at = <usize>feature << 2;
  const histogram = pointer2(leaf) + (<usize>load<i32>(pointer(HIST_START) + at) << 3);
  const bins = load<i32>(pointer(VALUE_BINS) + at);
  const total = load<i64>(leaf, 24);
  const count = load<i32>(leaf, 4);
  if (load<u8>(pointer(KIND) + <usize>feature) != 0) {
    searchCategorical(histogram, bins, total, count, candidate, thread);
  } else {
    searchNumeric(histogram, bins, load<i32>(pointer(MISSING_BIN) + at), total, count, candidate);
  }
}

@inline
function pointer2(leaf: usize): usize {
  return <usize>load<u32>(leaf, 8);
}

/**
 * Completes the histograms of two fresh leaves for one feature and looks for their best splits: the smaller leaf's
 * from the accumulators, the larger leaf's as its parent's minus that. `large` is 0 for the root.
 */
export function settleFeature(feature: i32, small: usize, large: usize, thread: i32): void {
  const at = <usize>feature << 2;
  const entries =
    load<i32>(pointer(VALUE_BINS) + at) + (load<i32>(pointer(MISSING_BIN) + at) >= 0 ? 1 : 0);
  const offset = <usize>load<i32>(pointer(HIST_START) + at) << 3;
  const mine = pointer2(small) + offset;
  collect(feature, entries, mine);
  const size = <usize>entries << 3;
  if (large != 0) {
    const other = pointer2(large) + offset;
    for (let i: usize = 0; i < size; i += 8) {
      store<i64>(other + i, load<i64>(other + i) - load<i64>(mine + i));
    }
    search(feature, large, 1, thread);
  } else {
    let total: i64 = 0;
    for (let i: usize = 0; i < size; i += 8) total += load<i64>(mine + i);
    store<i64>(small, total, 24);
  }
  search(feature, small, 0, thread);
}
