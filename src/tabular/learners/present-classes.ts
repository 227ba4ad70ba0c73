import { decodeArray, encodeArray } from '#core';
import type { OnnxGraph } from '#engine';
import type { FeatureMatrix } from '../features/matrix.ts';
import type { Model, SerializedModel, TrainingData } from './learner.ts';

/**
 * The data a learner really learns from: rows of weight 0 are gone, and so are classes without a row, as they occur
 * when a fold misses a rare class.
 */
export interface PresentData {
  readonly data: TrainingData;
  /** Original class index of each class in `data`; `undefined` when all K are there, or in regression. */
  readonly present: Float64Array | undefined;
}

export function presentClasses(data: TrainingData): PresentData {
  const used = withoutZeroWeights(data);
  if (data.classes === 0) return { data: used, present: undefined };
  const index = new Int32Array(data.classes).fill(-1);
  for (const k of used.y) index[k] = 0;
  const present = Float64Array.from([...index.keys()].filter((k) => index[k] === 0));
  if (present.length === data.classes) return { data: used, present: undefined };
  for (const [position, k] of present.entries()) index[k] = position;
  return { data: { ...used, y: used.y.map((k) => index[k]), classes: present.length }, present };
}

function withoutZeroWeights(data: TrainingData): TrainingData {
  const { X, y, weights } = data;
  if (weights === undefined || !weights.includes(0)) return data;
  const kept = Uint32Array.from([...weights.keys()].filter((i) => weights[i] > 0));
  return {
    ...data,
    X: X.take(kept),
    y: Float64Array.from(kept, (i) => y[i]),
    weights: Float64Array.from(kept, (i) => weights[i]),
  };
}

/** A model of some of the classes as a model of all K: the others have probability 0. */
export function withAbsentClasses(model: Model, classes: number, present: Float64Array | undefined): Model {
  return present === undefined ? model : new SubsetModel(model, classes, present);
}

/** Undoes what `withAbsentClasses` did to the JSON document; `load` reads the inner model. */
export function loadWithAbsentClasses(json: SerializedModel, load: (inner: SerializedModel) => Model): Model {
  if (json['present'] === undefined) return load(json);
  const inner = load(json['model'] as SerializedModel);
  return new SubsetModel(inner, json['classes'] as number, decodeArray(json['present'], 'float64'));
}

class SubsetModel implements Model {
  readonly learner: string;
  readonly classes: number;
  readonly width: number;
  private readonly inner: Model;
  private readonly present: Float64Array;

  constructor(inner: Model, classes: number, present: Float64Array) {
    this.learner = inner.learner;
    this.width = inner.width;
    this.classes = classes;
    this.inner = inner;
    this.present = present;
  }

  predict(X: FeatureMatrix): Float64Array {
    const { present, classes } = this;
    const some = this.inner.predict(X);
    const all = new Float64Array(X.rows * classes);
    for (let i = 0; i < X.rows; i++) {
      for (let k = 0; k < present.length; k++) all[i * classes + present[k]] = some[i * present.length + k];
    }
    return all;
  }

  toJSON(): SerializedModel {
    return {
      learner: this.learner,
      classes: this.classes,
      present: encodeArray(this.present),
      model: this.inner.toJSON(),
    };
  }

  /** Probabilities of the present classes times a 0/1 matrix. */
  emitOnnx(graph: OnnxGraph, features: string): string {
    const some = this.inner.emitOnnx(graph, features);
    const scatter = new Float32Array(this.present.length * this.classes);
    for (const [row, k] of this.present.entries()) scatter[row * this.classes + k] = 1;
    return graph.node('MatMul', [
      some,
      graph.constant(scatter, [this.present.length, this.classes], 'classes'),
    ]);
  }
}
