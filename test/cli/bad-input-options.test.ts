import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { callTrainyard, expectErrorAtOnce, quick, temporaryFolder } from './run-trainyard.ts';
import { csvText, exampleCsv, examples, write } from './small-tables.ts';

const folder = temporaryFolder();
const automl = (...more: string[]) =>
  callTrainyard(folder, ['automl', 'good.csv', '--label', 'y', '--out', 'never.onnx', ...more]);

beforeAll(() => {
  write(folder, 'good.csv', exampleCsv(120));
});

describe('options that cannot work end with one line before any work', () => {
  it('a mistyped metric or learner: the near name is suggested', async () => {
    expectErrorAtOnce(
      await automl('--metric', 'AUC_wieghted'),
      '"AUC_wieghted"',
      'Did you mean AUC_weighted?',
    );
    expectErrorAtOnce(await automl('--metric', 'r2_score'), 'r2_score, which is for regression');
    expectErrorAtOnce(await automl('--allow', 'GradientBosting'), 'did you mean "GradientBoosting"?');
  });

  it('allow and block that leave no learner', async () => {
    const both = await automl('--allow', 'GradientBoosting', '--block', 'GradientBoosting');
    expectErrorAtOnce(both, 'some learner must remain');
  });

  it('numbers out of range', async () => {
    expectErrorAtOnce(await automl('--folds', '1'), '--folds', 'at least 2');
    expectErrorAtOnce(await automl('--folds', '1000'), 'from 2 to 50', '1000');
    expectErrorAtOnce(await automl('--timeout', 'soon'), '--timeout', '90s, 5m or 1.5h');
    expectErrorAtOnce(await automl('--hold-out', '2'), 'between 0 and 1', 'got 2');
  });

  it('options that contradict each other', async () => {
    expectErrorAtOnce(await automl('--hold-out', '0.2', '--monte-carlo', '3'), 'one kind of validation');
    expectErrorAtOnce(await automl('--hold-out', '0.2', '--folds', '5'), '--folds');
    expectErrorAtOnce(await automl('--group-column', 'y'), '"y" is the label');
  });

  it('helper columns that are missing or of the wrong kind', async () => {
    expectErrorAtOnce(await automl('--weights', 'weight'), '"weight"', 'Columns are: a, b, y.');
    expectErrorAtOnce(await automl('--weights', 'b'), 'weights must be numbers', '"b"');
    expectErrorAtOnce(await automl('--time-column', 'b'), 'dates or numbers', '"b" holds text');
    expectErrorAtOnce(await automl('--fold-column', 'a'), 'up to 50 folds', '"a"');
    expectErrorAtOnce(await automl('--positive', 'YES'), 'Did you mean "yes"?');
  });

  it('featurisation files that cannot be used: every fault is named', async () => {
    const featurize = (json: string) => automl('--featurization', write(folder, 'features.json', json));
    expectErrorAtOnce(await featurize('{oops'), 'features.json must hold JSON');
    expectErrorAtOnce(await featurize('[]'), '"auto", "off" or an object');
    const typos = await featurize('{"dropColums": ["a"], "imputation": {"a": "meen"}}');
    expectErrorAtOnce(typos, 'Did you mean "dropColumns"?', '"meen"');
    expectErrorAtOnce(await featurize('{"dropColumns": ["A B"]}'), '"A B"');
    expectErrorAtOnce(await featurize('{"dropColumns": ["a", "b"]}'), 'none is left');
    expectErrorAtOnce(await automl('--featurization', 'absent.json'), '"absent.json" cannot be read');
    expectErrorAtOnce(await automl('--featurization', 'off'), '"b" holds strings');
  });

  it('unknown commands and options, and required ones left out', async () => {
    expectErrorAtOnce(await callTrainyard(folder, ['autml']), 'autml');
    expectErrorAtOnce(await automl('--fold', '5'), '--fold');
    expectErrorAtOnce(await callTrainyard(folder, ['automl', 'good.csv']), '--label');
    expectErrorAtOnce(await callTrainyard(folder, ['predict', 'm.onnx', 'good.csv']), '--out');
  });

  it('writes no model', () => {
    expect(existsSync(join(folder, 'never.onnx'))).toBe(false);
  });
});

describe('tables of 500 columns', () => {
  it('name 20 of their columns in an error, not all', async () => {
    const names = Array.from({ length: 500 }, (_, j) => `f${j}`);
    write(
      folder,
      'wide.csv',
      csvText(
        [...names, 'y'],
        examples(30).map(({ a, y }) => [...names.map(() => a), y]),
      ),
    );
    const finished = await callTrainyard(folder, ['automl', 'wide.csv', '--label', 'outcome', ...quick]);
    expectErrorAtOnce(finished, 'f19 and 481 more');
    expect(finished.stderr.length).toBeLessThan(500);
  });
});
