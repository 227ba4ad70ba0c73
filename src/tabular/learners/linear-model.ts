import { decodeArray, encodeArray } from '#core';
import type { OnnxGraph } from '#engine';
import type { FeatureMatrix } from '../features/matrix.ts';
import { checkFeatures } from './check-data.ts';
import type { Model, SerializedModel } from './learner.ts';

/** How linear scores become predictions. */
export type LinearLink =
  /** one score is the value */
  | 'identity'
  /** one score z → [1 − σ(z), σ(z)] */
  | 'logistic'
  /** K scores → softmax */
  | 'softmax'
  /** K scores → σ(z_k) / Σ_l σ(z_l), one against the rest */
  | 'one-vs-rest';

export interface LinearParts {
  readonly learner: string;
  /** K, or 0 in regression. */
  readonly classes: number;
  readonly link: LinearLink;
  /** [M, D], M = 1 for `identity` and `logistic`, else K; rounded to float32 by the model. */
  readonly coefficients: Float64Array;
  /** [M] */
  readonly intercepts: Float64Array;
}

/** Largest Σ_j |w_j·x_j| whose float32 rounding stays well below 1e-5 in a probability. */
const FLOAT32_REACH = 64;

/**
 * Scores z = x·W + b and a link. Coefficients are kept in float32 so that the ONNX file holds the same ones.
 *
 * The ONNX nodes multiply in float32 unless the training data showed sums so large that rounding would be visible;
 * then they multiply in float64.
 */
export class LinearModel implements Model {
  readonly learner: string;
  readonly classes: number;
  readonly width: number;
  readonly link: LinearLink;
  /** [M, D] */
  readonly coefficients: Float32Array;
  /** [M] */
  readonly intercepts: Float32Array;
  private readonly doublePrecision: boolean;

  private constructor(
    parts: Pick<LinearModel, 'learner' | 'classes' | 'width' | 'link' | 'coefficients' | 'intercepts'>,
    doublePrecision: boolean,
  ) {
    this.learner = parts.learner;
    this.classes = parts.classes;
    this.width = parts.width;
    this.link = parts.link;
    this.coefficients = parts.coefficients;
    this.intercepts = parts.intercepts;
    this.doublePrecision = doublePrecision;
  }

  /** @param X the training features, which tell how large the sums become */
  static fromFit(parts: LinearParts, X: FeatureMatrix): LinearModel {
    const coefficients = Float32Array.from(parts.coefficients);
    const intercepts = Float32Array.from(parts.intercepts);
    const model = new LinearModel({ ...parts, width: X.width, coefficients, intercepts }, false);
    const scale = parts.link === 'identity' ? Math.max(1, largest(model.scores(X))) : 1;
    const doublePrecision = largest(model.scores(X, Math.abs)) > FLOAT32_REACH * scale;
    return new LinearModel(model, doublePrecision);
  }

  static load(json: SerializedModel): LinearModel {
    const { learner } = json;
    return new LinearModel(
      {
        learner,
        classes: json['classes'] as number,
        width: json['width'] as number,
        link: json['link'] as LinearLink,
        coefficients: decodeArray(json['coefficients'], 'float32', learner),
        intercepts: decodeArray(json['intercepts'], 'float32', learner),
      },
      json['doublePrecision'] as boolean,
    );
  }

  predict(X: FeatureMatrix): Float64Array {
    checkFeatures(this, X);
    const scores = this.scores(X);
    if (this.link === 'identity') return scores;
    if (this.link === 'logistic') return fromLogits(scores);
    if (this.link === 'one-vs-rest')
      for (let i = 0; i < scores.length; i++) scores[i] = logSigmoid(scores[i]);
    return softmaxRows(scores, X.rows, this.classes);
  }

  toJSON(): SerializedModel {
    return {
      learner: this.learner,
      classes: this.classes,
      width: this.width,
      link: this.link,
      coefficients: encodeArray(this.coefficients),
      intercepts: encodeArray(this.intercepts),
      doublePrecision: this.doublePrecision,
    };
  }

