import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError, DataError, Rng } from '#core';
import {
  type ClassificationInput,
  classificationMetrics,
  classificationScore,
} from './classification-metrics.ts';
import type { ClassificationMetricName } from './metric-names.ts';
import { metricInfo, metricNames } from './metric-registry.ts';

interface Fixture {
  readonly name: string;
  readonly classes: number;
  readonly yTrue: number[];
  readonly probabilities: number[];
  readonly predicted: number[];
  readonly weights: number[] | null;
  readonly positiveClass: number | null;
  readonly scalars: Record<string, number>;
  readonly confusionMatrix: number[][];
  readonly percentileThresholds: number[];
  readonly positivesAtPercentiles: number[][][];
}

const fixtures: readonly Fixture[] = JSON.parse(
  readFileSync(new URL('../../test/fixtures/metrics/metrics.json', import.meta.url), 'utf8'),
).classification;

const inputOf = (fixture: Fixture): ClassificationInput => ({
  yTrue: fixture.yTrue,
  probabilities: Float64Array.from(fixture.probabilities),
  classes: fixture.classes,
  predicted: fixture.predicted,
  weights: fixture.weights ?? undefined,
  positiveClass: fixture.positiveClass ?? undefined,
});

describe.each(fixtures)('agreement with scikit-learn: $name', (fixture) => {
  const result = classificationMetrics(inputOf(fixture));

  test('every scalar', () => {
    expect(Object.keys(result.scalars).sort()).toEqual(Object.keys(fixture.scalars).sort());
    for (const [name, expected] of Object.entries(fixture.scalars)) {
      expect(result.scalars[name as ClassificationMetricName], name).toBeCloseTo(expected, 12);
    }
  });

  test('every scalar computed alone is the same', () => {
    for (const [name, expected] of Object.entries(fixture.scalars)) {
      const alone = classificationScore(name as ClassificationMetricName, inputOf(fixture));
      expect(alone, name).toBeCloseTo(expected, 12);
    }
  });

  test('the confusion matrix', () => {
    const { matrix } = result.confusion_matrix.data;
    matrix.forEach((row, t) => {
      row.forEach((count, p) => {
        expect(count).toBeCloseTo(fixture.confusionMatrix[t][p], 10);
      });
    });
  });

  test('the percentile thresholds of NumPy and the counts at them', () => {
    const { percentile_thresholds, percentile_tables } = result.accuracy_table.data;
    expect(percentile_thresholds).toEqual(fixture.percentileThresholds);
    fixture.positivesAtPercentiles.forEach((table, k) => {
      table.forEach(([tp, fp], i) => {
        expect(percentile_tables[k][10 * i][0]).toBeCloseTo(tp, 10);
        expect(percentile_tables[k][10 * i][1]).toBeCloseTo(fp, 10);
      });
    });
  });
});

/** A task with K classes of which every one has rows, probabilities in steps of 1/20 so that ties are common. */
const tasks = fc.integer({ min: 2, max: 4 }).chain((classes) =>
  fc
    .array(
      fc.record({
        y: fc.integer({ min: 0, max: classes - 1 }),
        p: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: classes, maxLength: classes }),
        weight: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 2, maxLength: 25 },
    )
    .map((rows) => ({ classes, rows })),
);
type Rows = readonly { readonly y: number; readonly p: readonly number[]; readonly weight: number }[];

const toInput = (rows: Rows, classes: number): ClassificationInput => ({
  yTrue: rows.map((row) => row.y),
  probabilities: Float64Array.from(
    rows.flatMap((row) => row.p.map((p) => p / row.p.reduce((a, b) => a + b, 0))),
  ),
  classes,
});

