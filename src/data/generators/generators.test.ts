import { describe, expect, it } from 'vitest';
import { describeTable } from '../describe-table.ts';
import { fingerprintTable } from '../fingerprint.ts';
import type { Table } from '../table.ts';
import { type BankRow, bankProbability, generateBank } from './bank.ts';
import { binaryTruth } from './binary-truth.ts';
import { generateMulticlass } from './multiclass.ts';
import { generateRegression } from './regression.ts';

function numbers(table: Table, name: string): Float64Array {
  const column = table.column(name);
  if (column.kind === 'string') throw new Error(`${name} holds strings`);
  return column.values;
}

function strings(table: Table, name: string): (string | null)[] {
  const column = table.column(name);
  if (column.kind !== 'string') throw new Error(`${name} holds numbers`);
  return Array.from(column.codes, (code) => (code < 0 ? null : column.dictionary.get(code)));
}

describe('generateBank', () => {
  const { table, truth } = generateBank({ rows: 32_950, seed: 1 });

  it('has the columns of the original, in order', () => {
    expect(table.columnNames.join(',')).toBe(
      'age,job,marital,education,default,housing,loan,contact,month,day_of_week,duration,campaign,pdays,previous,' +
        'poutcome,emp.var.rate,cons.price.idx,cons.conf.idx,euribor3m,nr.employed,y',
    );
  });

  // Columns: mean, standard deviation, minimum, quartiles, maximum as published; tolerance of mean and deviation.
  it.each([
    ['age', 40.04, 10.43, 17, 32, 38, 47, 98, 0.4],
    ['duration', 257.3, 257.3, 0, 102, 179, 318, 4918, 8],
    ['campaign', 2.562, 2.764, 1, 1, 2, 3, 56, 0.1],
    ['pdays', 962.2, 187.6, 0, 999, 999, 999, 999, 8],
    ['previous', 0.1748, 0.4965, 0, 0, 0, 0, 7, 0.02],
    ['emp.var.rate', 0.076, 1.572, -3.4, -1.8, 1.1, 1.4, 1.4, 0.05],
    ['cons.price.idx', 93.57, 0.579, 92.201, 93.075, 93.749, 93.994, 94.767, 0.02],
    ['cons.conf.idx', -40.52, 4.62, -50.8, -42.7, -41.8, -36.4, -26.9, 0.15],
    ['euribor3m', 3.616, 1.736, 0.634, 1.344, 4.857, 4.961, 5.045, 0.05],
    ['nr.employed', 5166.9, 72.2, 4963.6, 5099.1, 5191, 5228.1, 5228.1, 2],
  ])(
    'draws %s with the published moments and quartiles',
    (name, mean, std, min, q25, q50, q75, max, tolerance) => {
      const [summary] = describeTable(table.select([name]));
      expect(Math.abs((summary.mean as number) - mean)).toBeLessThan(tolerance);
      expect(Math.abs((summary.std as number) - std)).toBeLessThan(1.5 * tolerance);
      const near = 0.02 * (q75 - q25 || 1);
      expect(Math.abs((summary.q25 as number) - q25)).toBeLessThanOrEqual(near);
      expect(Math.abs((summary.q50 as number) - q50)).toBeLessThanOrEqual(
        near + (name === 'cons.price.idx' ? 0.05 : 0),
      );
      expect(Math.abs((summary.q75 as number) - q75)).toBeLessThanOrEqual(near);
      expect(summary.min).toBeGreaterThanOrEqual(min);
      expect(summary.max).toBeLessThanOrEqual(max);
    },
  );

  it('draws the categories of the original with their shares', () => {
    const shares: Record<string, Record<string, number>> = {
      job: { 'admin.': 0.253, 'blue-collar': 0.223, retired: 0.042, student: 0.021, unknown: 0.008 },
      marital: { married: 0.606, single: 0.28, divorced: 0.112 },
      education: { 'university.degree': 0.295, 'high.school': 0.229, 'basic.6y': 0.056, unknown: 0.042 },
      default: { no: 0.791, unknown: 0.209 },
      housing: { yes: 0.523, unknown: 0.024 },
      loan: { no: 0.824, unknown: 0.024 },
      contact: { cellular: 0.636 },
      month: { may: 0.336, jul: 0.175, aug: 0.148, dec: 0.004 },
      day_of_week: { thu: 0.211, fri: 0.19 },
      poutcome: { nonexistent: 0.862, failure: 0.105, success: 0.034 },
      y: { yes: 0.112 },
    };
    for (const [name, expected] of Object.entries(shares)) {
      const values = strings(table, name);
      for (const [value, share] of Object.entries(expected)) {
        const found = values.filter((other) => other === value).length / values.length;
        expect(Math.abs(found - share), `${name}=${value}: ${found}`).toBeLessThan(0.025);
      }
    }
    expect(new Set(strings(table, 'job')).size).toBe(12);
    expect(new Set(strings(table, 'month')).size).toBe(10);
    expect(new Set(strings(table, 'education')).size).toBe(8);
  });

  it('ties days since contact, contacts and outcome together', () => {
    const pdays = numbers(table, 'pdays');
    const previous = numbers(table, 'previous');
    const outcome = strings(table, 'poutcome');
    const rows = Array.from(previous, (contacts, i) => ({ contacts, days: pdays[i], outcome: outcome[i] }));
    expect(rows.filter(({ contacts, outcome }) => (contacts === 0) !== (outcome === 'nonexistent'))).toEqual(
      [],
    );
    expect(rows.filter(({ contacts, days }) => contacts === 0 && days !== 999)).toEqual([]);
    expect(rows.filter(({ outcome, days }) => outcome === 'success' && days > 27)).toEqual([]);
  });

  it('moves the indicators together: months fix them', () => {
    const rate = numbers(table, 'emp.var.rate');
    const employed = numbers(table, 'nr.employed');
    const euribor = numbers(table, 'euribor3m');
    const boom = Array.from(employed, (_, i) => i).filter((i) => employed[i] === 5228.1);
    expect(boom.length).toBeGreaterThan(10_000);
    expect(boom.filter((i) => rate[i] !== 1.4 || euribor[i] < 4.8)).toEqual([]);
    expect(
      new Set(Array.from(rate, (value, i) => `${value} ${numbers(table, 'cons.price.idx')[i]}`)).size,
    ).toBe(26);
  });

  it('tells the probability of every row, and the best scores near the real data', () => {
    const columns = table.columnNames.slice(0, -1);
    for (const i of [0, 17, 4711, 32_949]) {
      const row = Object.fromEntries(
        columns.map((name) => {
          const column = table.column(name);
          return [name, column.kind === 'string' ? column.dictionary.get(column.codes[i]) : column.values[i]];
        }),
      );
      expect(bankProbability(row as unknown as BankRow)).toBe(truth.probabilities[i]);
    }
    expect(truth.expectedAuc).toBeGreaterThan(0.94);
    expect(truth.expectedAuc).toBeLessThan(0.955);
    expect(Math.abs(truth.bestAuc - truth.expectedAuc)).toBeLessThan(0.005);
    expect(Math.abs(truth.bestLogLoss - truth.expectedLogLoss)).toBeLessThan(0.005);
    expect(Math.abs(truth.bestAccuracy - truth.expectedAccuracy)).toBeLessThan(0.005);
  });

  it('is calibrated: labels follow the probabilities in every tenth', () => {
    const y = strings(table, 'y');
    const order = Array.from(truth.probabilities, (_, i) => i).sort(
      (a, b) => truth.probabilities[a] - truth.probabilities[b],
    );
    for (let tenth = 0; tenth < 10; tenth++) {
      const rows = order.slice(3295 * tenth, 3295 * (tenth + 1));
      const expected = rows.reduce((sum, i) => sum + truth.probabilities[i], 0);
      const spread = Math.sqrt(
        rows.reduce((sum, i) => sum + truth.probabilities[i] * (1 - truth.probabilities[i]), 0),
      );
      const found = rows.filter((i) => y[i] === 'yes').length;
      expect(Math.abs(found - expected)).toBeLessThan(4 * spread + 1);
    }
  });

  it('depends on the seed alone, and blanks features without touching labels', () => {
    const small = generateBank({ rows: 500, seed: 9 });
    expect(fingerprintTable(generateBank({ rows: 500, seed: 9 }).table)).toBe(fingerprintTable(small.table));
    expect(fingerprintTable(generateBank({ rows: 500, seed: 10 }).table)).not.toBe(
      fingerprintTable(small.table),
    );
    const holed = generateBank({ rows: 500, seed: 9, missing: 0.2 });
    expect(strings(holed.table, 'y')).toEqual(strings(small.table, 'y'));
    expect(holed.truth).toEqual(small.truth);
    const missing = describeTable(holed.table).map((summary) => summary.missing);
    expect(missing.at(-1)).toBe(0);
    expect(Math.min(...missing.slice(0, -1))).toBeGreaterThan(60);
  });

  it('refuses no rows and impossible shares', () => {
    expect(() => generateBank({ rows: 0, seed: 1 })).toThrow('rows must be a whole number of at least 1');
    expect(() => generateBank({ rows: 5, seed: 1, missing: 1 })).toThrow('missing must be in [0, 1)');
  });
});