  /** MatMul and Add, then Sigmoid and Concat, Softmax, or −Softplus(−z) and Softmax. */
  emitOnnx(graph: OnnxGraph, features: string): string {
    const scores = this.emitScores(graph, features);
    const axis = { attributes: { axis: { int: 1 } } };
    switch (this.link) {
      case 'identity':
        return scores;
      case 'logistic': {
        const p = graph.node('Sigmoid', [scores]);
        return graph.node('Concat', [graph.node('Sub', [graph.float(1), p]), p], axis);
      }
      case 'softmax':
        return graph.node('Softmax', [scores], axis);
      case 'one-vs-rest': {
        const logP = graph.node('Neg', [graph.node('Softplus', [graph.node('Neg', [scores])])]);
        return graph.node('Softmax', [logP], axis);
      }
    }
  }

  private emitScores(graph: OnnxGraph, features: string): string {
    const { width, intercepts } = this;
    const outputs = intercepts.length;
    const transposed = new Float32Array(width * outputs);
    for (let m = 0; m < outputs; m++) {
      for (let j = 0; j < width; j++) transposed[j * outputs + m] = this.coefficients[m * width + j];
    }
    const single = (name: string) => (this.doublePrecision ? graph.cast(name, 'float64') : name);
    const W = single(graph.constant(transposed, [width, outputs], 'coefficients'));
    const b = single(graph.constant(intercepts, [1, outputs], 'intercepts'));
    const scores = graph.node('Add', [graph.node('MatMul', [single(features), W]), b]);
    return this.doublePrecision ? graph.cast(scores, 'float32') : scores;
  }

  /** Row-major [N, M] of b + Σ_j f(w_j·x_j), f being the identity or |·|. */
  private scores(X: FeatureMatrix, map?: (value: number) => number): Float64Array {
    const { width, coefficients, intercepts } = this;
    const outputs = intercepts.length;
    const out = new Float64Array(X.rows * outputs);
    const column = new Float64Array(X.rows);
    for (let m = 0; m < outputs; m++) {
      column.fill(map ? map(intercepts[m]) : intercepts[m]);
      for (let j = 0; j < width; j++) {
        const w = coefficients[m * width + j];
        if (w !== 0) addColumn(X.columns[j], w, map !== undefined, column);
      }
      for (let i = 0; i < X.rows; i++) out[i * outputs + m] = column[i];
    }
    return out;
  }
}

function addColumn(
  column: FeatureMatrix['columns'][number],
  w: number,
  absolute: boolean,
  out: Float64Array,
): void {
  const { values } = column;
  const rows = column.kind === 'sparse' ? column.rows : undefined;
  if (absolute) {
    for (let i = 0; i < values.length; i++) out[rows === undefined ? i : rows[i]] += Math.abs(w * values[i]);
  } else if (rows === undefined) {
    for (let i = 0; i < values.length; i++) out[i] += w * values[i];
  } else {
    for (let i = 0; i < values.length; i++) out[rows[i]] += w * values[i];
  }
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

/** 1 / (1 + e^−z) */
export function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : 1 - 1 / (1 + Math.exp(z));
}

/** ln σ(z) without overflow. */
export function logSigmoid(z: number): number {
  return z >= 0 ? -Math.log1p(Math.exp(-z)) : z - Math.log1p(Math.exp(z));
}

/** [N] logits → row-major [N, 2]. */
function fromLogits(logits: Float64Array): Float64Array {
  const out = new Float64Array(2 * logits.length);
  for (let i = 0; i < logits.length; i++) {
    const p = sigmoid(logits[i]);
    out[2 * i] = 1 - p;
    out[2 * i + 1] = p;
  }
  return out;
}

/** Softmax of each row of [N, K], in place. */
export function softmaxRows(scores: Float64Array, rows: number, classes: number): Float64Array {
  for (let i = 0; i < rows; i++) {
    const start = i * classes;
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) most = Math.max(most, scores[start + k]);
    let total = 0;
    for (let k = 0; k < classes; k++) {
      scores[start + k] = Math.exp(scores[start + k] - most);
      total += scores[start + k];
    }
    for (let k = 0; k < classes; k++) scores[start + k] /= total;
  }
  return scores;
}