describe('properties', () => {
  test('accuracy is micro precision, recall and F1 and weighted recall', () => {
    fc.assert(
      fc.property(tasks, ({ rows, classes }) => {
        const { scalars } = classificationMetrics(toInput(rows, classes));
        const names = ['precision_score_micro', 'recall_score_micro', 'f1_score_micro'] as const;
        for (const name of names) expect(scalars[name]).toBe(scalars.accuracy);
        expect(scalars.recall_score_weighted).toBeCloseTo(scalars.accuracy, 12);
        expect(scalars.recall_score_macro).toBe(scalars.balanced_accuracy);
      }),
    );
  });

  test('the confusion matrix and every row of the accuracy table sum to N', () => {
    fc.assert(
      fc.property(tasks, ({ rows, classes }) => {
        const { confusion_matrix, accuracy_table } = classificationMetrics(toInput(rows, classes));
        expect(confusion_matrix.data.matrix.flat().reduce((a, b) => a + b, 0)).toBe(rows.length);
        const { probability_tables, percentile_tables } = accuracy_table.data;
        for (const counts of [...probability_tables.flat(), ...percentile_tables.flat()]) {
          expect(counts[0] + counts[1] + counts[2] + counts[3]).toBe(rows.length);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('the order of the rows does not matter', () => {
    fc.assert(
      fc.property(tasks, fc.integer(), ({ rows, classes }, seed) => {
        const shuffled = [...rows];
        const rng = new Rng(seed);
        for (let i = shuffled.length - 1; i > 0; i--) {
          const j = rng.integer(i + 1);
          [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
        }
        const before = classificationMetrics(toInput(rows, classes));
        const after = classificationMetrics(toInput(shuffled, classes));
        expect(after.confusion_matrix).toEqual(before.confusion_matrix);
        expect(after.accuracy_table).toEqual(before.accuracy_table);
        for (const name of Object.keys(before.scalars) as 'accuracy'[]) {
          if (Number.isNaN(before.scalars[name])) expect(after.scalars[name]).toBeNaN();
          else expect(after.scalars[name], name).toBeCloseTo(before.scalars[name], 12);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('a whole weight is that many equal rows', () => {
    fc.assert(
      fc.property(tasks, ({ rows, classes }) => {
        const repeated = rows.flatMap((row) => Array.from({ length: row.weight }, () => row));
        const weighted = { ...toInput(rows, classes), weights: rows.map((row) => row.weight) };
        const a = classificationMetrics(weighted);
        const b = classificationMetrics(toInput(repeated, classes));
        expect(a.confusion_matrix).toEqual(b.confusion_matrix);
        for (const name of Object.keys(a.scalars) as 'accuracy'[]) {
          if (Number.isNaN(b.scalars[name])) expect(a.scalars[name]).toBeNaN();
          else expect(a.scalars[name], name).toBeCloseTo(b.scalars[name], 12);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('every scalar stays in its bounds', () => {
    fc.assert(
      fc.property(tasks, ({ rows, classes }) => {
        const { scalars } = classificationMetrics({ ...toInput(rows, classes), positiveClass: 1 });
        for (const name of metricNames('classification') as ClassificationMetricName[]) {
          const value = scalars[name] as number;
          const [low, high] = metricInfo(name).bounds;
          if (Number.isNaN(value)) continue;
          expect(value, name).toBeGreaterThanOrEqual(low);
          expect(value, name).toBeLessThanOrEqual(high + 1e-12);
        }
      }),
    );
  });
});

describe('two classes', () => {
  const input = { yTrue: [0, 1, 1, 0], probabilities: [0.9, 0.1, 0.3, 0.7, 0.6, 0.4, 0.6, 0.4], classes: 2 };

  test('macro and weighted AUC agree', () => {
    const { scalars } = classificationMetrics(input);
    // Positives .7, .4; negatives .1, .4: 2 + 1.5 of 4.
    expect(scalars.AUC_macro).toBe(0.875);
    expect(scalars.AUC_weighted).toBe(0.875);
  });

  test('binary metrics appear with a positive class only', () => {
    expect(classificationMetrics(input).scalars).not.toHaveProperty('AUC_binary');
    const { scalars } = classificationMetrics({ ...input, positiveClass: 1 });
    expect(scalars.AUC_binary).toBe(0.875);
    // By argmax one row is predicted 1, rightly: precision 1, recall 1/2, F1 2/3.
    expect(scalars.precision_score_binary).toBe(1);
    expect(scalars.recall_score_binary).toBe(0.5);
    expect(scalars.f1_score_binary).toBeCloseTo(2 / 3, 14);
  });

  test('given labels replace the argmax and leave the ranking alone', () => {
    const argmax = classificationMetrics(input).scalars;
    const tuned = classificationMetrics({ ...input, predicted: [0, 1, 1, 1] }).scalars;
    expect(argmax.accuracy).toBe(0.75);
    expect(tuned.recall_score_macro).toBe(0.75);
    expect(tuned.AUC_weighted).toBe(argmax.AUC_weighted);
    expect(tuned.log_loss).toBe(argmax.log_loss);
  });

  test('the documents carry the class labels and Azure ML schema names', () => {
    const { confusion_matrix, accuracy_table } = classificationMetrics({
      ...input,
      classLabels: ['no', 'yes'],
    });
    expect(confusion_matrix).toEqual({
      schema_type: 'confusion_matrix',
      schema_version: '1.0.0',
      data: {
        class_labels: ['no', 'yes'],
        matrix: [
          [2, 0],
          [1, 1],
        ],
      },
    });
    expect(accuracy_table.schema_type).toBe('accuracy_table');
    expect(accuracy_table.data.class_labels).toEqual(['no', 'yes']);
  });
});

describe('corner cases', () => {
  test('all rows of one class: AUC undefined, the rest defined', () => {
    const { scalars } = classificationMetrics({
      yTrue: [1, 1],
      probabilities: [0.4, 0.6, 0.3, 0.7],
      classes: 2,
    });
    expect(scalars.AUC_macro).toBeNaN();
    expect(scalars.AUC_weighted).toBeNaN();
    expect(scalars.average_precision_score_weighted).toBe(1);
    expect(scalars.accuracy).toBe(1);
    expect(scalars.matthews_correlation).toBe(0);
  });

  test('one row works', () => {
    const { scalars } = classificationMetrics({ yTrue: [2], probabilities: [0.2, 0.3, 0.5], classes: 3 });
    expect(scalars.accuracy).toBe(1);
    expect(scalars.log_loss).toBeCloseTo(Math.LN2, 14);
  });

  test('many classes work: 2,000 rows of 100', () => {
    const rng = new Rng(3);
    const yTrue = Array.from({ length: 2000 }, () => rng.integer(100));
    const probabilities = Float64Array.from({ length: 200_000 }, (_, i) =>
      i % 100 === yTrue[Math.floor(i / 100)] ? 0.505 : 0.005,
    );
    const { scalars, accuracy_table } = classificationMetrics({ yTrue, probabilities, classes: 100 });
    expect(scalars.AUC_macro).toBe(1);
    expect(scalars.log_loss).toBeCloseTo(-Math.log(0.505), 12);
    expect(accuracy_table.data.probability_tables).toHaveLength(100);
  });

  test('bad input is refused in one sentence', () => {
    const good = { yTrue: [0, 1], probabilities: [0.5, 0.5, 0.5, 0.5], classes: 2 };
    expect(() => classificationMetrics({ ...good, probabilities: [0.5, 0.5, Number.NaN, 0.5] })).toThrow(
      DataError,
    );
    expect(() => classificationMetrics({ ...good, probabilities: [0.5, 0.5, 2, 0.5] })).toThrow(
      'classificationMetrics: probabilities must be in [0, 1], but got 2 in row 2, class 0. ' +
        'Check the model that made them.',
    );
    expect(() => classificationMetrics({ ...good, yTrue: [], probabilities: [] })).toThrow(/must be rows/);
    expect(() => classificationMetrics({ ...good, positiveClass: 2 })).toThrow(ConfigError);
    expect(() => classificationMetrics({ ...good, classLabels: ['a'] })).toThrow(
      'classificationMetrics: classLabels must be 2 names, but got 1. Give one per class.',
    );
    expect(() =>
      classificationScore('accuracy', { ...good, probabilities: [Number.NaN, 0.5, 0.5, 0.5] }),
    ).toThrow(DataError);
    expect(() => classificationScore('f1_score_binary', good)).toThrow(ConfigError);
  });
});
