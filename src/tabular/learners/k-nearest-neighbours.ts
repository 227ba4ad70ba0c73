import { decodeArray, encodeArray } from '#core';
import type { OnnxGraph } from '#engine';
import type { FeatureMatrix } from '../features/matrix.ts';
import { checkFeatures, checkTrainingData } from './check-data.ts';
import type { Learner, Model, SerializedModel, TrainingData } from './learner.ts';
import { emitDistances, emitVote } from './neighbour-onnx.ts';
import { type Metric, NeighbourSearch, type NeighbourTable, neighbourTable } from './neighbour-search.ts';
import { Pacer } from './pacer.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { loadWithAbsentClasses, presentClasses, withAbsentClasses } from './present-classes.ts';

export interface KNNParameters {
  /** k; all rows when there are fewer. */
  readonly neighbors: number;
  /** All neighbours count alike, or by 1 / distance. */
  readonly weights: 'uniform' | 'distance';
  readonly metric: Metric;
}

const name = 'KNN';
const defaults: KNNParameters = { neighbors: 25, weights: 'distance', metric: 'euclidean' };
const rules: ParameterRules<KNNParameters> = {
  neighbors: { type: 'int', min: 1 },
  weights: { type: 'choice', values: ['uniform', 'distance'] },
  metric: { type: 'choice', values: ['euclidean', 'manhattan'] },
};

/** Widest matrix for which the search tries `manhattan`: it needs ONNX nodes for every feature with three values or more. */
const MANHATTAN_WIDTH = 256;

interface KNNParts {
  readonly classes: number;
  readonly table: NeighbourTable;
  readonly k: number;
  readonly byDistance: boolean;
  /** [M] class indices or values */
  readonly y: Float64Array;
  /** [M] */
  readonly weights: Float64Array;
}

class KNNModel implements Model {
  readonly learner = name;
  readonly classes: number;
  readonly width: number;
  private readonly parts: KNNParts;
  private search: NeighbourSearch | undefined;

  constructor(parts: KNNParts) {
    this.classes = parts.classes;
    this.width = parts.table.width;
    this.parts = parts;
  }

  static load(json: SerializedModel): KNNModel {
    const values = decodeArray(json['values'], 'float32', name);
    const centers = decodeArray(json['centers'], 'float64', name);
    const weights = decodeArray(json['weights'], 'float64', name);
    return new KNNModel({
      classes: json['classes'] as number,
      table: {
        metric: json['metric'] as Metric,
        rows: weights.length,
        width: centers.length,
        values,
        centers,
        unit: json['unit'] as number,
      },
      k: json['k'] as number,
      byDistance: json['byDistance'] as boolean,
      y: decodeArray(json['y'], 'float64', name),
      weights,
    });
  }

  predict(X: FeatureMatrix): Float64Array {
    checkFeatures(this, X);
    const { table, k, y, weights } = this.parts;
    this.search ??= new NeighbourSearch(table, k);
    const outputs = Math.max(this.classes, 1);
    const out = new Float64Array(X.rows * outputs);
    this.search.search(X, (row, { index, distance }) => {
      const factors = this.factors(distance);
      let total = 0;
      for (const [at, i] of index.entries()) {
        const share = factors[at] * weights[i];
        total += share;
        if (this.classes > 0) out[row * outputs + y[i]] += share;
        else out[row] += share * y[i];
      }
      for (let t = 0; t < outputs; t++) out[row * outputs + t] /= total;
    });
    return out;
  }

  toJSON(): SerializedModel {
    const { classes, table, k, byDistance, y, weights } = this.parts;
    return {
      learner: name,
      classes,
      metric: table.metric,
      unit: table.unit,
      k,
      byDistance,
      values: encodeArray(table.values),
      centers: encodeArray(table.centers),
      y: encodeArray(y),
      weights: encodeArray(weights),
    };
  }

  /**
   * MatMul (or sums of |q − t|) in float64, TopK, Gather. The file holds all training rows, and a run needs N × M
   * distances: give it at most about 1000 rows at a time.
   */
  emitOnnx(graph: OnnxGraph, features: string): string {
    const { table, k, byDistance, y, weights } = this.parts;
    const outputs = Math.max(this.classes, 1);
    const targets = new Float64Array(table.rows * outputs);
    for (let i = 0; i < table.rows; i++) {
      if (this.classes > 0) targets[i * outputs + y[i]] = weights[i];
      else targets[i] = weights[i] * y[i];
    }
    const distances = emitDistances(graph, features, table);
    return emitVote(graph, distances, {
      k,
      squared: table.metric === 'euclidean',
      byDistance,
      targets,
      weights,
    });
  }

  private factors(distance: Float64Array): Float64Array {
    if (!this.parts.byDistance) return new Float64Array(distance.length).fill(1);
    if (distance[0] === 0) return distance.map((d) => (d === 0 ? 1 : 0));
    const squared = this.parts.table.metric === 'euclidean';
    return distance.map((d) => 1 / (squared ? Math.sqrt(d) : d));
  }
}

/**
 * k nearest neighbours: class shares or mean target of the k training rows that are nearest, over all of them. Sample
 * weights multiply a row's vote. Distances that differ by less than 1e-8 of the typical one are ties, and ties go to the
 * row that comes first.
 */
export const kNearestNeighbors: Learner<KNNParameters> = {
  name,
  tasks: ['classification', 'regression'],
  encoding: 'onehot',
  needsScaling: true,
  defaults,
  space: (_, { rows, width }) => ({
    neighbors: { type: 'int', low: 1, high: Math.max(2, Math.min(100, Math.floor(rows / 2))), log: true },
    weights: { type: 'choice', values: ['uniform', 'distance'] },
    metric: { type: 'choice', values: width <= MANHATTAN_WIDTH ? ['euclidean', 'manhattan'] : ['euclidean'] },
  }),
  // The fit is nothing, the predictions of a quarter of the rows are all.
  relativeCost: (_, { rows, width }) => 1.5e-10 * rows * rows * Math.min(width, 50),

  async fit(data, params, context) {
    const parsed = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: kNearestNeighbors.tasks });
    const pacer = new Pacer(name, context.deadline);
    const { data: used, present } = presentClasses(data);
    if (pacer.due()) await pacer.pause();
    return withAbsentClasses(fitModel(used, parsed), data.classes, present);
  },

  load: (json) => loadWithAbsentClasses(json, KNNModel.load),
};

function fitModel({ X, y, classes, weights }: TrainingData, params: KNNParameters): KNNModel {
  return new KNNModel({
    classes,
    table: neighbourTable(X, params.metric),
    k: Math.min(params.neighbors, X.rows),
    byDistance: params.weights === 'distance',
    y: y.slice(),
    weights: weights?.slice() ?? new Float64Array(X.rows).fill(1),
  });
}
