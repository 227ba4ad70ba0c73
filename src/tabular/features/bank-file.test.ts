import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTable, type StringColumn, type Table } from '#data';
import { OnnxSession } from '#engine';
import { fitFeaturizer } from './featurizer.ts';
import { guardrails } from './guardrails.ts';
import { tableFeeds } from './inputs.ts';
import { inferPurposes } from './purposes.ts';
import { fitScaler } from './scalers/scaler.ts';

const bank = join(
  process.env['TRAINYARD_DATA'] ?? '../shared/data',
  'bank-marketing',
  'bankmarketing_train.csv',
);

describe.skipIf(!existsSync(bank))(`featurisation of the real bank file (needs ${bank})`, () => {
  let table: Table;
  let y: Float64Array;

  beforeAll(async () => {
    const { table: whole } = await readTable(bank);
    table = whole.drop('y');
    const { codes, dictionary } = whole.column('y') as StringColumn;
    const yes = dictionary.indexOf('yes');
    y = Float64Array.from(codes, (code) => (code === yes ? 1 : 0));
  });

  it('has categorical campaign, pdays and previous, and gives 132 one-hot columns', () => {
    const purposes = inferPurposes(table);
    const of = (purpose: string) => purposes.filter((p) => p.purpose === purpose).map((p) => p.column);
    expect(of('Numeric')).toEqual([
      'age',
      'duration',
      'emp.var.rate',
      'cons.price.idx',
      'cons.conf.idx',
      'euribor3m',
      'nr.employed',
    ]);
    expect(of('Categorical')).toEqual(expect.arrayContaining(['campaign', 'pdays', 'previous', 'job']));
    expect(of('Numeric').length + of('Categorical').length).toBe(20);
    expect(fitFeaturizer(table, { encoding: 'onehot', purposes }).training.width).toBe(132);
    expect(fitFeaturizer(table, { encoding: 'ordinal', purposes }).training.width).toBe(20);
  });

  it.each(['onehot', 'ordinal'] as const)('is the same in ONNX, bit for bit: %s', async (encoding) => {
    const train = table.take(Array.from({ length: 20_000 }, (_, i) => i));
    const { featurizer } = fitFeaturizer(train, { encoding });
    const session = await OnnxSession.create(featurizer.toOnnx(), { threads: 1 });
    const { features } = await session.run(tableFeeds(table, featurizer.inputs()));
    await session.release();
    const expected = featurizer.transform(table).toRowMajor();
    expect(Buffer.compare(Buffer.from(expected.buffer), bytesOf(features.data as Float32Array))).toBe(0);
  });

  it('has the 9 duplicate rows and the rare class that are known of it, and no leak', () => {
    const report = guardrails(
      table,
      { name: 'y', y, classes: 2, labels: ['no', 'yes'] },
      { purposes: inferPurposes(table) },
    );
    const of = (name: string) => report.find((guardrail) => guardrail.name.startsWith(name));
    expect(of('Duplicate')?.message).toMatch(/^9 rows/);
    expect(of('Class')?.columns[0].detail).toBe('class "yes" has 3692 of 32950 rows');
    expect(of('Leakage')?.status).toBe('Passed');
  });

  it('is compressed by PCA to fewer columns that keep 95 % of the spread', () => {
    const { training } = fitFeaturizer(table, { encoding: 'onehot' });
    const standard = fitScaler('StandardScaler', training).transform(training);
    const width = fitScaler('PCA', standard, { components: 0.95 }).transform(standard).width;
    expect(width).toBeGreaterThan(50);
    expect(width).toBeLessThan(132);
  });
});

function bytesOf(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
