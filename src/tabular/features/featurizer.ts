import { DataError } from '#core';
import type { Table } from '#data';
import { OnnxGraph } from '#engine';
import type { Encoding } from '../learners/learner.ts';
import { alignTable } from './align-table.ts';
import type { FeaturizationConfig } from './config.ts';
import { emitJoin } from './emit.ts';
import { fitSteps } from './fit-steps.ts';
import { type InputSpec, inputSpec } from './inputs.ts';
import { type FeatureColumn, type FeatureInfo, FeatureMatrix } from './matrix.ts';
import { type ColumnPurpose, inferPurposes } from './purposes.ts';
import { CharStep } from './steps/char-step.ts';
import { DateStep } from './steps/date-step.ts';
import { NumericStep } from './steps/numeric-step.ts';
import { OneHotStep } from './steps/one-hot-step.ts';
import { OrdinalStep } from './steps/ordinal-step.ts';
import type { Step, StepDescription, StepJson } from './steps/step.ts';
import { type EncodingTarget, TargetStep } from './steps/target-step.ts';
import { WordStep } from './steps/word-step.ts';

export type { FeaturizationConfig } from './config.ts';
export type { ColumnPurpose } from './purposes.ts';

export interface FeaturizerOptions {
  readonly encoding: Encoding;
  /** Purposes of the columns; inferred from the table (and the config) when absent. */
  readonly purposes?: readonly ColumnPurpose[];
  /** Default `auto`. */
  readonly config?: FeaturizationConfig;
  /**
   * Encode high-cardinality categories by the target, which is then needed. The config's wish comes first. Default
   * true for `ordinal`, where it concerns columns of more than 254 categories only; false for `onehot`.
   */
  readonly targetEncoding?: boolean;
  /** Decides the folds of target encoding; default 0. */
  readonly seed?: number;
  readonly target?: { readonly y: Float64Array; readonly classes: number };
  /** [N] sample weights; target encoding uses them. */
  readonly weights?: Float64Array;
}

/** A featuriser as a JSON document. */
export interface FeaturizerJson {
  readonly featurizer: 1;
  readonly encoding: Encoding;
  readonly inputs: readonly InputSpec[];
  readonly steps: readonly StepJson[];
}

const loaders: Readonly<Record<string, (json: StepJson) => Step>> = {
  numeric: NumericStep.load,
  oneHot: OneHotStep.load,
  ordinal: OrdinalStep.load,
  target: TargetStep.load,
  date: DateStep.load,
  words: WordStep.load,
  chars: CharStep.load,
};

/** Turns raw columns into features, in TypeScript and as ONNX nodes. Made by `fitFeaturizer`. */
export class Featurizer {
  readonly encoding: Encoding;
  /** D features, names unique. */
  readonly features: readonly FeatureInfo[];
  private readonly inputSpecs: readonly InputSpec[];
  private readonly fitted: readonly Step[];

  constructor(encoding: Encoding, inputs: readonly InputSpec[], steps: readonly Step[]) {
    this.encoding = encoding;
    this.inputSpecs = inputs;
    this.fitted = steps;
    this.features = uniqueNames(steps.flatMap((step) => step.features));
  }

  /** The graph inputs it reads, one per raw column in use. */
  inputs(): readonly InputSpec[] {
    return this.inputSpecs;
  }

  /**
   * @param table raw columns; others than those in use are not looked at
   * @returns features [N, D]
   * @throws DataError naming a missing column or a value that cannot be converted
   */
  transform(table: Table): FeatureMatrix {
    const aligned = alignTable(table, this.inputSpecs, 'Featurizer.transform');
    const columns = this.fitted.flatMap((step) => step.transform(aligned));
    return new FeatureMatrix(table.rows, this.features, columns);
  }