describe('binaryTruth', () => {
  it('agrees with hand-worked scores', () => {
    // Positives .8 and .4, negatives .4 and .1: pairs won 1, 1, ½, 1 of four.
    const truth = binaryTruth(Float64Array.of(0.8, 0.4, 0.4, 0.1), Uint8Array.of(1, 1, 0, 0), 'yes');
    expect(truth.bestAuc).toBeCloseTo(3.5 / 4, 12);
    expect(truth.bestLogLoss).toBeCloseTo(
      -(Math.log(0.8) + Math.log(0.4) + Math.log(0.6) + Math.log(0.9)) / 4,
      12,
    );
    expect(truth.bestAccuracy).toBe(0.75);
    expect(truth.expectedAccuracy).toBeCloseTo((0.8 + 0.6 + 0.6 + 0.9) / 4, 12);
  });

  it('weighs pairs by the probability of their labels', () => {
    const p = Float64Array.of(0.7, 0.2);
    // Expected pairs won, self-pairs as ties, over expected pairs.
    expect(binaryTruth(p, Uint8Array.of(1, 0), 'yes').expectedAuc).toBeCloseTo(
      (0.7 * 0.8 + 0.5 * (0.7 * 0.3 + 0.2 * 0.8)) / (0.9 * 1.1),
      12,
    );
  });
});

