import type { Pacer } from './pacer.ts';

/** f(x); writes ∇f(x) into `gradient`. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

export interface LbfgsOptions {
  readonly pacer: Pacer;
  readonly maxIterations: number;
  /** Stops when no entry of the gradient is larger. */
  readonly tolerance: number;
  /** Pairs of steps and gradient changes that are remembered; 10 by default. */
  readonly memory?: number;
}

export interface LbfgsResult {
  readonly x: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Whether the gradient became small enough. */
  readonly converged: boolean;
}

const SUFFICIENT_DECREASE = 1e-4;
const CURVATURE = 0.9;
const MAX_LINE_STEPS = 30;

/**
 * Minimises a smooth function in float64 by limited-memory BFGS with a line search for the strong Wolfe conditions.
 *
 * @param start [n] where to begin; not changed
 * @throws CancelledError when the pacer's deadline is over
 * @source Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 7.4, 7.5, 3.5 and 3.6
 */
export async function minimizeLbfgs(
  objective: Objective,
  start: Float64Array,
  options: LbfgsOptions,
): Promise<LbfgsResult> {
  const { pacer, maxIterations, tolerance, memory = 10 } = options;
  const history: Pair[] = [];
  let point = evaluate(objective, start.slice());
  let iterations = 0;
  while (iterations < maxIterations && largest(point.gradient) > tolerance) {
    if (pacer.due()) await pacer.pause();
    let direction = descentDirection(history, point.gradient);
    if (!(dot(direction, point.gradient) < 0)) {
      history.length = 0;
      direction = descentDirection(history, point.gradient);
    }
    const next = searchLine(objective, point, direction, history.length === 0);
    if (next === undefined) {
      // Rounding hides any further decrease along this direction; steepest descent gets one more chance.
      if (history.length === 0) break;
      history.length = 0;
      continue;
    }
    iterations++;
    remember(history, memory, point, next);
    point = next;
  }
  return { x: point.x, value: point.value, iterations, converged: largest(point.gradient) <= tolerance };
}

interface Point {
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
}

/** s = xₜ₊₁ − xₜ, y = ∇ₜ₊₁ − ∇ₜ, ρ = 1 / yᵀs. */
interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

function evaluate(objective: Objective, x: Float64Array): Point {
  const gradient = new Float64Array(x.length);
  return { x, value: objective(x, gradient), gradient };
}

function remember(history: Pair[], memory: number, before: Point, after: Point): void {
  const s = after.x.map((value, i) => value - before.x[i]);
  const y = after.gradient.map((value, i) => value - before.gradient[i]);
  const curvature = dot(s, y);
  if (!(curvature > 1e-14 * dot(y, y))) return;
  history.push({ s, y, rho: 1 / curvature });
  if (history.length > memory) history.shift();
}

/** −H·∇ by the two-loop recursion, H₀ = (sᵀy / yᵀy)·I of the last pair. */
function descentDirection(history: readonly Pair[], gradient: Float64Array): Float64Array {
  const q = gradient.slice();
  const alphas = new Float64Array(history.length);
  for (let t = history.length - 1; t >= 0; t--) {
    const { s, y, rho } = history[t];
    alphas[t] = rho * dot(s, q);
    addScaled(q, -alphas[t], y);
  }
  const last = history.at(-1);
  const scale = last === undefined ? 1 : 1 / (last.rho * dot(last.y, last.y));
  for (let i = 0; i < q.length; i++) q[i] *= scale;
  for (let t = 0; t < history.length; t++) {
    const { s, y, rho } = history[t];
    addScaled(q, alphas[t] - rho * dot(y, q), s);
  }
  for (let i = 0; i < q.length; i++) q[i] = -q[i];
  return q;
}

/** A point along the ray and its slope there. */
interface Trial extends Point {
  readonly step: number;
  readonly slope: number;
}

/** A point that satisfies the strong Wolfe conditions, or at least decreases; `undefined` when none was found. */
function searchLine(
  objective: Objective,
  origin: Point,
  direction: Float64Array,
  first: boolean,
): Point | undefined {
  const slope0 = dot(direction, origin.gradient);
  const at = (step: number): Trial => {
    const point = evaluate(
      objective,
      origin.x.map((value, i) => value + step * direction[i]),
    );
    return { ...point, step, slope: dot(direction, point.gradient) };
  };
  const tooHigh = (trial: Trial) =>
    !(trial.value <= origin.value + SUFFICIENT_DECREASE * trial.step * slope0);
  const flat = (trial: Trial) => Math.abs(trial.slope) <= -CURVATURE * slope0;

  let previous: Trial = { ...origin, step: 0, slope: slope0 };
  let step = first ? Math.min(1, 1 / Math.sqrt(dot(direction, direction))) : 1;
  for (let i = 0; i < MAX_LINE_STEPS; i++) {
    const trial = at(step);
    if (tooHigh(trial) || (i > 0 && trial.value >= previous.value)) {
      return zoom(at, tooHigh, flat, previous, trial, origin);
    }
    if (flat(trial)) return trial;
    if (trial.slope >= 0) return zoom(at, tooHigh, flat, trial, previous, origin);
    previous = trial;
    step *= 2.5;
  }
  return previous.step > 0 ? previous : undefined;
}

/** Narrows [low, high] until a trial fits; `low` always has the smallest value so far that decreases enough. */
function zoom(
  at: (step: number) => Trial,
  tooHigh: (trial: Trial) => boolean,
  flat: (trial: Trial) => boolean,
  from: Trial,
  to: Trial,
  origin: Point,
): Point | undefined {
  let low = from;
  let high = to;
  for (let i = 0; i < MAX_LINE_STEPS && Math.abs(high.step - low.step) > 1e-12 * low.step; i++) {
    const trial = at(interpolate(low, high));
    if (tooHigh(trial) || trial.value >= low.value) {
      high = trial;
    } else {
      if (flat(trial)) return trial;
      if (trial.slope * (high.step - low.step) >= 0) high = low;
      low = trial;
    }
  }
  return low.step > 0 && low.value < origin.value ? low : undefined;
}

/** Minimiser of the cubic through both values and slopes, kept away from the ends. */
function interpolate(a: Trial, b: Trial): number {
  const width = b.step - a.step;
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.step - b.step);
  const d2 = Math.sign(width) * Math.sqrt(d1 * d1 - a.slope * b.slope);
  const cubic = b.step - width * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
  const low = Math.min(a.step, b.step) + 0.1 * Math.abs(width);
  const high = Math.max(a.step, b.step) - 0.1 * Math.abs(width);
  return cubic >= low && cubic <= high ? cubic : 0.5 * (a.step + b.step);
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

function addScaled(target: Float64Array, factor: number, source: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * source[i];
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}
