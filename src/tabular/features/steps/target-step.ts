import { Rng } from '#core';
import type { Column, Table } from '#data';
import type { OnnxGraph } from '#engine';
import { CategoryEncoder, type CategoryEncoderJson, countCategories } from '../category-encoder.ts';
import { emitJoin, emitStack, inputOf } from '../emit.ts';
import type { InputDType } from '../inputs.ts';
import type { FeatureColumn, FeatureInfo } from '../matrix.ts';
import { numericFeature, type Step, type StepDescription, type StepJson } from './step.ts';

/** What target encoding learns from. N rows. */
export interface EncodingTarget {
  /** [N] class indices 0 … K − 1, or the values of a regression. */
  readonly y: Float64Array;
  /** K ≥ 2 in classification, 0 in regression. */
  readonly classes: number;
  /** [N] non-negative; all 1 when absent. */
  readonly weights?: Float64Array;
}

interface TargetSpec {
  readonly encoder: CategoryEncoderJson;
  /** Encoded values of each output by code: [outputs][codes]. float32 numbers; code 0 holds the overall mean. */
  readonly values: readonly (readonly number[])[];
}

const FOLDS = 5;
const SMOOTHING = 10;

/**
 * Categories as smoothed target means: (Σ w·y + m·mean) / (Σ w + m) with m = 10. Two classes and regressions give one
 * feature, K > 2 classes give K (the share of each class). Unseen values get the overall mean.
 *
 * @source https://doi.org/10.1145/507533.507538 (Micci-Barreca, 2001)
 */
export class TargetStep implements Step {
  readonly features: readonly FeatureInfo[];
  private readonly specs: readonly TargetSpec[];
  private readonly encoders: readonly CategoryEncoder[];

  constructor(specs: readonly TargetSpec[]) {
    this.specs = specs;
    this.encoders = specs.map(({ encoder }) => new CategoryEncoder(encoder));
    this.features = specs.flatMap(({ encoder: { column }, values }) =>
      values.map((_, k) => numericFeature(`${column}:target${values.length === 1 ? '' : `#${k}`}`, column)),
    );
  }

  transform(table: Table): FeatureColumn[] {
    return this.encoders.flatMap((encoder, c) => {
      const codes = encoder.encode(table.column(encoder.column));
      return this.specs[c].values.map((byCode): FeatureColumn => {
        const values = new Float32Array(codes.length);
        for (let i = 0; i < codes.length; i++) values[i] = byCode[codes[i]];
        return { kind: 'dense', values };
      });
    });
  }

  emitOnnx(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string {
    const blocks = this.specs.map(({ values }, c) => {
      const encoder = this.encoders[c];
      const input = inputOf(inputs, encoder.column);
      if (values.length === 1) {
        return emitStack(graph, [encoder.emitOnnx(graph, input, (code) => values[0][code])]);
      }
      const codes = encoder.emitOnnx(graph, input, (code) => code, 'int64');
      const rows = values[0].flatMap((_, code) => values.map((byCode) => byCode[code]));
      const lookup = graph.constant(Float32Array.from(rows), [values[0].length, values.length], 'means');
      return graph.node('Gather', [lookup, codes], { attributes: { axis: { int: 0 } } });
    });
    return emitJoin(graph, blocks);
  }

  describe(): StepDescription[] {
    const columns = this.encoders.map(({ column }) => column);
    return [{ name: 'TargetEncoder', settings: { folds: FOLDS, smoothing: SMOOTHING }, columns }];
  }

  toJSON(): StepJson {
    return { step: 'target', specs: this.specs };
  }

  static load(json: StepJson): TargetStep {
    return new TargetStep(json['specs'] as readonly TargetSpec[]);
  }
}

/** A fitted step and the features of its training rows, each encoded without the fold the row is in. */
export interface FittedTargetStep {
  readonly step: TargetStep;
  readonly training: readonly FeatureColumn[];
}

/** Fits the encoding of some columns; folds are drawn from `seed`. */
export function fitTargetStep(
  columns: readonly { readonly column: Column; readonly dtype: InputDType }[],
  target: EncodingTarget,
  seed: number,
): FittedTargetStep {
  const order = new Rng(seed).fork('target-encoding').permutation(target.y.length);
  const fold = new Uint8Array(order.length);
  for (let i = 0; i < order.length; i++) fold[order[i]] = i % FOLDS;
  const fitted = columns.map(({ column, dtype }) => fitColumn(column, dtype, target, fold));
  return {
    step: new TargetStep(fitted.map(({ spec }) => spec)),
    training: fitted.flatMap(({ training }) => training),
  };
}

function fitColumn(column: Column, dtype: InputDType, target: EncodingTarget, fold: Uint8Array) {
  const { keys, missing } = countCategories(column, dtype);
  const json = { column: column.name, dtype, keys, missingCode: missing > 0 ? keys.length + 1 : 0 };
  const codes = new CategoryEncoder(json).encode(column);
  const size = keys.length + 2;
  const outputs = target.classes > 2 ? Array.from({ length: target.classes }, (_, k) => k) : [undefined];
  const fits = outputs.map((k) => encodeOutput(codes, size, outputOf(target, k), target.weights, fold));
  return {
    spec: { encoder: json, values: fits.map(({ values }) => Array.from(values)) },
    training: fits.map(({ training }): FeatureColumn => ({ kind: 'dense', values: training })),
  };
}

function outputOf({ y }: EncodingTarget, k: number | undefined): Float64Array {
  return k === undefined ? y : y.map((value) => (value === k ? 1 : 0));
}

/** Sums per fold and code; the sums of all folds but one are the total less that fold's. */
function encodeOutput(
  codes: Int32Array,
  size: number,
  y: Float64Array,
  weights: Float64Array | undefined,
  fold: Uint8Array,
) {
  const sums = new Float64Array((FOLDS + 1) * size);
  const counts = new Float64Array((FOLDS + 1) * size);
  const foldSum = new Float64Array(FOLDS + 1);
  const foldCount = new Float64Array(FOLDS + 1);
  const add = (f: number, code: number, w: number, value: number) => {
    sums[f * size + code] += w * value;
    counts[f * size + code] += w;
    foldSum[f] += w * value;
    foldCount[f] += w;
  };
  for (let i = 0; i < codes.length; i++) {
    const w = weights === undefined ? 1 : weights[i];
    add(fold[i], codes[i], w, y[i]);
    add(FOLDS, codes[i], w, y[i]);
  }
  const encode = (code: number, without: number | undefined): number => {
    const at = FOLDS * size + code;
    const out = without === undefined ? undefined : without * size + code;
    const totalSum = foldSum[FOLDS] - (without === undefined ? 0 : foldSum[without]);
    const totalCount = foldCount[FOLDS] - (without === undefined ? 0 : foldCount[without]);
    const mean = totalCount > 0 ? totalSum / totalCount : 0;
    const sum = sums[at] - (out === undefined ? 0 : sums[out]);
    const count = counts[at] - (out === undefined ? 0 : counts[out]);
    return (sum + SMOOTHING * mean) / (count + SMOOTHING);
  };
  const values = Float32Array.from({ length: size }, (_, code) => encode(code, undefined));
  const training = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) training[i] = encode(codes[i], fold[i]);
  return { values, training };
}
