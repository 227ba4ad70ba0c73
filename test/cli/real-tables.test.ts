import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callTrainyard, temporaryFolder } from './run-trainyard.ts';

const data = resolve(process.env['TRAINYARD_DATA'] ?? '../shared/data');
const folder = temporaryFolder();

interface Report {
  readonly task: string;
  readonly labels: readonly string[] | null;
  readonly best: { readonly algorithm: string; readonly metrics: Readonly<Record<string, number>> };
  readonly guardrails: readonly {
    readonly name: string;
    readonly columns: readonly { readonly column: string; readonly detail: string }[];
  }[];
  readonly featureImportance: readonly { readonly column: string }[];
  readonly warnings: readonly string[];
}

/** A short search: the baseline, two boosted models on three folds, no ensembles unless asked. */
async function search(file: string, label: string, ...more: string[]): Promise<Report> {
  const args = ['automl', join(data, file), '--label', label, '--out', 'm.onnx', '--json', '--folds', '3'];
  const limits = ['--max-trials', '3', '--allow', 'GradientBoosting'];
  const { code, stdout, stderr } = await callTrainyard(folder, [...args, ...limits, ...more]);
  expect(stderr).not.toContain('error:');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Report;
}

const columnsOf = ({ guardrails }: Report, name: string) =>
  guardrails.find((guardrail) => guardrail.name.startsWith(name))?.columns.map(({ column }) => column);

function describeTable(file: string, tests: () => void): void {
  const path = join(data, file);
  describe.skipIf(!existsSync(path))(`the real table ${file} (needs ${path})`, tests);
}

describeTable('titanic/titanic.csv', () => {
  it('gives about 83 % accuracy, leaves out what only counts the rows and reads names as text', async () => {
    const report = await search('titanic/titanic.csv', 'Survived');
    expect(report).toMatchObject({ task: 'classification', labels: ['0', '1'] });
    expect(report.best.metrics['accuracy']).toBeGreaterThan(0.79);
    expect(report.best.metrics['accuracy']).toBeLessThan(0.88);
    expect(columnsOf(report, 'Uninformative')).toContain('PassengerId');
    expect(columnsOf(report, 'High cardinality')).toContain('Name');
    expect(columnsOf(report, 'Missing feature')).toEqual(['Age', 'Cabin', 'Embarked']);
    expect(report.featureImportance[0].column).toMatch(/^(Sex|Name)$/);
    expect(report.warnings).toEqual([]);
  });
});

describeTable('titanic/titanic3.csv', () => {
  it('reads ? as missing and warns that the lifeboat gives the label away', async () => {
    const report = await search('titanic/titanic3.csv', 'survived');
    expect(columnsOf(report, 'Missing feature')).toEqual(
      expect.arrayContaining(['age', 'fare', 'cabin', 'boat', 'body', 'home.dest']),
    );
    expect(report.featureImportance[0].column).toBe('boat');
    expect(report.warnings).toEqual([expect.stringMatching(/almost perfect .*"boat"/)]);
  });
});

describeTable('california-housing/housing.csv', () => {
  it('explains more than 80 % of the variance of house values', async () => {
    const report = await search('california-housing/housing.csv', 'median_house_value', '--no-importance');
    expect(report.task).toBe('regression');
    expect(report.best.metrics['r2_score']).toBeGreaterThan(0.8);
    expect(report.best.metrics['r2_score']).toBeLessThan(0.88);
    expect(report.best.metrics['root_mean_squared_error']).toBeLessThan(52_000);
    expect(columnsOf(report, 'Missing feature')).toEqual(['total_bedrooms']);
  });
});

describeTable('wine-quality/winequality-red.csv', () => {
  it('is a classification of six grades, or a regression when asked', async () => {
    const grades = await search('wine-quality/winequality-red.csv', 'quality', '--no-importance');
    expect(grades).toMatchObject({ task: 'classification', labels: ['3', '4', '5', '6', '7', '8'] });
    expect(grades.best.metrics['AUC_weighted']).toBeGreaterThan(0.79);
    expect(grades.best.metrics['accuracy']).toBeGreaterThan(0.63);
    expect(columnsOf(grades, 'Class balancing')).toEqual(['quality', 'quality', 'quality']);
    const points = await search('wine-quality/winequality-red.csv', 'quality', '--task', 'regression');
    expect(points.task).toBe('regression');
    expect(points.best.metrics['r2_score']).toBeGreaterThan(0.37);
    expect(points.featureImportance[0].column).toBe('alcohol');
  });
});

describeTable('bike-share/bike-no.csv', () => {
  it('warns that two columns add up to the label, and is no longer perfect without them', async () => {
    const features = join(folder, 'features.json');
    writeFileSync(features, '{"dropColumns": ["casual", "registered"]}');
    const honest = await search('bike-share/bike-no.csv', 'cnt', '--featurization', features);
    expect(honest.best.metrics['r2_score']).toBeGreaterThan(0.8);
    expect(honest.best.metrics['r2_score']).toBeLessThan(0.95);
    expect(honest.warnings).toEqual([]);
    const leaking = await search('bike-share/bike-no.csv', 'cnt');
    expect(leaking.best.metrics['r2_score']).toBeGreaterThan(0.99);
    expect(leaking.warnings).toEqual([expect.stringMatching(/almost perfect .*"registered"/)]);
    expect(columnsOf(leaking, 'Datetime')).toEqual(['date']);
  });
});
