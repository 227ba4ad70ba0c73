import type { Table } from '#data';
import type { OnnxGraph } from '#engine';
import type { FeatureColumn, FeatureInfo } from '../matrix.ts';

/** Names of the featuriser's steps, as `steps()` lists them and `blockedSteps` takes them. */
export const stepNames = [
  'NumericImputer',
  'MissingIndicator',
  'OneHotEncoder',
  'HashOneHotEncoder',
  'OrdinalEncoder',
  'TargetEncoder',
  'DateTimeParts',
  'WordTfIdf',
  'CharTfIdf',
] as const;

export type StepName = (typeof stepNames)[number];

/** One line of the fitted pipeline: a transformer, its settings, and the raw columns it works on. */
export interface StepDescription {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly columns: readonly string[];
}

/** A fitted step as a JSON document; `step` tells which one. */
export interface StepJson {
  readonly step: string;
  readonly [key: string]: unknown;
}

/** A fitted step: raw columns in, features out. N rows, d features. */
export interface Step {
  readonly features: readonly FeatureInfo[];
  /** Columns [N], one per feature. The table holds the raw columns in the kinds of their inputs (`alignTable`). */
  transform(table: Table): FeatureColumn[];
  /**
   * Adds the nodes that do the same.
   * @param inputs raw column → name of its graph input [N]
   * @returns name of a float32 tensor [N, d]
   */
  emitOnnx(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string;
  describe(): StepDescription[];
  toJSON(): StepJson;
}

/** A feature of type `numeric`. */
export function numericFeature(name: string, source: string): FeatureInfo {
  return { name, source, type: 'numeric', cardinality: 0 };
}
