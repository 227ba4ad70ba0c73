import { Rng } from '#core';
import type { Outcome, Sampler, SamplerState, Suggestion } from './sampler.ts';
import type { Parameters, SearchSpace } from './space.ts';
import { decodeParameters, encodeParameters } from './unit-cube.ts';
import { validateParameters, validateSpace } from './validate-space.ts';

/** Length of the first steps per square root of a dimension. */
const FIRST_STEP = 0.12;
/** The search starts anew from elsewhere once steps are shorter than this. */
const SHORTEST_STEP = 0.01;
const SHRINK = 0.6;

interface OpenStep {
  /** `start` is a first point of a descent; when `forward` fails, the opposite direction is tried as `reverse`. */
  readonly kind: 'start' | 'forward' | 'reverse';
  readonly point: number[];
  /** The incumbent it started from. */
  readonly incumbent: number;
  readonly direction: number[];
}

interface State {
  next: number;
  incumbent: number[];
  /** Counts changes of the incumbent. */
  incumbentId: number;
  /** Of the current descent; `null` before the first outcome. */
  incumbentLoss: number | null;
  bestPoint: number[] | null;
  bestLoss: number | null;
  step: number;
  failures: number;
  restarts: number;
  /** Directions whose forward step failed, of the present incumbent. */
  opposites: number[][];
}

/**
 * Cost-frugal randomised direct search, FLOW² (Wu, Wang and Huang, "Frugal optimization for cost-related
 * hyperparameters", AAAI 2021): from the incumbent x try x + δu for a random unit vector u, then x − δu; move on
 * improvement; shrink δ after a run of failures; start anew from a random point when δ is tiny. The search begins at
 * `start`, which should be cheap, so that cost grows only as fast as it pays.
 */
export class Flow2Sampler implements Sampler {
  private readonly space: SearchSpace;
  private readonly seed: number;
  private readonly dimensions: number;
  private readonly open = new Map<number, OpenStep>();
  private current: State;

  /** @throws ConfigError for a faulty space or a start outside it */
  constructor(space: SearchSpace, start: Parameters, seed: number) {
    validateSpace(space);
    validateParameters(space, start);
    this.space = space;
    this.seed = seed;
    this.dimensions = Object.keys(space).length;
    this.current = {
      next: 0,
      incumbent: [...encodeParameters(space, start)],
      incumbentId: 0,
      incumbentLoss: null,
      bestPoint: null,
      bestLoss: null,
      step: this.firstStep(),
      failures: 0,
      restarts: 0,
      opposites: [],
    };
  }

  /** Loss of the best point so far; `Infinity` before the first outcome. */
  get bestLoss(): number {
    return this.current.bestLoss ?? Number.POSITIVE_INFINITY;
  }

  suggest(): Suggestion {
    const state = this.current;
    const id = state.next++;
    const startIsOpen = [...this.open.values()].some(
      (step) => step.kind === 'start' && step.incumbent === state.incumbentId,
    );
    let step: OpenStep;
    if (state.incumbentLoss === null && !startIsOpen) {
      step = { kind: 'start', point: state.incumbent, incumbent: state.incumbentId, direction: [] };
    } else {
      step = this.takeStep(id);
    }
    this.open.set(id, step);
    return { id, parameters: decodeParameters(this.space, step.point) };
  }

  tell(id: number, outcome: Outcome): void {
    const step = this.open.get(id);
    if (step === undefined) return;
    this.open.delete(id);
    const improved = this.consider(step.point, outcome.loss);
    if (improved || step.incumbent !== this.current.incumbentId || step.kind === 'start') return;
    if (step.kind === 'forward') this.current.opposites.push(step.direction.map((x) => -x));
    this.fail();
  }

  learn(parameters: Parameters, outcome: Outcome): void {
    this.consider([...encodeParameters(this.space, parameters)], outcome.loss);
  }

  forget(id: number): void {
    this.open.delete(id);
  }

  state(): SamplerState {
    return structuredClone(this.current) as unknown as SamplerState;
  }

  restore(state: SamplerState): void {
    this.current = structuredClone(state) as unknown as State;
    this.open.clear();
  }

  private firstStep(): number {
    return FIRST_STEP * Math.sqrt(Math.max(1, this.dimensions));
  }

  /** A step from the incumbent that leads to another point of the space. */
  private takeStep(id: number): OpenStep {
    const state = this.current;
    const here = JSON.stringify(decodeParameters(this.space, state.incumbent));
    const opposite = state.opposites.shift();
    const rng = new Rng(this.seed).fork(`step-${id}`);
    for (let attempt = 0; ; attempt++) {
      const reverse = attempt === 0 && opposite !== undefined;
      const direction = reverse ? opposite : this.randomDirection(rng);
      // Integers and choices swallow short steps: lengthen until the point changes, give up after a while.
      const length = state.step * 1.3 ** Math.max(0, attempt - 2);
      const point = state.incumbent.map((x, d) => Math.min(1, Math.max(0, x + length * direction[d])));
      const moved = JSON.stringify(decodeParameters(this.space, point)) !== here;
      if (moved || attempt >= 12) {
        return { kind: reverse ? 'reverse' : 'forward', point, incumbent: state.incumbentId, direction };
      }
    }
  }

  private randomDirection(rng: Rng): number[] {
    const normal = Array.from({ length: this.dimensions }, () => rng.normal());
    const length = Math.hypot(...normal) || 1;
    return normal.map((x) => x / length);
  }

  /** Moves the incumbent when the point is better. */
  private consider(point: number[], loss: number): boolean {
    const state = this.current;
    if (Number.isFinite(loss) && (state.bestLoss === null || loss < state.bestLoss)) {
      state.bestLoss = loss;
      state.bestPoint = point;
    }
    const isIncumbent = state.incumbentLoss === null && point === state.incumbent;
    if (isIncumbent) {
      state.incumbentLoss = Number.isFinite(loss) ? loss : Number.MAX_VALUE;
      return true;
    }
    if (!Number.isFinite(loss) || (state.incumbentLoss !== null && loss >= state.incumbentLoss)) return false;
    state.incumbent = point;
    state.incumbentLoss = loss;
    state.incumbentId++;
    state.failures = 0;
    state.opposites = [];
    return true;
  }

  private fail(): void {
    const state = this.current;
    state.failures++;
    if (state.failures < Math.max(3, this.dimensions)) return;
    state.failures = 0;
    state.step *= SHRINK;
    if (state.step >= SHORTEST_STEP) return;
    const rng = new Rng(this.seed).fork(`restart-${state.restarts}`);
    state.restarts++;
    state.incumbent = Array.from({ length: this.dimensions }, () => rng.uniform());
    state.incumbentId++;
    state.incumbentLoss = null;
    state.step = this.firstStep();
    state.opposites = [];
  }
}
