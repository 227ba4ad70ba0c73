import type { Table } from '#data';
import type { OnnxGraph } from '#engine';
import type { Parameters } from '#tune';
import {
  type ColumnPurpose,
  type FeaturizationConfig,
  type Featurizer,
  fitFeaturizer,
  loadFeaturizer,
} from '../features/featurizer.ts';
import type { FeatureMatrix } from '../features/matrix.ts';
import { fitScaler, loadScaler, type Scaler } from '../features/scalers/scaler.ts';
import type { Encoding, FitContext, Model, SerializedModel } from '../learners/learner.ts';
import { findLearner } from '../learners/registry.ts';

/** One point of the joint search space: preprocessing × learner × hyper-parameters. Plain data. */
export interface PipelineConfig {
  readonly encoding: Encoding;
  /** Replaces high-cardinality categoricals by out-of-fold target means. */
  readonly targetEncoding?: boolean;
  /** Scaler after the featuriser, e.g. `StandardScaler`; null for none. */
  readonly scaler: string | null;
  /** Leaderboard name of the learner. */
  readonly learner: string;
  readonly params: Parameters;
}

/** What all pipelines of a run share. */
export interface PipelineSettings {
  readonly purposes: readonly ColumnPurpose[];
  readonly featurization: FeaturizationConfig;
}

/** What is predicted. */
export interface Target {
  /** [N] class indices or values. */
  readonly y: Float64Array;
  /** K, 0 in regression. */
  readonly classes: number;
  /** [N] sample weights. */
  readonly weights?: Float64Array;
}

/** One fitted step, as `best_model.steps` of the Azure notebooks lists them. */
export interface PipelineStep {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly columns?: readonly string[];
}

/** A fitted featuriser and scaler with the matrix they made of the training rows. */
export interface PreparedFeatures {
  readonly featurizer: Featurizer;
  readonly scaler: Scaler | null;
  readonly training: FeatureMatrix;
}

/**
 * Fits the preprocessing of a pipeline.
 * @param table raw columns of the training rows, label dropped
 * @throws DataError when no column is left to learn from
 */
export function prepareFeatures(
  table: Table,
  target: Target,
  config: PipelineConfig,
  settings: PipelineSettings,
  seed: number,
): PreparedFeatures {
  const { featurizer, training } = fitFeaturizer(table, {
    encoding: config.encoding,
    purposes: settings.purposes,
    config: settings.featurization,
    targetEncoding: config.targetEncoding === true,
    seed,
    target,
    ...(target.weights === undefined ? {} : { weights: target.weights }),
  });
  if (config.scaler === null) return { featurizer, scaler: null, training };
  const scaler = fitScaler(config.scaler, training, { seed });
  return { featurizer, scaler, training: scaler.transform(training) };
}

/** A featuriser, an optional scaler and a model, fitted on the same rows. */
export class FittedPipeline {
  readonly config: PipelineConfig;
  readonly featurizer: Featurizer;
  readonly scaler: Scaler | null;
  readonly model: Model;

  constructor(config: PipelineConfig, features: Omit<PreparedFeatures, 'training'>, model: Model) {
    this.config = config;
    this.featurizer = features.featurizer;
    this.scaler = features.scaler;
    this.model = model;
  }

  /**
   * @param table raw columns; further columns are ignored
   * @returns row-major probabilities [N, K] or values [N]
   * @throws DataError when a column is missing
   */
  predict(table: Table): Float64Array {
    return this.model.predict(this.features(table));
  }

  /** What the model sees of a table, [N, D]. */
  features(table: Table): FeatureMatrix {
    const matrix = this.featurizer.transform(table);
    return this.scaler === null ? matrix : this.scaler.transform(matrix);
  }

  steps(): PipelineStep[] {
    const steps: PipelineStep[] = [...this.featurizer.steps()];
    if (this.scaler !== null) steps.push({ name: this.scaler.name, settings: this.scaler.settings() });
    steps.push({
      name: this.model.learner,
      settings: { ...findLearner(this.model.learner).defaults, ...this.config.params },
    });
    return steps;
  }

  toJSON(): SerializedPipeline {
    return {
      config: this.config,
      featurizer: this.featurizer.toJSON(),
      scaler: this.scaler === null ? null : this.scaler.toJSON(),
      model: this.model.toJSON(),
    };
  }

  static load(json: SerializedPipeline): FittedPipeline {
    const features = {
      featurizer: loadFeaturizer(json.featurizer),
      scaler: json.scaler === null ? null : loadScaler(json.scaler),
    };
    return new FittedPipeline(json.config, features, findLearner(json.model.learner).load(json.model));
  }

  /**
   * Adds the preprocessing's nodes.
   * @param inputs raw column → name of its graph input
   * @returns name of the float32 features [N, D]
   */
  emitFeatures(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string {
    const features = this.featurizer.emitOnnx(graph, inputs);
    return this.scaler === null ? features : this.scaler.emitOnnx(graph, features);
  }
}

/** JSON form of a `FittedPipeline`. */
export interface SerializedPipeline {
  readonly config: PipelineConfig;
  readonly featurizer: ReturnType<Featurizer['toJSON']>;
  readonly scaler: ReturnType<Scaler['toJSON']> | null;
  readonly model: SerializedModel;
}

/**
 * Fits a pipeline.
 * @param table raw columns of the training rows, label dropped
 * @param prepared features already prepared for these rows and this configuration
 */
export async function fitPipeline(
  table: Table,
  target: Target,
  config: PipelineConfig,
  settings: PipelineSettings,
  context: FitContext,
  prepared: PreparedFeatures = prepareFeatures(table, target, config, settings, context.seed),
): Promise<FittedPipeline> {
  context.deadline.check('fitPipeline');
  const data = { X: prepared.training, ...target };
  const model = await findLearner(config.learner).fit(data, config.params, context);
  return new FittedPipeline(config, prepared, model);
}
