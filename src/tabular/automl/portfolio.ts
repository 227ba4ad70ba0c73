import type { Parameters } from '#tune';
import type { DataShape, Encoding, Learner, Task } from '../learners/learner.ts';
import type { PipelineConfig } from '../pipeline/pipeline.ts';

interface Entry {
  readonly learner: string;
  readonly params: Parameters;
  /** Overrides the scaler that learners which need scaling get. */
  readonly scaler?: string;
  /** Most rows × features it is worth its time for. */
  readonly maxCells?: number;
}

/** A quick but good model, so that there is something to show within seconds. */
const FIRST = { iterations: 60, learningRate: 0.15, maxLeaves: 15, regLambda: 1, colsampleByTree: 0.6 };

const boosted: readonly Parameters[] = [
  { iterations: 300, learningRate: 0.04, maxLeaves: 15, colsampleByTree: 0.6, subsample: 0.8, regLambda: 1 },
  { iterations: 250, learningRate: 0.04, maxLeaves: 15, regLambda: 1 },
  { iterations: 100, learningRate: 0.1, maxLeaves: 31, colsampleByTree: 0.7, regLambda: 1 },
  {
    iterations: 300,
    learningRate: 0.05,
    maxLeaves: 16,
    maxDepth: 4,
    growPolicy: 'depthwise',
    colsampleByTree: 0.6,
    subsample: 0.8,
    regLambda: 1,
  },
  {
    iterations: 220,
    learningRate: 0.05,
    maxLeaves: 15,
    boosting: 'goss',
    colsampleByTree: 0.5,
    regLambda: 5,
  },
  {
    iterations: 300,
    learningRate: 0.04,
    maxLeaves: 21,
    colsampleByTree: 0.6,
    subsample: 0.8,
    minSamplesLeaf: 50,
    regLambda: 1,
  },
  {
    iterations: 600,
    learningRate: 0.02,
    maxLeaves: 20,
    colsampleByTree: 0.5,
    subsample: 0.8,
    minSamplesLeaf: 30,
    regLambda: 1,
  },
];

/** Rows in a leaf of a single tree, which nothing averages. */
function leafRows({ rows }: DataShape): number {
  return Math.max(2, Math.min(50, Math.round(rows / 50)));
}

/** GradientBoosting's parameters fitted to the data: fewer rounds for many classes, small leaves for few rows. */
function boosting(params: Parameters, { rows, classes }: DataShape): Entry {
  const slower = classes > 5 ? 5 / classes : 1;
  const iterations = Math.max(15, Math.round(Number(params['iterations']) * slower));
  const learningRate = Math.min(0.2, Number(params['learningRate']) * Math.min(3, 1 / slower));
  const leaf = Math.max(2, Math.min(Number(params['minSamplesLeaf'] ?? 20), Math.round(rows / 60)));
  return {
    learner: 'GradientBoosting',
    params: {
      ...params,
      iterations,
      learningRate: Number(learningRate.toPrecision(3)),
      minSamplesLeaf: leaf,
    },
  };
}

function classification(shape: DataShape): Entry[] {
  const gb = boosted.map((params) => boosting(params, shape));
  return [
    boosting(FIRST, shape),
    gb[0],
    { learner: 'LogisticRegression', params: { C: 1 } },
    { learner: 'RandomForest', params: { trees: 150, minSamplesLeaf: 5, maxFeatures: 0.4 } },
    gb[1],
    gb[2],
    { learner: 'LogisticRegression', params: { C: 1, classWeight: 'balanced' } },
    gb[3],
    { learner: 'ExtremeRandomTrees', params: { trees: 150, minSamplesLeaf: 3 } },
    gb[4],
    gb[6],
    { learner: 'DecisionTree', params: { minSamplesLeaf: leafRows(shape) } },
    { learner: 'GaussianNaiveBayes', params: {} },
    { learner: 'BernoulliNaiveBayes', params: {} },
    { learner: 'LinearSVM', params: {}, maxCells: 2e7 },
    { learner: 'SGD', params: {} },
    { learner: 'KNN', params: {}, maxCells: 1.5e6 },
    gb[5],
    { learner: 'AveragedPerceptronClassifier', params: {} },
    { learner: 'MultinomialNaiveBayes', params: {}, scaler: 'MinMaxScaler' },
    {
      learner: 'LogisticRegression',
      params: { C: 0.1, penalty: 'l1' },
      scaler: 'MaxAbsScaler',
      maxCells: 2e7,
    },
  ];
}

function regression(shape: DataShape): Entry[] {
  const gb = boosted.map((params) => boosting(params, shape));
  const huber = { ...boosted[0], objective: 'huber' };
  return [
    boosting(FIRST, shape),
    gb[0],
    { learner: 'ElasticNet', params: {} },
    { learner: 'RandomForest', params: { trees: 150, minSamplesLeaf: 2, maxFeatures: 0.5 } },
    gb[1],
    boosting({ ...boosted[2], iterations: 300, maxLeaves: 63, learningRate: 0.05 }, shape),
    { learner: 'Ridge', params: {} },
    gb[3],
    { learner: 'ExtremeRandomTrees', params: { trees: 150, minSamplesLeaf: 2, maxFeatures: 0.5 } },
    gb[2],
    { learner: 'DecisionTree', params: { minSamplesLeaf: leafRows(shape) } },
    { learner: 'KNN', params: {}, maxCells: 1.5e6 },
    { learner: 'LassoLars', params: {} },
    { learner: 'SGD', params: {} },
    gb[4],
    boosting(huber, shape),
    gb[6],
    gb[5],
  ];
}

/**
 * Configurations that do well on most tables, in the order in which they are worth their time: the first is quick,
 * those that follow differ, so that an ensemble of the first few is already good. Written down by hand from
 * common defaults; some boosted configurations and the forest were compared on cross-validated bank-marketing data, so
 * scores on that table carry a trace of optimism.
 *
 * @param learners those that may be used
 */
export function portfolioFor(
  task: Task,
  shapes: Readonly<Record<Encoding, DataShape>>,
  learners: readonly Learner[],
): PipelineConfig[] {
  const entries = task === 'classification' ? classification(shapes.ordinal) : regression(shapes.ordinal);
  const byName = new Map(learners.map((learner) => [learner.name, learner]));
  return entries.flatMap(({ learner: name, params, scaler, maxCells = Number.POSITIVE_INFINITY }) => {
    const learner = byName.get(name);
    if (learner === undefined) return [];
    const { rows, width } = shapes[learner.encoding];
    if (rows * width > maxCells) return [];
    return [
      {
        encoding: learner.encoding,
        scaler: scaler ?? (learner.needsScaling ? 'StandardScaler' : null),
        learner: name,
        params,
      },
    ];
  });
}

/** The baseline, always the first trial. */
export const baseline: PipelineConfig = { encoding: 'ordinal', scaler: null, learner: 'Dummy', params: {} };
