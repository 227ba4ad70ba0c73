// Histograms: for every feature and bin the sum of the packed gradients of a leaf's rows.
import {
  LOCAL_DIRTY,
  LOCAL_HISTOGRAMS,
  LOCAL_HISTOGRAM_BYTES,
  PACKED,
  PANELS,
  PANEL_COUNT,
  PANEL_LANES,
} from "./layout";
import { int, pointer } from "./context";

// Offsets of loads and stores must be literals to become part of the instruction: hence one function per four lanes.

@inline
function lanes0(histogram: usize, row: usize, value: i64): void {
  const a = histogram + (<usize>load<u8>(row) << 3);
  store<i64>(a, load<i64>(a) + value);
  const b = histogram + (<usize>load<u8>(row, 1) << 3);
  store<i64>(b, load<i64>(b, 2048) + value, 2048);
  const c = histogram + (<usize>load<u8>(row, 2) << 3);
  store<i64>(c, load<i64>(c, 4096) + value, 4096);
  const d = histogram + (<usize>load<u8>(row, 3) << 3);
  store<i64>(d, load<i64>(d, 6144) + value, 6144);
}

@inline
function lanes4(histogram: usize, row: usize, value: i64): void {
  const a = histogram + (<usize>load<u8>(row, 4) << 3);
  store<i64>(a, load<i64>(a, 8192) + value, 8192);
  const b = histogram + (<usize>load<u8>(row, 5) << 3);
  store<i64>(b, load<i64>(b, 10240) + value, 10240);
  const c = histogram + (<usize>load<u8>(row, 6) << 3);
  store<i64>(c, load<i64>(c, 12288) + value, 12288);
  const d = histogram + (<usize>load<u8>(row, 7) << 3);
  store<i64>(d, load<i64>(d, 14336) + value, 14336);
}

@inline
function lanes8(histogram: usize, row: usize, value: i64): void {
  const a = histogram + (<usize>load<u8>(row, 8) << 3);
  store<i64>(a, load<i64>(a, 16384) + value, 16384);
  const b = histogram + (<usize>load<u8>(row, 9) << 3);
  store<i64>(b, load<i64>(b, 18432) + value, 18432);
  const c = histogram + (<usize>load<u8>(row, 10) << 3);
  store<i64>(c, load<i64>(c, 20480) + value, 20480);
  const d = histogram + (<usize>load<u8>(row, 11) << 3);
  store<i64>(d, load<i64>(d, 22528) + value, 22528);
}

@inline
function lanes12(histogram: usize, row: usize, value: i64): void {
  const a = histogram + (<usize>load<u8>(row, 12) << 3);
  store<i64>(a, load<i64>(a, 24576) + value, 24576);
  const b = histogram + (<usize>load<u8>(row, 13) << 3);
  store<i64>(b, load<i64>(b, 26624) + value, 26624);
  const c = histogram + (<usize>load<u8>(row, 14) << 3);
  store<i64>(c, load<i64>(c, 28672) + value, 28672);
  const d = histogram + (<usize>load<u8>(row, 15) << 3);
  store<i64>(d, load<i64>(d, 30720) + value, 30720);
}

function first16(panel: usize, stride: usize, from: usize, to: usize, packed: usize, histogram: usize): void {
  for (let at = from; at < to; at += 4) {
    const index = <usize>load<u32>(at);
    const value = load<i64>(packed + (index << 3));
    const row = panel + index * stride;
    lanes0(histogram, row, value);
    lanes4(histogram, row, value);
    lanes8(histogram, row, value);
    lanes12(histogram, row, value);
  }
}

function first12(panel: usize, stride: usize, from: usize, to: usize, packed: usize, histogram: usize): void {
  for (let at = from; at < to; at += 4) {
    const index = <usize>load<u32>(at);
    const value = load<i64>(packed + (index << 3));
    const row = panel + index * stride;
    lanes0(histogram, row, value);
    lanes4(histogram, row, value);
    lanes8(histogram, row, value);
  }
}

function first8(panel: usize, stride: usize, from: usize, to: usize, packed: usize, histogram: usize): void {
  for (let at = from; at < to; at += 4) {
    const index = <usize>load<u32>(at);
    const value = load<i64>(packed + (index << 3));
    const row = panel + index * stride;
    lanes0(histogram, row, value);
    lanes4(histogram, row, value);
  }
}

function first4(panel: usize, stride: usize, from: usize, to: usize, packed: usize, histogram: usize): void {
  for (let at = from; at < to; at += 4) {
    const index = <usize>load<u32>(at);
    const value = load<i64>(packed + (index << 3));
    lanes0(histogram, panel + index * stride, value);
  }
}

@inline
function addTo(histogram: usize, bin: usize, value: i64): void {
  const entry = histogram + (<usize>load<u8>(bin) << 3);
  store<i64>(entry, load<i64>(entry) + value);
}