  /**
   * Adds the nodes that do the same as `transform`.
   * @param inputs raw column → name of its graph input, declared as `inputs()` says with shape [N]
   * @returns name of a float32 tensor [N, D]
   * @throws GraphError when the input of a column is not given
   */
  emitOnnx(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string {
    return emitJoin(
      graph,
      this.fitted.map((step) => step.emitOnnx(graph, inputs)),
    );
  }

  /** The featuriser alone as an ONNX file: the raw columns in, `features` [N, D] out (another name if a column has it). */
  toOnnx(): Uint8Array {
    const graph = new OnnxGraph('featurizer');
    const inputs = new Map(
      this.inputSpecs.map(({ column, dtype, doc }): [string, string] => [
        column,
        graph.input(column, dtype, ['N'], doc),
      ]),
    );
    let name = 'features';
    while (inputs.has(name)) name = `${name}_out`;
    graph.output(this.emitOnnx(graph, inputs), 'float32', ['N', this.features.length], name);
    return graph.toModel();
  }

  /** The fitted transformers with their settings and columns. */
  steps(): StepDescription[] {
    return this.fitted.flatMap((step) => step.describe());
  }

  toJSON(): FeaturizerJson {
    return {
      featurizer: 1,
      encoding: this.encoding,
      inputs: this.inputSpecs,
      steps: this.fitted.map((step) => step.toJSON()),
    };
  }
}

/** @throws DataError when the document is not one that `Featurizer.toJSON` wrote */
export function loadFeaturizer(json: FeaturizerJson): Featurizer {
  if (json?.featurizer !== 1) {
    throw new DataError(
      `loadFeaturizer: the document must have featurizer: 1, but got ${JSON.stringify(json?.featurizer)}. ` +
        'Pass what Featurizer.toJSON wrote.',
    );
  }
  const steps = json.steps.map((step) => {
    const load = loaders[step.step];
    if (load !== undefined) return load(step);
    throw new DataError(
      `loadFeaturizer: a step must be one of ${Object.keys(loaders).join(', ')}, but got "${step.step}". ` +
        'Load it with the version that wrote it.',
    );
  });
  return new Featurizer(json.encoding, json.inputs, steps);
}

/**
 * Fits a featuriser on raw columns (label dropped).
 *
 * @returns the featuriser, and the features [N, D] to train on: as `transform` gives them, except that target encoding
 * of a row uses only rows of other folds
 * @throws DataError when no rows or no features remain, or `config` is `off` and a column does not hold numbers
 * @throws ConfigError when the config's column purposes do not fit the table
 */
export function fitFeaturizer(
  table: Table,
  options: FeaturizerOptions,
): { featurizer: Featurizer; training: FeatureMatrix } {
  const { encoding, config = 'auto', seed = 0 } = options;
  const settings = typeof config === 'object' ? config : {};
  const purposes = options.purposes ?? inferPurposes(table, { overrides: settings.columnPurposes ?? {} });
  if (table.rows === 0) {
    throw new DataError('fitFeaturizer: the table must have rows, but got 0. Check the source of the data.');
  }
  const fitted = fitSteps({
    table,
    encoding,
    purposes,
    config,
    seed,
    targetEncoding: settings.targetEncoding ?? options.targetEncoding ?? encoding === 'ordinal',
    ...targetOf(options),
  });
  const steps = fitted.map(({ step }) => step).filter(({ features }) => features.length > 0);
  if (steps.length === 0) {
    const reasons = purposes.map(({ column, reason }) => `${column} (${reason})`).join(', ');
    throw new DataError(
      `fitFeaturizer: at least one feature must remain, but all columns were dropped: ${reasons}. ` +
        'Add columns, or set columnPurposes.',
    );
  }
  const inputs = usedInputs(table, purposes, steps);
  const featurizer = new Featurizer(encoding, inputs, steps);
  const aligned = alignTable(table, inputs, 'fitFeaturizer');
  const columns = fitted.flatMap(({ step, training }): readonly FeatureColumn[] =>
    step.features.length === 0 ? [] : (training ?? step.transform(aligned)),
  );
  return { featurizer, training: new FeatureMatrix(table.rows, featurizer.features, columns) };
}

function targetOf({ target, weights }: FeaturizerOptions): { target?: EncodingTarget } {
  if (target === undefined) return {};
  const { y, classes } = target;
  return { target: { y, classes, ...(weights === undefined ? {} : { weights }) } };
}

/** Inputs of the columns that some step reads, in the order of the table. */
function usedInputs(table: Table, purposes: readonly ColumnPurpose[], steps: readonly Step[]): InputSpec[] {
  const sources = new Set(steps.flatMap((step) => step.features.map(({ source }) => source)));
  const purposeOf = new Map(purposes.map(({ column, purpose }) => [column, purpose]));
  return table.columns
    .filter(({ name }) => sources.has(name))
    .map((column) => inputSpec(column, purposeOf.get(column.name) ?? 'Numeric'));
}

/** The same features, later ones of equal names numbered. */
function uniqueNames(features: readonly FeatureInfo[]): FeatureInfo[] {
  const taken = new Set<string>();
  return features.map((feature) => {
    let { name } = feature;
    for (let i = 2; taken.has(name); i++) name = `${feature.name}~${i}`;
    taken.add(name);
    return name === feature.name ? feature : { ...feature, name };
  });
}
