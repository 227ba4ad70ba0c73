// Gradients and hessians of the objectives, four rows at a time, and their quantisation.
import {
  ARG_0,
  CONSTANT_HESSIAN,
  GRADIENTS,
  GRADIENT_SCALE,
  HESSIANS,
  HESSIAN_SCALE,
  HUBER,
  JOB_GRADIENTS,
  JOB_LOG_SUM,
  JOB_QUANTISE,
  LOGISTIC,
  LOG_SUM,
  OBJECTIVE,
  OBJECTIVE_PARAMETER,
  ORDER,
  OUTPUT,
  OUTPUTS,
  PACKED,
  PADDED_ROWS,
  PARTIAL_SUMS,
  POISSON,
  QUANTILE,
  ABSOLUTE,
  ROWS,
  SCORES,
  SOFTMAX,
  SQUARED,
  STREAM_CHUNK,
  TARGETS,
  TREE_SEED,
  TWEEDIE,
  WEIGHTS,
} from "./layout";
import { int, pointer, real, setInt, setReal } from "./context";
import { runJob } from "./team";

@inline
function splat(x: f64): v128 {
  return f32x4.splat(<f32>x);
}

/** e^x, relative error below 3e-7: x = n ln 2 + r, a polynomial of degree 6 in r. */
@inline
function exponential(x: v128): v128 {
  const bounded = f32x4.min(f32x4.max(x, splat(-87)), splat(88));
  const n = f32x4.nearest(f32x4.mul(bounded, splat(1.44269504088896341)));
  let r = f32x4.sub(bounded, f32x4.mul(n, splat(0.693359375)));
  r = f32x4.add(r, f32x4.mul(n, splat(2.12194440e-4)));
  let p = splat(1 / 5040.0);
  p = f32x4.add(f32x4.mul(p, r), splat(1 / 720.0));
  p = f32x4.add(f32x4.mul(p, r), splat(1 / 120.0));
  p = f32x4.add(f32x4.mul(p, r), splat(1 / 24.0));
  p = f32x4.add(f32x4.mul(p, r), splat(1 / 6.0));
  p = f32x4.add(f32x4.mul(p, r), splat(0.5));
  p = f32x4.add(f32x4.mul(p, r), splat(1));
  p = f32x4.add(f32x4.mul(p, r), splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

/** Computes GRADIENTS and HESSIANS for output OUTPUT, and from their sums the scales of the quantisation. */
export function computeGradients(amplification: f64): void {
  const rows = int(ROWS);
  const chunks = (rows + STREAM_CHUNK - 1) / STREAM_CHUNK;
  runJob(JOB_GRADIENTS, chunks);
  let gradients: f64 = 0;
  let hessians: f64 = 0;
  const sums = pointer(PARTIAL_SUMS);
  for (let c = 0; c < chunks; c++) {
    gradients += load<f64>(sums + (<usize>c << 4));
    hessians += load<f64>(sums + (<usize>c << 4), 8);
  }
  const room = <f64>rows * 1.01 + 16;
  const gradientLimit = (2147483647.0 - room) * 0.998;
  const hessianLimit = (4294967295.0 - room) * 0.998;
  const g = gradients * amplification;
  const h = hessians * amplification;
  setReal(GRADIENT_SCALE, g > 0 ? min<f64>(gradientLimit / g, 1e12) : 1);
  setReal(HESSIAN_SCALE, int(CONSTANT_HESSIAN) != 0 ? 1 : h > 0 ? min<f64>(hessianLimit / h, 1e12) : 1);
}

export function gradientsTask(task: i32): void {
  const from = <usize>(task * STREAM_CHUNK);
  const to = <usize>min<i32>(<i32>from + STREAM_CHUNK, (int(ROWS) + 3) & ~3);
  const objective = int(OBJECTIVE);
  const padded = <usize>int(PADDED_ROWS);
  const output = <usize>int(OUTPUT);
  const scores = pointer(SCORES) + ((output * padded) << 2);
  const targets = pointer(TARGETS);
  const weights = pointer(WEIGHTS);
  const gradients = pointer(GRADIENTS);
  const hessians = pointer(HESSIANS);
  const maxima = pointer(LOG_SUM);
  const inverses = maxima + (padded << 2);
  const parameter = real(OBJECTIVE_PARAMETER);
  const one = splat(1);
  const tiny = splat(1e-16);
  const constant = int(CONSTANT_HESSIAN) != 0;
  let gradientSum = splat(0);
  let hessianSum = splat(0);
  for (let i = from; i < to; i += 4) {
    const at = i << 2;
    const s = v128.load(scores + at);
    const y = v128.load(targets + at);
    let g: v128;
    let h = one;
    if (objective == LOGISTIC) {
      const p = f32x4.div(one, f32x4.add(one, exponential(f32x4.neg(s))));
      g = f32x4.sub(p, y);
      h = f32x4.max(f32x4.mul(p, f32x4.sub(one, p)), tiny);
    } else if (objective == SOFTMAX) {
      const p = f32x4.mul(exponential(f32x4.sub(s, v128.load(maxima + at))), v128.load(inverses + at));
      const hit = v128.and(f32x4.eq(y, f32x4.splat(<f32>output)), one);
      g = f32x4.sub(p, hit);
      h = f32x4.max(f32x4.mul(splat(parameter), f32x4.mul(p, f32x4.sub(one, p))), tiny);
    } else if (objective == SQUARED) {
      g = f32x4.sub(s, y);
    } else if (objective == ABSOLUTE) {
      const d = f32x4.sub(s, y);
      g = f32x4.sub(v128.and(f32x4.gt(d, splat(0)), one), v128.and(f32x4.lt(d, splat(0)), one));
    } else if (objective == HUBER) {
      g = f32x4.max(f32x4.min(f32x4.sub(s, y), splat(parameter)), splat(-parameter));
    } else if (objective == QUANTILE) {
      const above = f32x4.ge(s, y);
      g = v128.bitselect(splat(1 - parameter), splat(-parameter), above);
    } else if (objective == POISSON) {
      const e = exponential(s);
      g = f32x4.sub(e, y);
      h = f32x4.max(e, tiny);
    } else if (objective == TWEEDIE) {
      const low = f32x4.mul(y, exponential(f32x4.mul(splat(1 - parameter), s)));
      const high = exponential(f32x4.mul(splat(2 - parameter), s));
      g = f32x4.sub(high, low);
      h = f32x4.max(
        f32x4.add(f32x4.mul(splat(2 - parameter), high), f32x4.mul(splat(parameter - 1), low)),
        tiny,
      );
    } else {
      const ratio = f32x4.mul(y, exponential(f32x4.neg(s)));
      g = f32x4.sub(one, ratio);
      h = f32x4.max(ratio, tiny);
    }
    if (weights != 0) {
      const w = v128.load(weights + at);
      g = f32x4.mul(g, w);
      h = f32x4.mul(h, w);
    }
    v128.store(gradients + at, g);
    if (!constant) v128.store(hessians + at, h);
    gradientSum = f32x4.add(gradientSum, f32x4.abs(g));
    hessianSum = f32x4.add(hessianSum, h);
  }
  const sums = pointer(PARTIAL_SUMS) + (<usize>task << 4);
  store<f64>(sums, total(gradientSum));
  store<f64>(sums, total(hessianSum), 8);
}

@inline
function total(x: v128): f64 {
  return (
    <f64>f32x4.extract_lane(x, 0) +
    <f64>f32x4.extract_lane(x, 1) +
    <f64>f32x4.extract_lane(x, 2) +
    <f64>f32x4.extract_lane(x, 3)
  );
}

/** Quantises into PACKED; with `identity` also resets ORDER to all rows. */
export function quantise(identity: i32): void {
  setInt(ARG_0, identity);
  runJob(JOB_QUANTISE, (int(ROWS) + STREAM_CHUNK - 1) / STREAM_CHUNK);
}

/** A uniform number in [0, 1) per row from the tree's seed: rounding up with the probability of the fraction. */
@inline
function dither(rows: v128, seed: v128): v128 {
  let x = i32x4.mul(v128.xor(rows, seed), i32x4.splat(<i32>0x9e3779b1));
  x = v128.xor(x, i32x4.shr_u(x, 15));
  x = i32x4.mul(x, i32x4.splat(<i32>0x85ebca77));
  return v128.xor(x, i32x4.shr_u(x, 13));
}

export function quantiseTask(task: i32): void {
  const from = <usize>(task * STREAM_CHUNK);
  const to = <usize>min<i32>(<i32>from + STREAM_CHUNK, (int(ROWS) + 3) & ~3);
  const gradients = pointer(GRADIENTS);
  const hessians = pointer(HESSIANS);
  const packed = pointer(PACKED);
  const order = pointer(ORDER);
  const identity = int(ARG_0) != 0;
  const constant = int(CONSTANT_HESSIAN) != 0;
  const gradientScale = splat(real(GRADIENT_SCALE));
  const hessianScale = splat(real(HESSIAN_SCALE));
  const seed = i32x4.splat(int(TREE_SEED));
  const unit = splat(1 / 65536.0);
  const low = i32x4.splat(65535);
  const ones = i32x4.splat(1);
  let rows = i32x4.add(i32x4.splat(<i32>from), i32x4(0, 1, 2, 3));
  const four = i32x4.splat(4);
  for (let i = from; i < to; i += 4) {
    const random = dither(rows, seed);
    const u = f32x4.mul(f32x4.convert_i32x4_s(v128.and(random, low)), unit);
    const g = i32x4.trunc_sat_f32x4_s(
      f32x4.floor(f32x4.add(f32x4.mul(v128.load(gradients + (i << 2)), gradientScale), u)),
    );
    let h = ones;
    if (!constant) {
      const v = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(random, 16)), unit);
      h = i32x4.trunc_sat_f32x4_u(
        f32x4.floor(f32x4.add(f32x4.mul(v128.load(hessians + (i << 2)), hessianScale), v)),
      );
    }
    v128.store(packed + (i << 3), v128.shuffle<i32>(h, g, 0, 4, 1, 5));
    v128.store(packed + (i << 3), v128.shuffle<i32>(h, g, 2, 6, 3, 7), 16);
    if (identity) v128.store(order + (i << 2), rows);
    rows = i32x4.add(rows, four);
  }
}

