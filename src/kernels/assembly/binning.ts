// Bins: quantile thresholds of a column, and the bin of every value.
import { ARG_0, ARG_1, ARG_2, ARG_3, ARG_4, ARG_5, ARG_6, ARG_7, JOB_BIN, JOB_SKETCH, STREAM_CHUNK } from "./layout";
import { int, setInt } from "./context";
import { runJob } from "./team";

/**
 * Thresholds of several numeric columns at once.
 *
 * Per column `stride` bytes at `samples`: f32 values [count], then room for twice as many words. Results per column
 * at `results`, 1056 bytes each: i32 number of thresholds, then at +32 the thresholds (f32 [256], ascending).
 */
export function sketch(samples: usize, stride: usize, count: i32, columns: i32, maxBins: i32, results: usize): void {
  setInt(ARG_0, <i32>samples);
  setInt(ARG_1, <i32>stride);
  setInt(ARG_2, count);
  setInt(ARG_3, maxBins);
  setInt(ARG_4, <i32>results);
  runJob(JOB_SKETCH, columns);
}

/** Order-preserving word of a float. */
@inline
function keyOf(x: f32): u32 {
  const bits = reinterpret<u32>(x + 0);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000;
}

@inline
function valueOf(key: u32): f32 {
  return reinterpret<f32>(key >> 31 != 0 ? key & 0x7fffffff : ~key);
}

/** Sorts words by three passes of eleven bits. @returns where the sorted words lie */
function radixSort(keys: usize, spare: usize, count: i32, counters: usize): usize {
  let from = keys;
  let to = spare;
  for (let pass = 0; pass < 3; pass++) {
    const shift = pass * 11;
    memory.fill(counters, 0, 8192);
    for (let i = 0; i < count; i++) {
      const digit = counters + <usize>(((load<u32>(from + (<usize>i << 2)) >>> shift) & 2047) << 2);
      store<u32>(digit, load<u32>(digit) + 1);
    }
    let sum: u32 = 0;
    for (let d: usize = 0; d < 8192; d += 4) {
      const n = load<u32>(counters + d);
      store<u32>(counters + d, sum);
      sum += n;
    }
    for (let i = 0; i < count; i++) {
      const key = load<u32>(from + (<usize>i << 2));
      const digit = counters + <usize>(((key >>> shift) & 2047) << 2);
      const place = load<u32>(digit);
      store<u32>(digit, place + 1);
      store<u32>(to + (<usize>place << 2), key);
    }
    const held = from;
    from = to;
    to = held;
  }
  return from;
}

const LARGEST: f32 = f32.MAX_VALUE;

/** A threshold t with a ≤ t < b, as near to the middle as float32 allows, finite. */
function between(a: f32, b: f32): f32 {
  if (a == -f32.POSITIVE_INFINITY) return -LARGEST < b ? -LARGEST : a;
  if (b == f32.POSITIVE_INFINITY) return LARGEST;
  const middle = <f32>((<f64>a + <f64>b) * 0.5);
  return middle < b ? middle : a;
}

