import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dateColumn, numberColumn, stringColumn, Table } from '#data';
import { OnnxSession } from '#engine';
import { type DatePart, dateParts, writeDateParts } from '../civil-date.ts';
import { fitFeaturizer, loadFeaturizer } from '../featurizer.ts';
import { tableFeeds } from '../inputs.ts';

function partsOf(text: string): Record<DatePart, number> {
  const out = new Float64Array(dateParts.length);
  writeDateParts(Date.parse(text), out);
  return Object.fromEntries(dateParts.map((part, p) => [part, out[p]])) as Record<DatePart, number>;
}

describe('writeDateParts', () => {
  it('gives the parts of an instant', () => {
    expect(partsOf('2024-02-29T13:45:59.999Z')).toEqual({
      year: 2024,
      month: 2,
      day: 29,
      dayofweek: 3,
      dayofyear: 60,
      quarter: 1,
      week: 9,
      hour: 13,
      minute: 45,
      second: 59,
      epochday: 19_782,
    });
  });

  it('counts back from 1970', () => {
    expect(partsOf('1969-12-31T23:59:59.999Z')).toMatchObject({
      year: 1969,
      month: 12,
      day: 31,
      dayofweek: 2,
      dayofyear: 365,
      hour: 23,
      minute: 59,
      second: 59,
      epochday: -1,
    });
    expect(partsOf('1900-03-01T00:00:00Z')).toMatchObject({ dayofyear: 60, month: 3, day: 1 });
  });

  it('numbers weeks as ISO 8601 does', () => {
    const weeks = {
      '2005-01-01': 53,
      '2005-01-03': 1,
      '2008-12-29': 1,
      '2009-12-31': 53,
      '2010-01-03': 53,
      '2012-12-31': 1,
      '2026-12-31': 53,
    };
    for (const [day, week] of Object.entries(weeks)) expect(partsOf(`${day}T00:00:00Z`).week, day).toBe(week);
  });

  it('agrees with the calendar of JavaScript over its whole range', () => {
    fc.assert(
      fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (ms) => {
        const date = new Date(ms);
        const out = new Float64Array(dateParts.length);
        writeDateParts(ms, out);
        expect(out[0]).toBe(date.getUTCFullYear());
        expect(out[1]).toBe(date.getUTCMonth() + 1);
        expect(out[2]).toBe(date.getUTCDate());
        expect(out[3]).toBe((date.getUTCDay() + 6) % 7);
        expect([...out.slice(7, 10)]).toEqual([
          date.getUTCHours(),
          date.getUTCMinutes(),
          date.getUTCSeconds(),
        ]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('DateStep', () => {
  const day = 86_400_000;
  const table = new Table([
    dateColumn('when', [0, 31 * day, null, 366 * day]),
    numberColumn('x', [1.5, 2, 3, 4]),
  ]);

  it('names parts, leaves out constant ones, fills gaps with means and flags them', () => {
    const { featurizer, training } = fitFeaturizer(table, { encoding: 'onehot' });
    expect(training.features.map(({ name }) => name)).toEqual([
      'x',
      'when.year',
      'when.month',
      'when.day',
      'when.dayofweek',
      'when.dayofyear',
      'when.week',
      'when.epochday',
      'when_WASNULL',
    ]);
    const year = training.dense(1);
    expect([...year]).toEqual([1970, 1970, Math.fround(5911 / 3), 1971]);
    expect([...training.dense(8)]).toEqual([0, 0, 1, 0]);
    expect(featurizer.inputs()[0]).toMatchObject({ column: 'when', dtype: 'int64' });
    expect(featurizer.steps().map(({ name }) => name)).toEqual(['NumericImputer', 'DateTimeParts']);
  });

  it('keeps gaps for trees, and gives nothing when blocked', () => {
    const { training } = fitFeaturizer(table, { encoding: 'ordinal' });
    expect(training.dense(1)[2]).toBeNaN();
    expect(training.features.some(({ name }) => name === 'when_WASNULL')).toBe(false);
    const config = { blockedSteps: ['DateTimeParts'] } as const;
    expect(fitFeaturizer(table, { encoding: 'onehot', config }).training.width).toBe(1);
  });

  it('does in ONNX what it does in TypeScript, exactly, for dates of every age', async () => {
    const instants = fc.array(
      fc.oneof(
        fc.integer({ min: -8.64e15, max: 8.64e15 }),
        fc.integer({ min: -5e12, max: 5e12 }),
        fc.constantFrom(...['1600-02-29', '1900-02-28', '2000-02-29', '2100-03-01'].map(Date.parse)),
        fc.constant(null),
      ),
      { minLength: 2, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(instants, instants, fc.constantFrom('onehot', 'ordinal'), async (a, b, encoding) => {
        const n = Math.min(a.length, b.length);
        const dates = new Table([
          dateColumn('a', [0, ...a.slice(0, n)]),
          dateColumn('b', [0, ...b.slice(0, n)]),
          numberColumn(
            'x',
            Array.from({ length: n + 1 }, (_, i) => i),
          ),
        ]);
        const { featurizer, training } = fitFeaturizer(dates, { encoding });
        const session = await OnnxSession.create(featurizer.toOnnx(), { threads: 1 });
        const { features } = await session.run(tableFeeds(dates, featurizer.inputs()));
        await session.release();
        expect(features.data).toEqual(training.toRowMajor());
        const loaded = loadFeaturizer(JSON.parse(JSON.stringify(featurizer.toJSON())));
        expect(loaded.transform(dates).toRowMajor()).toEqual(training.toRowMajor());
      }),
      { numRuns: 30 },
    );
  });

  it('reads ISO dates in a column of strings', () => {
    const { featurizer } = fitFeaturizer(table, { encoding: 'ordinal' });
    const inputs = featurizer.inputs();
    const feeds = tableFeeds(
      new Table([
        numberColumn('x', [1, 1, 1]),
        stringColumn('when', ['1970-01-02', '1969-12-31T23:00:00Z', '']),
      ]),
      inputs,
    );
    expect([...(feeds['when'].data as BigInt64Array)]).toEqual([86_400_000n, -3_600_000n, -(2n ** 63n)]);
    const wrong = new Table([numberColumn('x', [1]), stringColumn('when', ['yesterday'])]);
    expect(() => tableFeeds(wrong, inputs)).toThrow(
      /"when" must hold whole numbers or ISO dates.*row 1.*"yesterday"/,
    );
  });
});
