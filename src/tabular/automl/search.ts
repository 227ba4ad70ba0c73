import { metricInfo } from '#metrics';
import {
  type Arm,
  ArmSearch,
  decodeParameters,
  encodeParameters,
  type Parameters,
  type SamplerState,
  type SearchSpace,
} from '#tune';
import type { DataShape, Encoding, Learner, Task } from '../learners/learner.ts';
import type { PipelineConfig } from '../pipeline/pipeline.ts';

/**
 * Scalers a search may put before a learner that needs scaling. The search moves through them step by step from the
 * first, so that the later ones are tried when the earlier ones have been.
 */
const SCALERS = ['StandardScaler', 'MaxAbsScaler', 'RobustScaler', 'MinMaxScaler', 'Normalizer'];
/** Further ones for `onehot` features of no more than this width and rows × width: they cost D² and N · D. */
const PROJECTIONS = ['TruncatedSVD', 'PCA'];
const MOST_PROJECTED = { width: 256, cells: 2e7 };
/** Names of preprocessing choices within a search space; no learner's parameter begins like this. */
const SCALER = '$scaler';
const TARGET_ENCODING = '$targetEncoding';
/** Suggestions that are known already or too dear are passed over this often before the search gives up. */
const MAX_PASSES = 60;
/** Trials count as this part of the portfolio's median cost at least. */
const LEAST_SHARE = 0.4;
/** A suggestion may cost this many times the dearest configuration of the portfolio. */
const DEAREST = 2.5;

export interface SearchOptions {
  readonly task: Task;
  readonly metric: string;
  /** Rows, classes and width of the features in each encoding. */
  readonly shapes: Readonly<Record<Encoding, DataShape>>;
  /** Learners to tune, without the baseline. */
  readonly learners: readonly Learner[];
  /** Configurations to try first, in order. */
  readonly portfolio: readonly PipelineConfig[];
  /** Whether there are columns for which target encoding is a choice. */
  readonly highCardinality: boolean;
  readonly seed: number;
}

/** A configuration to try. */
export interface Proposal {
  readonly config: PipelineConfig;
  /** Number of the suggestion; null for one of the portfolio. */
  readonly suggestion: number | null;
}

/** Equal for equal configurations, whatever the order of their keys. */
export function configKey({ encoding, targetEncoding, scaler, learner, params }: PipelineConfig): string {
  const sorted = Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([learner, encoding, targetEncoding === true, scaler, sorted]);
}

/**
 * Chooses the configurations of an AutoML run: first a fixed portfolio, then cost-aware search over preprocessing ×
 * learner × hyper-parameters. Costs are the learners' own estimates, not measured seconds, so that the choices depend
 * on the seed and the scores alone.
 */
export class Search {
  private readonly options: SearchOptions;
  private readonly learners: ReadonlyMap<string, Learner>;
  private readonly spaces: Readonly<Record<string, SearchSpace>>;
  private readonly arms: ArmSearch | undefined;
  private readonly losses = new Map<string, number>();
  private readonly proposed = new Set<string>();
  private readonly costLimit: number;
  /** What any trial costs at least: trials are limited too, not only seconds. */
  private readonly costFloor: number;
  private nextOfPortfolio = 0;

  constructor(options: SearchOptions) {
    this.options = options;
    this.learners = new Map(options.learners.map((learner) => [learner.name, learner]));
    const arms: Record<string, Arm> = {};
    for (const learner of options.learners) {
      const space = this.spaceOf(learner);
      if (Object.keys(space).length > 0) arms[learner.name] = this.armOf(learner, space);
    }
    this.spaces = Object.fromEntries(Object.entries(arms).map(([name, arm]) => [name, arm.space]));
    this.arms = Object.keys(arms).length === 0 ? undefined : new ArmSearch(arms, options.seed);
    const costs = options.portfolio.map((config) => this.relativeCost(config)).sort((a, b) => a - b);
    this.costLimit = DEAREST * Math.max(1e-9, ...costs);
    this.costFloor = LEAST_SHARE * (costs[costs.length >> 1] ?? 0) + 1e-12;
  }