export function sketchTask(task: i32): void {
  const count = int(ARG_2);
  const maxBins = int(ARG_3);
  const samples = <usize>int(ARG_0) + <usize>task * <usize>int(ARG_1);
  const result = <usize>int(ARG_4) + <usize>task * 1056;
  const thresholds = result + 32;
  const keys = samples + (<usize>count << 2);
  const counters = samples + <usize>count * 12;
  let used = 0;
  for (let i = 0; i < count; i++) {
    const x = load<f32>(samples + (<usize>i << 2));
    store<u32>(keys + (<usize>used << 2), keyOf(x));
    used += x == x ? 1 : 0;
  }
  const sorted = radixSort(keys, samples, used, counters);
  let distinct = 0;
  for (let i = 0; i < used; i++) {
    if (i == 0 || load<u32>(sorted + (<usize>i << 2)) != load<u32>(sorted + (<usize>(i - 1) << 2))) distinct++;
  }
  let made = 0;
  let previous: u32 = 0;
  if (distinct <= maxBins) {
    for (let i = 0; i < used; i++) {
      const key = load<u32>(sorted + (<usize>i << 2));
      if (i > 0 && key != previous) {
        store<f32>(thresholds + (<usize>made << 2), between(valueOf(previous), valueOf(key)));
        made++;
      }
      previous = key;
    }
    store<i32>(result, made);
    return;
  }
  // values that fill a bin alone get one; the others share the rest evenly
  const fair = <f64>used / <f64>maxBins;
  let bigRows = 0;
  let bigs = 0;
  let at = 0;
  while (at < used) {
    const next = runEnd(sorted, at, used);
    if (<f64>(next - at) >= fair) {
      bigs++;
      bigRows += next - at;
    }
    at = next;
  }
  let restRows = used - bigRows;
  let restBins = maxBins - bigs;
  let mean = <f64>restRows / <f64>max<i32>(restBins, 1);
  let filled = 0;
  at = 0;
  while (at < used && made < maxBins - 1) {
    const next = runEnd(sorted, at, used);
    if (next >= used) break;
    const size = next - at;
    const big = <f64>size >= fair;
    filled += size;
    if (!big) restRows -= size;
    const after = runEnd(sorted, next, used);
    const nextBig = <f64>(after - next) >= fair;
    if (big || <f64>filled >= mean || (nextBig && <f64>filled >= max<f64>(1, mean * 0.5))) {
      store<f32>(
        thresholds + (<usize>made << 2),
        between(valueOf(load<u32>(sorted + (<usize>at << 2))), valueOf(load<u32>(sorted + (<usize>next << 2)))),
      );
      made++;
      filled = 0;
      if (!big) {
        restBins--;
        mean = <f64>restRows / <f64>max<i32>(restBins, 1);
      }
    }
    at = next;
  }
  store<i32>(result, made);
}

function runEnd(sorted: usize, from: i32, end: i32): i32 {
  const key = load<u32>(sorted + (<usize>from << 2));
  let at = from + 1;
  while (at < end && load<u32>(sorted + (<usize>at << 2)) == key) at++;
  return at;
}

/**
 * Writes the bins of one column.
 *
 * @param values f32 [rows]
 * @param table thresholds f32 [256] padded with +∞; or of a categorical column u8 bins by code
 * @param codes number of codes of a categorical column, 0 for a numeric one
 * @param missing bin of NaN
 * @param stride bytes from one row's bin to the next
 * @param column a second place for the bins, one byte apart, or 0
 */
export function binColumn(
  values: usize,
  rows: i32,
  table: usize,
  codes: i32,
  missing: i32,
  target: usize,
  stride: i32,
  column: usize,
): void {
  setInt(ARG_0, <i32>values);
  setInt(ARG_1, rows);
  setInt(ARG_2, <i32>table);
  setInt(ARG_3, codes);
  setInt(ARG_4, missing);
  setInt(ARG_5, <i32>target);
  setInt(ARG_6, stride);
  setInt(ARG_7, <i32>column);
  runJob(JOB_BIN, (rows + STREAM_CHUNK - 1) / STREAM_CHUNK);
}

@inline
function step(table: usize, position: usize, size: usize, x: f32): usize {
  return position + (load<f32>(table + ((position + size - 1) << 2)) < x ? size : 0);
}

export function binTask(task: i32): void {
  const values = <usize>int(ARG_0);
  const table = <usize>int(ARG_2);
  const codes = int(ARG_3);
  const missing = <u32>int(ARG_4);
  const stride = <usize>int(ARG_6);
  const from = task * STREAM_CHUNK;
  const to = min<i32>(from + STREAM_CHUNK, int(ARG_1));
  let target = <usize>int(ARG_5) + <usize>from * stride;
  const column = <usize>int(ARG_7);
  if (codes > 0) {
    for (let i = from; i < to; i++) {
      const x = load<f32>(values + (<usize>i << 2));
      const code = x >= 0 && x < <f32>codes ? <usize>x : 0;
      const bin = load<u8>(table + code);
      store<u8>(target, bin);
      if (column != 0) store<u8>(column + <usize>i, bin);
      target += stride;
    }
    return;
  }
  for (let i = from; i < to; i++) {
    const x = load<f32>(values + (<usize>i << 2));
    let p: usize = 0;
    p = step(table, p, 128, x);
    p = step(table, p, 64, x);
    p = step(table, p, 32, x);
    p = step(table, p, 16, x);
    p = step(table, p, 8, x);
    p = step(table, p, 4, x);
    p = step(table, p, 2, x);
    p = step(table, p, 1, x);
    const bin = <u8>(x == x ? <u32>p : missing);
    store<u8>(target, bin);
    if (column != 0) store<u8>(column + <usize>i, bin);
    target += stride;
  }
}