/** Six lanes chosen at run time (for trees that see only some of the features). */
function six(panel: usize, stride: usize, from: usize, to: usize, packed: usize, histogram: usize, lanes: usize): void {
  const a = <usize>load<u8>(lanes, 0);
  const b = <usize>load<u8>(lanes, 1);
  const c = <usize>load<u8>(lanes, 2);
  const d = <usize>load<u8>(lanes, 3);
  const e = <usize>load<u8>(lanes, 4);
  const f = <usize>load<u8>(lanes, 5);
  for (let at = from; at < to; at += 4) {
    const index = <usize>load<u32>(at);
    const value = load<i64>(packed + (index << 3));
    const row = panel + index * stride;
    addTo(histogram + (a << 11), row + a, value);
    addTo(histogram + (b << 11), row + b, value);
    addTo(histogram + (c << 11), row + c, value);
    addTo(histogram + (d << 11), row + d, value);
    addTo(histogram + (e << 11), row + e, value);
    addTo(histogram + (f << 11), row + f, value);
  }
}

function two(panel: usize, stride: usize, from: usize, to: usize, packed: usize, histogram: usize, lanes: usize): void {
  const a = <usize>load<u8>(lanes, 0);
  const b = <usize>load<u8>(lanes, 1);
  for (let at = from; at < to; at += 4) {
    const index = <usize>load<u32>(at);
    const value = load<i64>(packed + (index << 3));
    const row = panel + index * stride;
    addTo(histogram + (a << 11), row + a, value);
    addTo(histogram + (b << 11), row + b, value);
  }
}

function one(panel: usize, stride: usize, from: usize, to: usize, packed: usize, histogram: usize, lanes: usize): void {
  const a = <usize>load<u8>(lanes);
  const column = panel + a;
  const target = histogram + (a << 11);
  for (let at = from; at < to; at += 4) {
    const index = <usize>load<u32>(at);
    addTo(target, column + index * stride, load<i64>(packed + (index << 3)));
  }
}

/** Rows per block: few enough that what `touch` loads is still in the cache when it is used. */
const BLOCK: usize = 512 * 4;

/**
 * Loads the cache lines of rows that lie far apart: many loads are under way at once here, few are in the loops that
 * add. The result only keeps the loads alive.
 */
function touch(panel: usize, stride: usize, from: usize, to: usize, packed: usize): i32 {
  let all = 0;
  for (let at = from; at < to; at += 4) {
    const index = <usize>load<u32>(at);
    all |= load<i32>(packed + (index << 3)) | load<i32>(panel + index * stride);
  }
  return all;
}

/** Adds the rows whose numbers stand at [from, to) to the accumulators of `thread`. @returns nothing of meaning */
export function accumulate(from: usize, to: usize, thread: i32): i32 {
  if (from >= to) return 0;
  store<i32>(pointer(LOCAL_DIRTY) + (<usize>thread << 2), 1);
  const packed = pointer(PACKED);
  const histogram = pointer(LOCAL_HISTOGRAMS) + <usize>thread * pointer(LOCAL_HISTOGRAM_BYTES);
  const span = load<u32>(to - 4) - load<u32>(from);
  if (span < <u32>(to - from)) {
    addBlock(from, to, packed, histogram, false);
    return 0;
  }
  let all = 0;
  for (let at = from; at < to; at += BLOCK) {
    all |= addBlock(at, min<usize>(at + BLOCK, to), packed, histogram, true);
  }
  return all;
}

function addBlock(from: usize, to: usize, packed: usize, histogram: usize, sparse: bool): i32 {
  const panels = int(PANEL_COUNT);
  let place = pointer(PANELS);
  let lanes = pointer(PANEL_LANES);
  let all = 0;
  for (let p = 0; p < panels; p++) {
    const panel = <usize>load<u32>(place);
    const stride = <usize>load<u32>(place, 4);
    let count = <i32>load<u8>(lanes, 0);
    if (sparse && (p & 3) == 0) all |= touch(panel, stride, from, to, packed);
    if (load<u8>(lanes, 1) != 0) {
      if (count > 12) first16(panel, stride, from, to, packed, histogram);
      else if (count > 8) first12(panel, stride, from, to, packed, histogram);
      else if (count > 4) first8(panel, stride, from, to, packed, histogram);
      else if (count > 0) first4(panel, stride, from, to, packed, histogram);
    } else {
      let lane = lanes + 4;
      while (count >= 6) {
        six(panel, stride, from, to, packed, histogram, lane);
        lane += 6;
        count -= 6;
      }
      while (count >= 2) {
        two(panel, stride, from, to, packed, histogram, lane);
        lane += 2;
        count -= 2;
      }
      if (count > 0) one(panel, stride, from, to, packed, histogram, lane);
    }
    place += 8;
    histogram += 32768;
    lanes += 20;
  }
  return all;
}
