import { ConfigError, Rng } from '#core';
import { Flow2Sampler } from './flow2-sampler.ts';
import type { Outcome, SamplerState } from './sampler.ts';
import type { Parameters, SearchSpace } from './space.ts';

/** One of several things to tune, e.g. a learner, with its own space. */
export interface Arm {
  readonly space: SearchSpace;
  /** Where its search begins: a point that is cheap to try. */
  readonly start: Parameters;
  /** Expected cost of one trial at `start`, in the unit of `Outcome.cost`. */
  readonly cost: number;
}

/** A point of one arm to try. */
export interface ArmSuggestion {
  readonly id: number;
  readonly arm: string;
  readonly parameters: Parameters;
}

interface ArmRecord {
  /** Cost spent on it in all, at its last and at its last but one improvement. */
  spent: number;
  spentAtBest: number;
  spentBefore: number;
  best: number | null;
  /** Its best loss before the last improvement. */
  before: number | null;
  lastCost: number;
  trials: number;
}

/** The paper draws ∝ 1 / ECI; where trials are few, sharper is better. */
const SHARPNESS = 2;
/** Trials whose mean cost in the arm's recent past stands for the next one. */
const COST_MEMORY = 0.5;

/**
 * Cost-aware search over several spaces at once. Each arm is searched by `Flow2Sampler`; the arm of the next trial is
 * drawn with probability ∝ 1 / ECI², ECI being the *estimated cost for improvement* (Wang, Wu, Weimer and Zhu, "FLAML", MLSys
 * 2021): for the arm that holds the best loss the cost its improvements have taken lately, for the others also the
 * cost to close the gap at the speed they have improved so far. Costs are what the caller tells; with costs that do
 * not depend on the clock the whole search is reproducible.
 */
export class ArmSearch {
  private readonly names: readonly string[];
  private readonly arms: Readonly<Record<string, Arm>>;
  private readonly samplers: Record<string, Flow2Sampler> = {};
  private readonly seed: number;
  private readonly open = new Map<number, { arm: string; id: number }>();
  private records: Record<string, ArmRecord> = {};
  private next = 0;

  /** @throws ConfigError without arms, or for a faulty space or start */
  constructor(arms: Readonly<Record<string, Arm>>, seed: number) {
    this.names = Object.keys(arms);
    if (this.names.length === 0) {
      throw new ConfigError('ArmSearch: there must be an arm, but got none. Allow at least one learner.');
    }
    this.arms = arms;
    this.seed = seed;
    for (const name of this.names) {
      const { space, start, cost } = arms[name];
      this.samplers[name] = new Flow2Sampler(space, start, new Rng(seed).fork(name).nextUint32());
      this.records[name] = {
        spent: 0,
        spentAtBest: 0,
        spentBefore: 0,
        best: null,
        before: null,
        lastCost: cost,
        trials: 0,
      };
    }
  }

  suggest(): ArmSuggestion {
    const id = this.next++;
    const arm = this.chooseArm(id);
    const inner = this.samplers[arm].suggest();
    this.open.set(id, { arm, id: inner.id });
    return { id, arm, parameters: inner.parameters };
  }

  tell(id: number, outcome: Outcome): void {
    const opened = this.open.get(id);
    if (opened === undefined) return;
    this.open.delete(id);
    this.samplers[opened.arm].tell(opened.id, outcome);
    this.record(opened.arm, outcome);
  }

  /** The outcome of a point that was not suggested here. */
  learn(arm: string, parameters: Parameters, outcome: Outcome): void {
    if (!(arm in this.samplers)) return;
    this.samplers[arm].learn(parameters, outcome);
    this.record(arm, outcome);
  }

  /** Closes a suggestion that will never have an outcome. */
  forget(id: number): void {
    const opened = this.open.get(id);
    if (opened !== undefined) this.samplers[opened.arm].forget(opened.id);
    this.open.delete(id);
  }

  state(): SamplerState {
    return {
      next: this.next,
      records: structuredClone(this.records),
      samplers: Object.fromEntries(this.names.map((name) => [name, this.samplers[name].state()])),
    };
  }

  /** Goes on from a saved state of the same arms; open suggestions of it are forgotten. */
  restore(state: SamplerState): void {
    this.next = Number(state.next);
    this.records = structuredClone(state.records) as Record<string, ArmRecord>;
    const samplers = state.samplers as Record<string, SamplerState>;
    for (const name of this.names) this.samplers[name].restore(samplers[name]);
    this.open.clear();
  }

  /** Estimated cost for improvement of every arm; lower is more promising. */
  estimatedCosts(): Record<string, number> {
    const best = Math.min(...this.names.map((name) => this.records[name].best ?? Number.POSITIVE_INFINITY));
    return Object.fromEntries(this.names.map((name) => [name, this.estimate(name, best)]));
  }

  private estimate(name: string, best: number): number {
    const record = this.records[name];
    if (record.trials === 0) return this.arms[name].cost;
    const sinceBest = record.spent - record.spentAtBest;
    const own = Math.max(sinceBest, record.spentAtBest - record.spentBefore, record.lastCost);
    if (record.best === null) return own * 4;
    const gap = record.best - best;
    if (gap <= 0) return own;
    // An arm that has not improved yet is taken to improve as the others have lately.
    const gained = record.before === null ? this.typicalGain() : record.before - record.best;
    const speed = gained / Math.max(record.spent, record.lastCost);
    return Math.max(own, gap / Math.max(speed, 1e-12));
  }

  /** The least of the arms' last improvements; where none has improved, the least difference between two arms. */
  private typicalGain(): number {
    const records = Object.values(this.records);
    const gains = records.flatMap(({ best, before }) =>
      best === null || before === null ? [] : [before - best],
    );
    if (gains.length > 0) return Math.min(...gains);
    const bests = records.flatMap(({ best }) => (best === null ? [] : [best])).sort((a, b) => a - b);
    const steps = bests.slice(1).map((best, i) => best - bests[i]);
    return Math.min(...steps.filter((step) => step > 0), Number.MAX_VALUE);
  }

  private chooseArm(id: number): string {
    const estimates = this.estimatedCosts();
    const weights = this.names.map((name) => Math.max(estimates[name], 1e-12) ** -SHARPNESS);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let u = new Rng(this.seed).fork(`arm-${id}`).uniform() * total;
    for (let i = 0; i < weights.length; i++) {
      u -= weights[i];
      if (u < 0) return this.names[i];
    }
    return this.names[this.names.length - 1];
  }

  private record(name: string, outcome: Outcome): void {
    const record = this.records[name];
    record.spent += outcome.cost;
    record.lastCost =
      record.trials === 0 ? outcome.cost : COST_MEMORY * record.lastCost + (1 - COST_MEMORY) * outcome.cost;
    record.trials++;
    if (!Number.isFinite(outcome.loss) || (record.best !== null && outcome.loss >= record.best)) return;
    record.before = record.best;
    record.best = outcome.loss;
    record.spentBefore = record.spentAtBest;
    record.spentAtBest = record.spent;
  }
}