  /** The next configuration, or `undefined` when there is nothing new to try. */
  next(): Proposal | undefined {
    const { portfolio } = this.options;
    while (this.nextOfPortfolio < portfolio.length) {
      const config = portfolio[this.nextOfPortfolio++];
      if (this.proposed.has(configKey(config))) continue;
      this.proposed.add(configKey(config));
      return { config, suggestion: null };
    }
    if (this.arms === undefined) return undefined;
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const { id, arm, parameters } = this.arms.suggest();
      const config = this.configOf(arm, parameters);
      const key = configKey(config);
      const cost = this.relativeCost(config);
      if (cost <= this.costLimit && !this.proposed.has(key)) {
        this.proposed.add(key);
        return { config, suggestion: id };
      }
      // Known: its loss costs nothing. Dear, or still running: as good as failed.
      this.arms.tell(id, {
        loss: this.losses.get(key) ?? Number.POSITIVE_INFINITY,
        cost: 0.05 * this.chargedCost(cost),
      });
    }
    return undefined;
  }

  /** Takes back a proposal that is not going to be tried. */
  decline({ config, suggestion }: Proposal): void {
    if (suggestion === null) return;
    this.proposed.delete(configKey(config));
    this.arms?.forget(suggestion);
  }

  /** @param score primary metric, `undefined` for a trial without one */
  tell({ config, suggestion }: Proposal, score: number | undefined): void {
    const loss = this.lossOf(score);
    this.losses.set(configKey(config), loss);
    const outcome = { loss, cost: this.chargedCost(this.relativeCost(config)) };
    if (suggestion !== null) this.arms?.tell(suggestion, outcome);
    else if (config.learner in this.spaces) {
      this.arms?.learn(config.learner, this.parametersOf(config), outcome);
    }
  }

  /** Takes note of a trial of an earlier process that its saved state knows already. */
  remember(config: PipelineConfig, score: number | undefined): void {
    this.proposed.add(configKey(config));
    this.losses.set(configKey(config), this.lossOf(score));
  }

  state(): SamplerState {
    return { arms: this.arms?.state() ?? null };
  }

  restore(state: SamplerState): void {
    const { arms } = state as { arms: SamplerState | null };
    if (arms !== null) this.arms?.restore(arms);
  }

  /** Expected cost of a configuration relative to others. */
  relativeCost({ learner, params, encoding }: PipelineConfig): number {
    return this.learners.get(learner)?.relativeCost(params, this.options.shapes[encoding]) ?? 0;
  }

  private chargedCost(cost: number): number {
    return Math.max(cost, this.costFloor);
  }

  private lossOf(score: number | undefined): number {
    if (score === undefined || Number.isNaN(score)) return Number.POSITIVE_INFINITY;
    return metricInfo(this.options.metric).direction === 'maximize' ? -score : score;
  }

  private spaceOf(learner: Learner): SearchSpace {
    const own = learner.space(this.options.task, this.options.shapes[learner.encoding]);
    return {
      ...own,
      ...(learner.needsScaling ? { [SCALER]: { type: 'choice', values: this.scalersOf(learner) } } : {}),
      ...(this.options.highCardinality
        ? { [TARGET_ENCODING]: { type: 'choice', values: [false, true] } }
        : {}),
    };
  }

  private scalersOf({ encoding }: Learner): string[] {
    const { rows, width } = this.options.shapes[encoding];
    const fits = width <= MOST_PROJECTED.width && rows * width <= MOST_PROJECTED.cells;
    return fits ? [...SCALERS, ...PROJECTIONS] : SCALERS;
  }

  private armOf(learner: Learner, space: SearchSpace): Arm {
    const known = this.options.portfolio.find((config) => config.learner === learner.name);
    const point = known === undefined ? this.defaultPoint(learner) : this.parametersOf(known);
    const start = decodeParameters(space, encodeParameters(space, { ...learner.defaults, ...point }));
    return { space, start, cost: learner.relativeCost(start, this.options.shapes[learner.encoding]) };
  }

  private defaultPoint(learner: Learner): Parameters {
    return { ...learner.defaults, [SCALER]: SCALERS[0], [TARGET_ENCODING]: false };
  }

  /** A configuration as a point of its learner's space, defaults filled in. */
  private parametersOf({ learner, params, scaler, targetEncoding }: PipelineConfig): Parameters {
    return {
      ...this.learners.get(learner)?.defaults,
      ...params,
      [SCALER]: scaler,
      [TARGET_ENCODING]: targetEncoding === true,
    };
  }

  private configOf(name: string, parameters: Parameters): PipelineConfig {
    const learner = this.learners.get(name) as Learner;
    const { [SCALER]: scaler = null, [TARGET_ENCODING]: targetEncoding, ...params } = parameters;
    return {
      encoding: learner.encoding,
      ...(targetEncoding === true ? { targetEncoding: true } : {}),
      scaler: scaler as string | null,
      learner: name,
      params,
    };
  }
}

/** A configuration's preprocessing in words, e.g. `onehot, StandardScaler`. */
export function preprocessingText({ encoding, targetEncoding, scaler }: PipelineConfig): string {
  return [encoding, targetEncoding === true ? 'target encoding' : '', scaler ?? '']
    .filter(Boolean)
    .join(', ');
}
