import { decodeArray, encodeArray } from '#core';
import type { OnnxGraph } from '#engine';
import type { FeatureMatrix } from '../features/matrix.ts';
import { checkFeatures, checkTrainingData } from './check-data.ts';
import type { Learner, Model, SerializedModel, TrainingData } from './learner.ts';
import { parseParameters } from './parse-parameters.ts';

const name = 'Dummy';

class DummyModel implements Model {
  readonly learner = name;
  readonly classes: number;
  readonly width: number;
  /** [K] class shares, or the mean of the targets. */
  private readonly answer: Float64Array;

  constructor(classes: number, width: number, answer: Float64Array) {
    this.classes = classes;
    this.width = width;
    this.answer = answer;
  }

  predict(X: FeatureMatrix): Float64Array {
    checkFeatures(this, X, false);
    const { answer } = this;
    const out = new Float64Array(X.rows * answer.length);
    for (let i = 0; i < X.rows; i++) out.set(answer, i * answer.length);
    return out;
  }

  toJSON(): SerializedModel {
    return { learner: name, classes: this.classes, width: this.width, answer: encodeArray(this.answer) };
  }

  emitOnnx(graph: OnnxGraph, features: string): string {
    const answer = graph.constant(Float32Array.from(this.answer), [1, this.answer.length], 'answer');
    const rows = graph.node('Shape', [features], { attributes: { start: { int: 0 }, end: { int: 1 } } });
    const shape = graph.node('Concat', [rows, graph.int64([1])], { attributes: { axis: { int: 0 } } });
    return graph.node('Expand', [answer, shape]);
  }
}

/**
 * The baseline: the weighted share of each class, or the weighted mean of the targets, whatever the features are.
 * Fits any data with at least one row.
 */
export const dummy: Learner = {
  name,
  tasks: ['classification', 'regression'],
  encoding: 'onehot',
  needsScaling: false,
  defaults: {},
  space: () => ({}),
  relativeCost: () => 1e-4,

  async fit(data, params, context) {
    parseParameters(name, {}, params, {});
    const needs = { tasks: dummy.tasks, features: false, finite: false, twoClasses: false };
    checkTrainingData(name, data, needs);
    context.deadline.check(name);
    return new DummyModel(data.classes, data.X.width, averageTarget(data));
  },

  load: (json) =>
    new DummyModel(
      json['classes'] as number,
      json['width'] as number,
      decodeArray(json['answer'], 'float64', name),
    ),
};

function averageTarget({ y, classes, weights }: TrainingData): Float64Array {
  const sums = new Float64Array(Math.max(classes, 1));
  let total = 0;
  for (let i = 0; i < y.length; i++) {
    const weight = weights?.[i] ?? 1;
    total += weight;
    if (classes > 0) sums[y[i]] += weight;
    else sums[0] += weight * y[i];
  }
  return sums.map((sum) => sum / total);
}
