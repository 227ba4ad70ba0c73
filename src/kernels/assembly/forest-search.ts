// Best or random split of a forest node on one feature. Scratch of a thread: occupied bins u64 [4] @0, number of bins @32,
// histogram @64 (i64 [256], or u32 [256 × K]), then from `tail` two rows of class sums f64 [2 K] and the category order
// (f64 keys [256], i32 bins [256]).
import {
  FOREST_CLASSES,
  FOREST_ENTROPY,
  FOREST_RANDOM_CUTS,
  KIND,
  MISSING_BIN,
  VALUE_BINS,
} from "./layout";
import { hash2, int, pointer } from "./context";

@inline
export function weightOf(sum: i64): f64 {
  return <f64>(<u32>sum);
}

@inline
function valueOf(sum: i64): f64 {
  return <f64>(sum >> 32);
}

@inline
function tailOf(scratch: usize): usize {
  const classes = int(FOREST_CLASSES);
  return scratch + 64 + (classes == 1 ? 2048 : (<usize>classes << 10));
}

/** Natural logarithm by the series of artanh; x > 0. */
function logarithm(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <i32>((bits >> 52) & 0x7ff) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1);
  const q = s * s;
  let series = 1 / 17.0;
  series = series * q + 1 / 15.0;
  series = series * q + 1 / 13.0;
  series = series * q + 1 / 11.0;
  series = series * q + 1 / 9.0;
  series = series * q + 1 / 7.0;
  series = series * q + 1 / 5.0;
  series = series * q + 1 / 3.0;
  series = series * q + 1;
  return <f64>exponent * 0.6931471805599453 + 2 * s * series;
}

@inline
function xlogx(x: f64): f64 {
  return x > 0 ? x * logarithm(x) : 0;
}

/** What a side contributes to a split: the larger the sum over both sides, the purer they are. */
@inline
function sideScore(value: f64, weight: f64, entropy: bool): f64 {
  if (entropy) return xlogx(value) + xlogx(weight - value) - xlogx(weight);
  return (value * value) / weight;
}

/** From this many rows on it is cheaper to look for occupied bins afterwards. */
const MANY_ROWS: i32 = 192;

/** @returns number of occupied bins */
export function buildHistogram(
  column: usize,
  rows: usize,
  values: usize,
  count: i32,
  scratch: usize,
): i32 {
  const classes = int(FOREST_CLASSES);
  const histogram = scratch + 64;
  const n = <usize>count;
  if (classes == 1 && count >= MANY_ROWS) {
    for (let i: usize = 0; i < n; i++) {
      const at = histogram + (<usize>load<u8>(column + <usize>load<u32>(rows + (i << 2))) << 3);
      store<i64>(at, load<i64>(at) + load<i64>(values + (i << 3)));
    }
    for (let bin: usize = 0; bin < 256; bin++) {
      const word = scratch + ((bin >> 6) << 3);
      const occupied = <u64>(load<i64>(histogram + (bin << 3)) != 0);
      store<u64>(word, load<u64>(word) | (occupied << (bin & 63)));
    }
  } else if (classes == 1) {
    for (let i: usize = 0; i < n; i++) {
      const bin = <usize>load<u8>(column + <usize>load<u32>(rows + (i << 2)));
      const at = histogram + (bin << 3);
      store<i64>(at, load<i64>(at) + load<i64>(values + (i << 3)));
      const word = scratch + ((bin >> 6) << 3);
      store<u64>(word, load<u64>(word) | (<u64>1 << (bin & 63)));
    }
  } else {
    for (let i: usize = 0; i < n; i++) {
      const bin = <usize>load<u8>(column + <usize>load<u32>(rows + (i << 2)));
      const value = load<i64>(values + (i << 3));
      const at = histogram + ((bin * <usize>classes + <usize>(value >> 32)) << 2);
      store<u32>(at, load<u32>(at) + <u32>value);
      const word = scratch + ((bin >> 6) << 3);
      store<u64>(word, load<u64>(word) | (<u64>1 << (bin & 63)));
    }
  }
  return <i32>(
    popcnt<u64>(load<u64>(scratch)) +
    popcnt<u64>(load<u64>(scratch, 8)) +
    popcnt<u64>(load<u64>(scratch, 16)) +
    popcnt<u64>(load<u64>(scratch, 24))
  );
}