describe('generateRegression', () => {
  it('adds noise of the given size to known means', () => {
    const { table, truth } = generateRegression({ rows: 20_000, seed: 2, noise: 2 });
    const y = numbers(table, 'y');
    let squares = 0;
    for (let i = 0; i < y.length; i++) squares += (y[i] - truth.means[i]) ** 2;
    expect(truth.bestRmse).toBeCloseTo(Math.sqrt(squares / y.length), 12);
    expect(Math.abs(truth.bestRmse - truth.expectedRmse)).toBeLessThan(0.05);
    expect(truth.bestR2).toBeGreaterThan(0.85);
    expect(truth.bestR2).toBeLessThan(0.95);
    // E|ε| = σ·√(2/π)
    expect(truth.bestMae).toBeCloseTo(2 * Math.sqrt(2 / Math.PI), 1);
  });

  it('follows the formula it states', () => {
    const { table, truth } = generateRegression({ rows: 50, seed: 3 });
    const [x1, x2, x3, x4, x5] = [1, 2, 3, 4, 5].map((j) => numbers(table, `x${j}`));
    const shifts: Record<string, number> = { north: 3, south: -2, east: 0, west: 1, centre: -4, islands: 6 };
    const region = strings(table, 'region');
    const grade = strings(table, 'grade');
    for (let i = 0; i < 50; i++) {
      const rank = 'ABCDE'.indexOf(grade[i] as string);
      const mean =
        10 * Math.sin(Math.PI * x1[i] * x2[i]) +
        20 * (x3[i] - 0.5) ** 2 +
        10 * x4[i] +
        5 * x5[i] +
        shifts[region[i] as string] +
        2 * rank * x4[i];
      expect(truth.means[i]).toBeCloseTo(mean, 10);
    }
  });

  it('refuses noise of no size', () => {
    expect(() => generateRegression({ rows: 5, seed: 1, noise: 0 })).toThrow('noise must be above 0');
  });
});

describe('generateMulticlass', () => {
  it('draws classes with known probabilities, the later the rarer', () => {
    const { table, truth } = generateMulticlass({ rows: 20_000, seed: 4 });
    const labels = strings(table, 'label');
    const counts = truth.classes.map((name) => labels.filter((label) => label === name).length);
    expect(counts).toHaveLength(5);
    expect(counts[0]).toBeGreaterThan(counts[4]);
    expect(Math.min(...counts)).toBeGreaterThan(1000);
    for (const [k, count] of counts.entries()) {
      let expected = 0;
      for (let i = 0; i < labels.length; i++) expected += truth.probabilities[i * 5 + k];
      expect(Math.abs(count - expected)).toBeLessThan(200);
    }
    for (let i = 0; i < 100; i++) {
      const sum = truth.probabilities.subarray(5 * i, 5 * i + 5).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(1, 12);
    }
    expect(Math.abs(truth.bestLogLoss - truth.expectedLogLoss)).toBeLessThan(0.03);
    expect(Math.abs(truth.bestAccuracy - truth.expectedAccuracy)).toBeLessThan(0.01);
    expect(truth.expectedAccuracy).toBeGreaterThan(0.8);
    expect(truth.expectedAccuracy).toBeLessThan(0.95);
  });

  it('gives as many classes as asked for', () => {
    expect(generateMulticlass({ rows: 10, seed: 1, classes: 12 }).truth.classes).toHaveLength(12);
    expect(() => generateMulticlass({ rows: 10, seed: 1, classes: 1 })).toThrow('from 2 to 26');
  });
});
