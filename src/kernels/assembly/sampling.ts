// The rows a tree sees: bagging by a hash of (seed, row), and gradient-based one-side sampling
// (Ke et al. 2017, https://papers.nips.cc/paper/6907).
import {
  BAG_ROWS,
  GRADIENTS,
  HESSIANS,
  IN_BAG,
  ORDER,
  ROWS,
} from "./layout";
import { hash2, int, pointer, setInt } from "./context";

/** Fills IN_BAG and ORDER with about `fraction` of the rows. @returns number of rows drawn, at least one */
export function sampleRows(seed: i32, fraction: f64): i32 {
  const rows = int(ROWS);
  const inBag = pointer(IN_BAG);
  const order = pointer(ORDER);
  const limit = <u32>min<f64>(fraction * 4294967296.0, 4294967295.0);
  let used = 0;
  for (let row = 0; row < rows; row++) {
    const drawn = hash2(<u32>seed, <u32>row) < limit ? 1 : 0;
    store<u8>(inBag + <usize>row, drawn);
    store<u32>(order + (<usize>used << 2), row);
    used += drawn;
  }
  if (used == 0) {
    const row = <usize>(hash2(<u32>seed, 0xffffffff) % <u32>rows);
    store<u8>(inBag + row, 1);
    store<u32>(order, <u32>row);
    used = 1;
  }
  setInt(BAG_ROWS, used);
  return used;
}

@inline
function magnitude(gradients: usize, hessians: usize, row: usize): f32 {
  return abs<f32>(load<f32>(gradients + (row << 2))) * load<f32>(hessians + (row << 2));
}

/**
 * Keeps the `top` fraction of rows with the largest |g·h| and a random fraction `other` of all rows from the rest,
 * whose gradients and hessians it multiplies by (1 − top) / other.
 *
 * @param counters 256 KiB of scratch
 */
export function sampleOneSide(seed: i32, top: f64, other: f64, counters: usize): i32 {
  const rows = int(ROWS);
  const inBag = pointer(IN_BAG);
  const order = pointer(ORDER);
  const gradients = pointer(GRADIENTS);
  const hessians = pointer(HESSIANS);
  memory.fill(counters, 0, 262144);
  for (let row = 0; row < rows; row++) {
    const bucket = reinterpret<u32>(magnitude(gradients, hessians, <usize>row)) >>> 15;
    const at = counters + <usize>(bucket << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  const wanted = <i32>max<f64>(1, <f64>rows * top);
  let above = 0;
  let edge = 65535;
  while (edge > 0 && above + <i32>load<u32>(counters + <usize>(edge << 2)) < wanted) {
    above += <i32>load<u32>(counters + <usize>(edge << 2));
    edge--;
  }
  const inEdge = <i32>load<u32>(counters + <usize>(edge << 2));
  const edgeShare = inEdge > 0 ? <f64>(wanted - above) / <f64>inEdge : 0;
  const edgeLimit = <u32>min<f64>(edgeShare * 4294967296.0, 4294967295.0);
  const otherLimit = <u32>min<f64>((other / (1 - top)) * 4294967296.0, 4294967295.0);
  const factor = <f32>((1 - top) / other);
  let used = 0;
  for (let row = 0; row < rows; row++) {
    const bucket = <i32>(reinterpret<u32>(magnitude(gradients, hessians, <usize>row)) >>> 15);
    let drawn = bucket > edge || (bucket == edge && hash2(<u32>seed ^ 0x5bd1e995, <u32>row) < edgeLimit);
    if (!drawn && hash2(<u32>seed, <u32>row) < otherLimit) {
      drawn = true;
      const at = <usize>row << 2;
      store<f32>(gradients + at, load<f32>(gradients + at) * factor);
      store<f32>(hessians + at, load<f32>(hessians + at) * factor);
    }
    store<u8>(inBag + <usize>row, drawn ? 1 : 0);
    store<u32>(order + (<usize>used << 2), row);
    used += drawn ? 1 : 0;
  }
  setInt(BAG_ROWS, used);
  return used;
}