export function clearHistogram(scratch: usize): void {
  const classes = int(FOREST_CLASSES);
  const histogram = scratch + 64;
  const size: usize = classes == 1 ? 8 : <usize>classes << 2;
  for (let bin = nextBin(scratch, 0); bin < 256; bin = nextBin(scratch, bin + 1)) {
    memory.fill(histogram + <usize>bin * size, 0, size);
  }
  memory.fill(scratch, 0, 32);
}

/** First occupied bin from `bin` on, 256 when there is none. */
@inline
function nextBin(scratch: usize, bin: i32): i32 {
  let at = bin;
  while (at < 256) {
    const word = load<u64>(scratch + (<usize>(at >> 6) << 3)) >> (at & 63);
    if (word != 0) return at + <i32>ctz<u64>(word);
    at = (at | 63) + 1;
  }
  return 256;
}

// The left side of the cut being looked at
@inline
function leftSums(scratch: usize): usize {
  return tailOf(scratch);
}

/** Adds a bin to the left sums of all classes. @returns weight of the bin */
function addClasses(scratch: usize, bin: i32): f64 {
  const classes = int(FOREST_CLASSES);
  const from = scratch + 64 + ((<usize>bin * <usize>classes) << 2);
  const left = leftSums(scratch);
  let weight: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const add = <f64>load<u32>(from + (<usize>k << 2));
    const at = left + (<usize>k << 3);
    store<f64>(at, load<f64>(at) + add);
    weight += add;
  }
  return weight;
}

/** Score of both sides from the left sums and the node's totals. */
function classScore(scratch: usize, leftWeight: f64, rightWeight: f64): f64 {
  const classes = int(FOREST_CLASSES);
  const entropy = int(FOREST_ENTROPY) != 0;
  const left = leftSums(scratch);
  const all = left + (<usize>classes << 3);
  let a: f64 = 0;
  let b: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const l = load<f64>(left + (<usize>k << 3));
    const r = load<f64>(all + (<usize>k << 3)) - l;
    if (entropy) {
      a += xlogx(l);
      b += xlogx(r);
    } else {
      a += l * l;
      b += r * r;
    }
  }
  return entropy ? a - xlogx(leftWeight) + b - xlogx(rightWeight) : a / leftWeight + b / rightWeight;
}

/** Sums of all classes over all bins, next to the (cleared) left sums. */
function sumClasses(scratch: usize): void {
  const classes = int(FOREST_CLASSES);
  const left = leftSums(scratch);
  const size = <usize>classes << 3;
  memory.fill(left, 0, size);
  for (let bin = nextBin(scratch, 0); bin < 256; bin = nextBin(scratch, bin + 1)) addClasses(scratch, bin);
  memory.copy(left + size, left, size);
  memory.fill(left, 0, size);
}

/** How much purer the children are than the node, times its weight. */
export function splitGain(best: f64, sum: i64, values: usize, count: i32, scratch: usize): f64 {
  const entropy = int(FOREST_ENTROPY) != 0;
  const classes = int(FOREST_CLASSES);
  if (classes == 1) return best - sideScore(valueOf(sum), weightOf(sum), entropy);
  const left = leftSums(scratch);
  memory.fill(left, 0, <usize>classes << 3);
  let total: f64 = 0;
  for (let i = 0; i < count; i++) {
    const value = load<i64>(values + (<usize>i << 3));
    const at = left + (<usize>(value >> 32) << 3);
    store<f64>(at, load<f64>(at) + weightOf(value));
    total += weightOf(value);
  }
  let score: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const c = load<f64>(left + (<usize>k << 3));
    score += entropy ? xlogx(c) : c * c;
  }
  return best - (entropy ? score - xlogx(total) : score / total);
}

/**
 * Looks for a better split of a node on one feature and writes it into the node.
 * @returns the best score so far, −∞ when there is none
 */
