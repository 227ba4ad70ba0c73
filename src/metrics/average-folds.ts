import { ConfigError } from '#core';
import type { AccuracyTableDocument, ThresholdCounts } from './accuracy-table.ts';
import type { ClassificationResult, ClassificationScalars } from './classification-metrics.ts';
import type { PredictedTrueDocument, ResidualsDocument } from './regression-documents.ts';
import type { RegressionResult, RegressionScalars } from './regression-metrics.ts';

/**
 * The result of a cross-validation from the results of its folds. Scalars are the plain mean over the folds in which
 * they are defined (NaN folds are left out; NaN if none is defined). Confusion matrices and accuracy tables are summed,
 * percentile thresholds averaged. Regression documents are pooled as if all folds were one; that needs equal bins, so
 * give every fold the `range` and `standardDeviation` of the whole target.
 *
 * @throws ConfigError for no folds, folds of different tasks, class labels or bins
 */
export function averageFolds(folds: readonly ClassificationResult[]): ClassificationResult;
export function averageFolds(folds: readonly RegressionResult[]): RegressionResult;
export function averageFolds(
  folds: readonly (ClassificationResult | RegressionResult)[],
): ClassificationResult | RegressionResult;
export function averageFolds(
  folds: readonly (ClassificationResult | RegressionResult)[],
): ClassificationResult | RegressionResult {
  if (folds.length === 0) {
    throw new ConfigError('averageFolds: there must be folds, but got none. Pass the result of each fold.');
  }
  if (allClassification(folds)) return averageClassification(folds);
  if (allRegression(folds)) return averageRegression(folds);
  throw new ConfigError('averageFolds: folds must be of one task, but got both. Average them task by task.');
}

type AnyFolds = readonly (ClassificationResult | RegressionResult)[];

function allClassification(folds: AnyFolds): folds is readonly ClassificationResult[] {
  return folds.every((fold) => 'confusion_matrix' in fold);
}

function allRegression(folds: AnyFolds): folds is readonly RegressionResult[] {
  return folds.every((fold) => 'residuals' in fold);
}

function averageClassification(folds: readonly ClassificationResult[]): ClassificationResult {
  const [first] = folds;
  const labels = first.confusion_matrix.data.class_labels;
  checkSame(
    'class labels',
    folds.map((fold) => fold.confusion_matrix.data.class_labels),
  );
  const matrices = folds.map((fold) => fold.confusion_matrix.data.matrix);
  return {
    scalars: averageScalars(folds) as ClassificationScalars,
    confusion_matrix: {
      ...first.confusion_matrix,
      data: {
        class_labels: labels,
        matrix: matrices[0].map((row, t) => row.map((_, p) => sumOf(matrices, (matrix) => matrix[t][p]))),
      },
    },
    accuracy_table: sumTables(folds.map((fold) => fold.accuracy_table)),
  };
}

function averageRegression(folds: readonly RegressionResult[]): RegressionResult {
  return {
    scalars: averageScalars(folds) as RegressionScalars,
    residuals: poolResiduals(folds.map((fold) => fold.residuals)),
    predicted_true: poolPredictedTrue(folds.map((fold) => fold.predicted_true)),
  };
}

function averageScalars(
  folds: readonly { readonly scalars: Readonly<Record<string, number>> }[],
): Record<string, number> {
  const means: Record<string, number> = {};
  for (const name of Object.keys(folds[0].scalars)) {
    const defined = folds.map((fold) => fold.scalars[name]).filter((value) => !Number.isNaN(value));
    means[name] = sumOf(defined, (value) => value) / defined.length;
  }
  return means;
}

function sumTables(tables: readonly AccuracyTableDocument[]): AccuracyTableDocument {
  const [first] = tables;
  const sumCounts = (key: 'probability_tables' | 'percentile_tables') =>
    first.data[key].map((table, k) =>
      table.map((counts, m) => counts.map((_, cell) => sumOf(tables, (each) => each.data[key][k][m][cell]))),
    ) as unknown as ThresholdCounts[][];
  return {
    ...first,
    data: {
      ...first.data,
      probability_tables: sumCounts('probability_tables'),
      percentile_tables: sumCounts('percentile_tables'),
      percentile_thresholds: first.data.percentile_thresholds.map(
        (_, m) => sumOf(tables, (each) => each.data.percentile_thresholds[m]) / tables.length,
      ),
    },
  };
}

function poolResiduals(documents: readonly ResidualsDocument[]): ResidualsDocument {
  const parts = documents.map((document) => document.data);
  checkSame(
    'bins of the residuals',
    parts.map((part) => part.bin_edges.slice(1, -1)),
  );
  const pooled = pool(
    parts.map((part) => ({ count: part.res_count, mean: part.mean, deviation: part.stddev })),
  );
  const inner = parts[0].bin_edges.slice(1, -1);
  return {
    ...documents[0],
    data: {
      bin_edges: [
        Math.min(...parts.map((part) => part.bin_edges[0])),
        ...inner,
        Math.max(...parts.map((part) => part.bin_edges[part.bin_edges.length - 1])),
      ],
      bin_counts: parts[0].bin_counts.map((_, bin) => sumOf(parts, (part) => part.bin_counts[bin])),
      mean: pooled.mean,
      stddev: pooled.deviation,
      res_count: pooled.count,
    },
  };
}

function poolPredictedTrue(documents: readonly PredictedTrueDocument[]): PredictedTrueDocument {
  const parts = documents.map((document) => document.data);
  checkSame(
    'bins of predicted_true',
    parts.map((part) => part.bin_edges),
  );
  const bins = parts[0].bin_counts.map((_, bin) =>
    pool(
      parts.map((part) => ({
        count: part.bin_counts[bin],
        mean: part.bin_averages[bin],
        deviation: part.bin_errors[bin],
      })),
    ),
  );
  return {
    ...documents[0],
    data: {
      bin_edges: parts[0].bin_edges,
      bin_counts: bins.map(({ count }) => count),
      bin_averages: bins.map(({ mean }) => mean),
      bin_errors: bins.map(({ deviation }) => deviation),
    },
  };
}

interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
}

/** Mean and deviation of the union: Var = Σ n_j (σ_j² + (μ_j − μ)²) / n. */
function pool(parts: readonly Moments[]): Moments {
  const count = sumOf(parts, (part) => part.count);
  if (count === 0) return { count, mean: 0, deviation: 0 };
  const mean = sumOf(parts, (part) => part.count * part.mean) / count;
  const variance =
    sumOf(parts, (part) => part.count * (part.deviation ** 2 + (part.mean - mean) ** 2)) / count;
  return { count, mean, deviation: Math.sqrt(variance) };
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += value(item);
  return total;
}

function checkSame(what: string, values: readonly (readonly (string | number)[])[]): void {
  const [first] = values;
  for (let f = 1; f < values.length; f++) {
    if (values[f].length === first.length && values[f].every((value, i) => value === first[i])) continue;
    throw new ConfigError(
      `averageFolds: the ${what} must be the same in all folds, but got [${first}] in fold 1 and [${values[f]}] in ` +
        `fold ${f + 1}. Compute every fold with the settings of the whole data.`,
      { fold: f + 1 },
    );
  }
}
