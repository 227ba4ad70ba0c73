import { ConfigError } from '#core';

/**
 * A learning rate over time, as a pure function of the number of steps done: a resumed run needs no state. Whether a
 * step is an update or an epoch is the caller's choice (`interval: 'step' | 'epoch'`); options count in the same unit.
 */
export interface Schedule {
  readonly name: string;
  /** Learning rate for the step after `step` finished ones, given the optimiser's own rate. */
  learningRate(step: number, base: number): number;
  /** Momentum (or first beta) for that step, where the schedule cycles it. */
  momentum?(step: number): number;
}

export interface PlateauOptions {
  /** Whether smaller or larger values are better; `min` by default. */
  readonly mode?: 'min' | 'max';
  /** Factor of the learning rate, in (0, 1); 0.1 by default. */
  readonly factor?: number;
  /** Observations without improvement that are waited for; 10 by default. */
  readonly patience?: number;
  /** What counts as an improvement; 1e-4 by default, relative. */
  readonly threshold?: number;
  readonly thresholdMode?: 'relative' | 'absolute';
  /** Observations after a reduction in which nothing counts; 0 by default. */
  readonly cooldown?: number;
  /** Smallest learning rate; 0 by default. */
  readonly minimum?: number;
  /** Smallest change that is made; 1e-8 by default. */
  readonly eps?: number;
}

export interface PlateauState {
  /** Best metric so far; null before the first. */
  readonly best: number | null;
  readonly waited: number;
  readonly cooling: number;
  readonly factor: number;
}

/**
 * Reduces the learning rate when a metric has stopped improving. Tell it the metric with `observe`; the state is plain
 * data and goes into checkpoints. A NaN or infinite metric is no improvement.
 *
 * @throws ConfigError for a factor outside (0, 1) or negative options
 */
export class ReduceOnPlateau implements Schedule {
  readonly name = 'ReduceOnPlateau';
  readonly options: Required<PlateauOptions>;
  private current: PlateauState;

  constructor(options: PlateauOptions = {}) {
    this.options = {
      mode: 'min',
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: 'relative',
      cooldown: 0,
      minimum: 0,
      eps: 1e-8,
      ...options,
    };
    if (!(this.options.factor > 0 && this.options.factor < 1)) {
      throw new ConfigError(
        `ReduceOnPlateau: factor must lie in (0, 1), but got ${this.options.factor}. Pass a factor below 1.`,
        { factor: this.options.factor },
      );
    }
    const { patience, threshold, cooldown, minimum, eps } = this.options;
    const counts = { patience, threshold, cooldown, minimum, eps };
    const faults = Object.entries(counts).filter(
      ([, value]) => !(value >= 0 && value < Number.POSITIVE_INFINITY),
    );
    if (faults.length > 0) {
      throw new ConfigError(
        `ReduceOnPlateau: options must be finite numbers of at least 0, but got ${faults.map((each) => each.join(' ')).join(', ')}. Change them.`,
        counts,
      );
    }
    this.current = { best: null, waited: 0, cooling: 0, factor: 1 };
  }

  get state(): PlateauState {
    return this.current;
  }

  set state(state: PlateauState) {
    this.current = { ...state };
  }

  learningRate(_: number, base: number): number {
    return Math.max(base * this.current.factor, Math.min(base, this.options.minimum));
  }

  /** @param base the optimiser's learning rate, below which the minimum counts */
  observe(metric: number, base = 1): void {
    const { patience, cooldown, factor, minimum, eps } = this.options;
    let { best, waited, cooling, factor: now } = this.current;
    if (this.isBetter(metric, best)) {
      best = metric;
      waited = 0;
    } else waited++;
    if (cooling > 0) {
      cooling--;
      waited = 0;
    }
    if (waited > patience) {
      const next = Math.max(base * now * factor, minimum);
      if (base * now - next > eps) now = next / base;
      cooling = cooldown;
      waited = 0;
    }
    this.current = { best, waited, cooling, factor: now };
  }

  private isBetter(metric: number, best: number | null): boolean {
    const { mode, threshold, thresholdMode } = this.options;
    if (best === null) return Number.isFinite(metric);
    const sign = mode === 'min' ? -1 : 1;
    const limit = thresholdMode === 'absolute' ? best + sign * threshold : best * (1 + sign * threshold);
    return mode === 'min' ? metric < limit : metric > limit;
  }
}