export function searchFeature(
  feature: i32,
  sum: i64,
  least: f64,
  seed: u32,
  scratch: usize,
  node: usize,
  best: f64,
): f64 {
  if (int(FOREST_CLASSES) > 1) sumClasses(scratch);
  if (load<u8>(pointer(KIND) + <usize>feature) != 0) {
    return searchCategories(feature, sum, least, seed, scratch, node, best);
  }
  const missing = load<i32>(pointer(MISSING_BIN) + (<usize>feature << 2));
  const hasMissing = nextBin(scratch, missing) == missing;
  if (int(FOREST_RANDOM_CUTS) != 0) {
    const low = nextBin(scratch, 0);
    let high = low;
    for (let bin = low; bin < missing; bin = nextBin(scratch, bin + 1)) high = bin;
    const choices = high - low + (hasMissing ? 1 : 0);
    if (choices <= 0) return best;
    const cut = low + <i32>(hash2(seed, 1) % <u32>choices);
    const nanLeft = hasMissing && cut < high && (hash2(seed, 2) & 1) != 0;
    return searchCuts(feature, sum, least, scratch, node, best, cut, nanLeft, missing, hasMissing);
  }
  let better = searchCuts(feature, sum, least, scratch, node, best, -1, false, missing, hasMissing);
  if (hasMissing) better = searchCuts(feature, sum, least, scratch, node, better, -1, true, missing, true);
  return better;
}

/** All cuts of a numeric feature, or only `wanted`. */
function searchCuts(
  feature: i32,
  sum: i64,
  least: f64,
  scratch: usize,
  node: usize,
  best: f64,
  wanted: i32,
  nanLeft: bool,
  missing: i32,
  hasMissing: bool,
): f64 {
  const classes = int(FOREST_CLASSES);
  const entropy = int(FOREST_ENTROPY) != 0;
  const histogram = scratch + 64;
  const allWeight = weightOf(sum);
  const allValue = valueOf(sum);
  let leftWeight: f64 = 0;
  let left: i64 = 0;
  if (classes > 1) memory.fill(leftSums(scratch), 0, <usize>classes << 3);
  if (nanLeft) {
    if (classes > 1) leftWeight = addClasses(scratch, missing);
    else left = load<i64>(histogram + (<usize>missing << 3));
  }
  let chosen = -1;
  let chosenWeight: f64 = 0;
  for (let bin = nextBin(scratch, 0); bin < missing; bin = nextBin(scratch, bin + 1)) {
    if (wanted >= 0 && bin > wanted) break;
    if (classes > 1) leftWeight += addClasses(scratch, bin);
    else {
      left += load<i64>(histogram + (<usize>bin << 3));
      leftWeight = weightOf(left);
    }
    if (wanted >= 0 && nextBin(scratch, bin + 1) <= wanted) continue;
    if (leftWeight < least) continue;
    const rightWeight = allWeight - leftWeight;
    if (rightWeight < least || rightWeight <= 0) break;
    const score =
      classes > 1
        ? classScore(scratch, leftWeight, rightWeight)
        : sideScore(valueOf(left), leftWeight, entropy) +
          sideScore(allValue - valueOf(left), rightWeight, entropy);
    if (score > best) {
      best = score;
      chosen = wanted >= 0 ? wanted : bin;
      chosenWeight = leftWeight;
    }
  }
  if (chosen < 0) return best;
  const goesLeft = hasMissing ? nanLeft : chosenWeight * 2 > allWeight;
  store<i32>(node, feature);
  store<i32>(node, chosen, 4);
  store<i32>(node, goesLeft ? missing : -1, 16);
  store<i32>(node, 0, 20);
  return best;
}

/** Up to this many categories are split one against the rest: in small nodes their order is mostly noise. */
const FEW_CATEGORIES: i32 = 16;

/**
 * Few categories one against the rest; many sorted by mean value (or share of the node's most frequent class) and cut;
 * or a random set of them.
 */