/** Largest score and inverse of Σ e^(score − largest) of every row, for the softmax. */
export function computeLogSums(): void {
  runJob(JOB_LOG_SUM, (int(ROWS) + STREAM_CHUNK - 1) / STREAM_CHUNK);
}

export function logSumTask(task: i32): void {
  const from = <usize>(task * STREAM_CHUNK);
  const to = <usize>min<i32>(<i32>from + STREAM_CHUNK, (int(ROWS) + 3) & ~3);
  const padded = <usize>int(PADDED_ROWS) << 2;
  const outputs = int(OUTPUTS);
  const scores = pointer(SCORES);
  const maxima = pointer(LOG_SUM);
  const inverses = maxima + padded;
  for (let i = from; i < to; i += 4) {
    let largest = v128.load(scores + (i << 2));
    for (let k = 1; k < outputs; k++) largest = f32x4.max(largest, v128.load(scores + <usize>k * padded + (i << 2)));
    let sum = splat(0);
    for (let k = 0; k < outputs; k++) {
      sum = f32x4.add(sum, exponential(f32x4.sub(v128.load(scores + <usize>k * padded + (i << 2)), largest)));
    }
    v128.store(maxima + (i << 2), largest);
    v128.store(inverses + (i << 2), f32x4.div(splat(1), sum));
  }
}
