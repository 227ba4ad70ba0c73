import { decodeArray, encodeArray } from '#core';
import type { OnnxGraph } from '#engine';
import type { FeatureMatrix } from '../features/matrix.ts';
import { checkFeatures } from './check-data.ts';
import type { Model, SerializedModel, TrainingData } from './learner.ts';
import { softmaxRows } from './linear-model.ts';

/** What happens to a value x of feature j before it is weighed, t being `offsets[j]`. */
export type ValueMap =
  /** 1 when x > t, else 0 */
  | 'binarize'
  /** max(x − t, 0) */
  | 'clip'
  /** x − t */
  | 'center';

export interface NaiveBayesParts {
  readonly learner: string;
  readonly classes: number;
  readonly map: ValueMap;
  /** [D] t of the map, exact in float32 */
  readonly offsets: Float64Array;
  /** [K, D] factors of f(x) and f(x)² */
  readonly linear: Float64Array;
  readonly quadratic: Float64Array | undefined;
  /** [K] */
  readonly constants: Float64Array;
}

/**
 * Log probabilities that are sums over features: ln P(k, x) = c_k + Σ_j a_kj·f_j(x_j) + b_kj·f_j(x_j)², and the softmax
 * of them. The sums may be huge where a class is all but impossible, so here and in ONNX they are float64.
 */
export class NaiveBayesModel implements Model {
  readonly learner: string;
  readonly classes: number;
  readonly width: number;
  private readonly parts: NaiveBayesParts;

  constructor(parts: NaiveBayesParts) {
    this.learner = parts.learner;
    this.classes = parts.classes;
    this.width = parts.offsets.length;
    this.parts = parts;
  }

  static load(json: SerializedModel): NaiveBayesModel {
    const { learner } = json;
    const array = (name: string) => decodeArray(json[name], 'float64', learner);
    return new NaiveBayesModel({
      learner,
      classes: json['classes'] as number,
      map: json['map'] as ValueMap,
      offsets: array('offsets'),
      linear: array('linear'),
      quadratic: json['quadratic'] === undefined ? undefined : array('quadratic'),
      constants: array('constants'),
    });
  }

  predict(X: FeatureMatrix): Float64Array {
    checkFeatures(this, X);
    const { classes, width } = this;
    const { linear, quadratic, offsets, map } = this.parts;
    const constants = this.parts.constants.slice();
    const scores = new Float64Array(X.rows * classes);
    for (let j = 0; j < width; j++) {
      const column = X.columns[j];
      const rows = column.kind === 'sparse' ? column.rows : undefined;
      // Rows that are not stored hold 0, whose share goes to the constants.
      const zero = rows === undefined ? 0 : mapValue(map, 0, offsets[j]);
      const mapped = Float64Array.from(column.values, (x) => mapValue(map, x, offsets[j]));
      for (let k = 0; k < classes; k++) {
        const a = linear[k * width + j];
        const b = quadratic?.[k * width + j] ?? 0;
        const share = a * zero + b * zero * zero;
        constants[k] += share;
        for (let i = 0; i < mapped.length; i++) {
          const f = mapped[i];
          scores[(rows === undefined ? i : rows[i]) * classes + k] += a * f + b * f * f - share;
        }
      }
    }
    for (let at = 0; at < scores.length; at++) scores[at] += constants[at % classes];
    return softmaxRows(scores, X.rows, classes);
  }

  toJSON(): SerializedModel {
    const { learner, classes, map, offsets, linear, quadratic, constants } = this.parts;
    return {
      learner,
      classes,
      map,
      offsets: encodeArray(offsets),
      linear: encodeArray(linear),
      ...(quadratic === undefined ? {} : { quadratic: encodeArray(quadratic) }),
      constants: encodeArray(constants),
    };
  }

  /** The map, MatMul in float64, Softmax. */
  emitOnnx(graph: OnnxGraph, features: string): string {
    const { classes, width } = this;
    const { linear, quadratic, constants } = this.parts;
    const f = this.emitMap(graph, features);
    const weights = (factors: Float64Array) => {
      const transposed = new Float64Array(factors.length);
      for (let k = 0; k < classes; k++) {
        for (let j = 0; j < width; j++) transposed[j * classes + k] = factors[k * width + j];
      }
      return graph.constant(transposed, [width, classes], 'log_probabilities');
    };
    let scores = graph.node('MatMul', [f, weights(linear)]);
    if (quadratic !== undefined) {
      const squares = graph.node('MatMul', [graph.node('Mul', [f, f]), weights(quadratic)]);
      scores = graph.node('Add', [scores, squares]);
    }
    scores = graph.node('Add', [scores, graph.constant(constants, [1, classes], 'constants')]);
    return graph.cast(graph.node('Softmax', [scores], { attributes: { axis: { int: 1 } } }), 'float32');
  }

  private emitMap(graph: OnnxGraph, features: string): string {
    const { map, offsets } = this.parts;
    if (map === 'binarize') {
      const threshold = graph.constant(Float32Array.from(offsets), [1, this.width], 'threshold');
      return graph.cast(graph.node('Greater', [features, threshold]), 'float64');
    }
    const offset = graph.constant(offsets, [1, this.width], 'offset');
    const moved = graph.node('Sub', [graph.cast(features, 'float64'), offset]);
    if (map === 'center') return moved;
    return graph.node('Max', [moved, graph.constant(new Float64Array(1), [], 'zero')]);
  }
}

/** f(x) of a feature; t is `offset`. */
function mapValue(map: ValueMap, x: number, offset: number): number {
  if (map === 'binarize') return x > offset ? 1 : 0;
  return map === 'clip' ? Math.max(x - offset, 0) : x - offset;
}

/** [K] sum of the sample weights of each class. */
export function classTotals({ y, classes, weights }: TrainingData): Float64Array {
  const totals = new Float64Array(classes);
  for (let i = 0; i < y.length; i++) totals[y[i]] += weights?.[i] ?? 1;
  return totals;
}

/** [K] ln of the class shares, or of 1 / K. */
export function logPriors(totals: Float64Array, fitPrior: boolean): Float64Array {
  const all = totals.reduce((total, value) => total + value, 0);
  return totals.map((value) => (fitPrior ? Math.log(value / all) : -Math.log(totals.length)));
}

/** [K, D] weighted sum of f(x) over the rows of each class. */
export function classSums(
  { X, y, classes, weights }: TrainingData,
  totals: Float64Array,
  map: ValueMap,
  offsets: Float64Array,
): Float64Array {
  const { width } = X;
  const sums = new Float64Array(classes * width);
  for (let j = 0; j < width; j++) {
    const column = X.columns[j];
    const rows = column.kind === 'sparse' ? column.rows : undefined;
    const zero = rows === undefined ? 0 : mapValue(map, 0, offsets[j]);
    for (let k = 0; k < classes; k++) sums[k * width + j] = zero * totals[k];
    for (let at = 0; at < column.values.length; at++) {
      const i = rows === undefined ? at : rows[at];
      sums[y[i] * width + j] += (weights?.[i] ?? 1) * (mapValue(map, column.values[at], offsets[j]) - zero);
    }
  }
  return sums;
}