function searchCategories(
  feature: i32,
  sum: i64,
  least: f64,
  seed: u32,
  scratch: usize,
  node: usize,
  best: f64,
): f64 {
  const classes = int(FOREST_CLASSES);
  const entropy = int(FOREST_ENTROPY) != 0;
  const random = int(FOREST_RANDOM_CUTS) != 0;
  const histogram = scratch + 64;
  const keys = tailOf(scratch) + (<usize>classes << 4);
  const order = keys + 2048;
  const top = classes > 1 ? mostFrequent(scratch) : 0;
  const bins = load<i32>(pointer(VALUE_BINS) + (<usize>feature << 2));
  let used = 0;
  for (let bin = nextBin(scratch, 1); bin < bins; bin = nextBin(scratch, bin + 1)) {
    let key: f64;
    if (random) key = <f64>hash2(seed, <u32>bin);
    else if (classes > 1) key = classShare(scratch, bin, top);
    else {
      const entry = load<i64>(histogram + (<usize>bin << 3));
      key = valueOf(entry) / weightOf(entry);
    }
    let at = used++;
    while (at > 0 && load<f64>(keys + (<usize>(at - 1) << 3)) > key) {
      store<f64>(keys + (<usize>at << 3), load<f64>(keys + (<usize>(at - 1) << 3)));
      store<i32>(order + (<usize>at << 2), load<i32>(order + (<usize>(at - 1) << 2)));
      at--;
    }
    store<f64>(keys + (<usize>at << 3), key);
    store<i32>(order + (<usize>at << 2), bin);
  }
  const hasOther = nextBin(scratch, 0) == 0;
  const single = !random && used <= FEW_CATEGORIES;
  const choices = used - (hasOther || single ? 0 : 1);
  if (choices <= 0) return best;
  // random keys and a random cut: a random set of a random size
  const wanted = random ? <i32>(hash2(seed, 0xfffffff1) % <u32>choices) : -1;
  const allWeight = weightOf(sum);
  const allValue = valueOf(sum);
  if (classes > 1) memory.fill(leftSums(scratch), 0, <usize>classes << 3);
  let left: i64 = 0;
  let leftWeight: f64 = 0;
  let chosen = -1;
  for (let rank = 0; rank < choices; rank++) {
    const bin = load<i32>(order + (<usize>rank << 2));
    if (single) {
      left = 0;
      leftWeight = 0;
      if (classes > 1) memory.fill(leftSums(scratch), 0, <usize>classes << 3);
    }
    if (classes > 1) leftWeight += addClasses(scratch, bin);
    else {
      left += load<i64>(histogram + (<usize>bin << 3));
      leftWeight = weightOf(left);
    }
    if (random && rank < wanted) continue;
    const rightWeight = allWeight - leftWeight;
    if (leftWeight >= least && rightWeight >= least && rightWeight > 0) {
      const score =
        classes > 1
          ? classScore(scratch, leftWeight, rightWeight)
          : sideScore(valueOf(left), leftWeight, entropy) +
            sideScore(allValue - valueOf(left), rightWeight, entropy);
      if (score > best) {
        best = score;
        chosen = rank;
      }
    }
    if (random) break;
  }
  if (chosen < 0) return best;
  store<i32>(node, feature);
  store<i32>(node, 0, 4);
  store<i32>(node, -1, 16);
  store<i32>(node, 1, 20);
  memory.fill(node + 48, 0, 32);
  for (let rank = single ? chosen : 0; rank <= chosen; rank++) {
    const bin = load<i32>(order + (<usize>rank << 2));
    const word = node + 48 + (<usize>(bin >> 5) << 2);
    store<u32>(word, load<u32>(word) | (<u32>1 << (bin & 31)));
  }
  return best;
}

/** The class with the largest total, which lies next to the left sums. */
function mostFrequent(scratch: usize): i32 {
  const classes = int(FOREST_CLASSES);
  const all = leftSums(scratch) + (<usize>classes << 3);
  let top = 0;
  for (let k = 1; k < classes; k++) {
    if (load<f64>(all + (<usize>k << 3)) > load<f64>(all + (<usize>top << 3))) top = k;
  }
  return top;
}

function classShare(scratch: usize, bin: i32, top: i32): f64 {
  const classes = int(FOREST_CLASSES);
  const from = scratch + 64 + ((<usize>bin * <usize>classes) << 2);
  let total: f64 = 0;
  for (let k = 0; k < classes; k++) total += <f64>load<u32>(from + (<usize>k << 2));
  return <f64>load<u32>(from + (<usize>top << 2)) / total;
}
