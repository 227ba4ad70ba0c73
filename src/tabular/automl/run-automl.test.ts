import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, DataError, distFile } from '#core';
import {
  generateBank,
  generateMulticlass,
  generateRegression,
  numberColumn,
  stringColumn,
  Table,
} from '#data';
import { TabularPredictor } from '../pipeline/onnx-predictor.ts';
import type { AutoMLEvent } from './automl-event.ts';
import type { AutoMLOptions } from './automl-options.ts';
import type { AutoMLResult } from './automl-result.ts';
import { runAutoML } from './run-automl.ts';

const bank = generateBank({ rows: 600, seed: 3 }).table;
const quick = {
  label: 'y',
  allow: ['GradientBoosting', 'LogisticRegression'],
  maxTrials: 6,
  folds: 3,
} as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trainyard-automl-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function collect(options: AutoMLOptions): Promise<{ events: AutoMLEvent[]; result: AutoMLResult }> {
  const run = runAutoML(options);
  const events: AutoMLEvent[] = [];
  for await (const event of run) events.push(event);
  return { events, result: await run.result };
}

/** What must not depend on the clock. */
const essence = ({ children, best, ensembles }: AutoMLResult) => ({
  children: children.map(({ fitSeconds: _, ...child }) => child),
  best: { ...best, steps: [] },
  ensembles,
});

describe('runAutoML', () => {
  it('goes from a table to a leaderboard and one ONNX file', async () => {
    const out = join(folder, 'model.onnx');
    const { events, result } = await collect({ ...quick, table: bank, concurrency: 2, out });
    expect(result.children.map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(result.children[0].algorithm).toBe('Dummy');
    expect(result.children.every(({ status }) => status === 'completed')).toBe(true);
    expect(result.children[1].metrics.AUC_weighted).toBeGreaterThan(0.7);
    expect(result.validation).toEqual({ kind: 'k-fold', folds: 3, reason: 'as given' });
    expect(result.ensembles.map(({ kind }) => kind)).toEqual(['VotingEnsemble', 'StackEnsemble']);
    const shares = result.ensembles[0].members.reduce((sum, { weight }) => sum + weight, 0);
    expect(shares).toBeCloseTo(1, 10);
    expect(result.best.steps.length).toBeGreaterThan(0);
    expect(result.featureImportance[0].column).toBe('duration');
    expect(result.guardrails.length).toBeGreaterThan(3);
    expect(result.stopReason).toBe('all 6 trials were made');
    expect(result.warnings).toEqual([]);
    expect(result.labels).toEqual(['no', 'yes']);
    expect(readFileSync(out).byteLength).toBe(result.modelBytes);
    expect(JSON.parse(JSON.stringify(result))).toBeTypeOf('object');

    const types = events.map(({ type }) => type);
    expect(types[0]).toBe('started');
    expect(types.at(-1)).toBe('finished');
    for (const type of ['guardrail', 'trial-started', 'trial', 'improved', 'ensemble'] as const) {
      expect(types).toContain(type);
    }
    const predictor = await TabularPredictor.load(out);
    const { probabilities } = await predictor.predict(bank.drop('y'));
    await predictor.release();
    expect(probabilities).toHaveLength(1200);
  });

  it('tries the same configurations with the same seed, whatever the workers’ timing', async () => {
    const options = { ...quick, table: bank, maxTrials: 9, importance: false };
    const once = await collect({ ...options, concurrency: 1 });
    const again = await collect({ ...options, concurrency: 1 });
    expect(essence(again.result)).toEqual(essence(once.result));
    const two = await collect({ ...options, concurrency: 2 });
    const twoAgain = await collect({ ...options, concurrency: 2 });
    expect(essence(twoAgain.result)).toEqual(essence(two.result));
  });

  it('learns several classes and tunes the decision for a metric that depends on it', async () => {
    const { table } = generateMulticlass({ rows: 400, seed: 1, classes: 3 });
    const label = table.columnNames.at(-1) as string;
    const { result } = await collect({
      ...quick,
      table,
      label,
      metric: 'norm_macro_recall',
      maxTrials: 3,
      importance: false,
    });
    expect(result.primaryMetric).toBe('norm_macro_recall');
    expect(result.classWeights).toHaveLength(3);
    expect(result.best.metrics.norm_macro_recall).toBeGreaterThan(0.2);
    expect(result.threshold).toBeNull();
  });

  it('stores the tuned threshold for two classes', async () => {
    const { result } = await collect({
      ...quick,
      table: bank,
      metric: 'f1_macro',
      maxTrials: 2,
      importance: false,
    });
    expect(result.primaryMetric).toBe('f1_score_macro');
    expect(result.threshold).toBeGreaterThan(0);
    expect(result.threshold).toBeLessThan(1);
  });

  it('learns a number', async () => {
    const { table } = generateRegression({ rows: 400, seed: 1 });
    const label = table.columnNames.at(-1) as string;
    const { allow: _, ...rest } = quick;
    const { result } = await collect({ ...rest, allow: ['GradientBoosting'], table, label, maxTrials: 3 });
    expect(result.task).toBe('regression');
    expect(result.primaryMetric).toBe('r2_score');
    expect(result.best.metrics.r2_score).toBeGreaterThan(0.5);
    expect(result.labels).toBeNull();
  });

  it('validates on given data and does not train on it', async () => {
    const order = Array.from({ length: 600 }, (_, i) => i);
    const training = bank.take(order.slice(0, 450));
    const validation = bank.take(order.slice(450));
    const { folds: _, ...rest } = quick;
    const { result } = await collect({
      ...rest,
      table: training,
      validation: { kind: 'given', table: validation },
      maxTrials: 2,
      importance: false,
    });
    expect(result.validation.kind).toBe('given');
    expect(result.rows.used).toBe(450);
    expect(result.best.metrics.AUC_weighted).toBeGreaterThan(0.7);
  });

  it('counts rows without a label and finds classes rarer than folds', async () => {
    const rows = 120;
    const table = new Table([
      numberColumn(
        'x',
        Array.from({ length: rows }, (_, i) => (i % 3) + ((i * 7919) % 97) / 200),
      ),
      stringColumn(
        'y',
        Array.from({ length: rows }, (_, i) => (i < 4 ? null : i < 6 ? 'rare' : `class ${i % 3}`)),
      ),
    ]);
    const { result } = await collect({ ...quick, table, folds: 5, maxTrials: 3, importance: false });
    expect(result.rows).toEqual({ used: 116, missingLabel: 4 });
    expect(result.validation.reason).toMatch(/"rare" has fewer rows than folds/);
    expect(result.children.filter(({ status }) => status === 'failed')).toEqual([]);
  });

  it('returns the baseline and says so when the time is too short for a model', async () => {
    const { table } = generateBank({ rows: 4000, seed: 1 });
    const out = join(folder, 'model.onnx');
    const { result } = await collect({ table, label: 'y', timeoutSeconds: 0.05, concurrency: 1, out });
    expect(result.best.algorithm).toBe('Dummy');
    expect(result.warnings[0]).toMatch(/too short for one model; the baseline is returned/);
    expect(existsSync(out)).toBe(true);
    expect(result.children[0].status).toBe('completed');
    expect(result.children.slice(1).every(({ status }) => status === 'discarded')).toBe(true);
  });

  it('ends in time and says which trials were discarded', async () => {
    const { table } = generateBank({ rows: 4000, seed: 1 });
    const { result } = await collect({ table, label: 'y', timeoutSeconds: 6, concurrency: 2 });
    // The promise is 5 %; the bound is generous because the machine may be busy.
    expect(result.timings.totalSeconds).toBeLessThan(20);
    for (const { status, reason, metrics } of result.children) {
      expect(['completed', 'discarded']).toContain(status);
      if (status === 'discarded') {
        expect(reason).toMatch(/time/);
        expect(metrics).toEqual({});
      }
    }
  });

  it('discards trials that take longer than the trial timeout', async () => {
    const { table } = generateBank({ rows: 6000, seed: 1 });
    const { result } = await collect({
      ...quick,
      table,
      trialTimeoutSeconds: 0.01,
      maxTrials: 3,
      concurrency: 1,
    });
    expect(result.children.slice(1).map(({ status }) => status)).toEqual(['discarded', 'discarded']);
    expect(result.children[1].reason).toMatch(/trial timeout of 0.01 s/);
    expect(result.best.algorithm).toBe('Dummy');
  });

  it('ends with the best so far when it is stopped', async () => {
    const run = runAutoML({ table: bank, label: 'y', folds: 3, concurrency: 1, importance: false });
    for await (const event of run) if (event.type === 'trial' && event.child.iteration === 2) run.stop();
    const result = await run.result;
    expect(result.stopReason).toMatch(/stopped by the caller/);
    expect(result.children.filter(({ status }) => status === 'completed').length).toBeGreaterThanOrEqual(3);
    expect(result.best.algorithm).not.toBe('Dummy');
  });

  it('is stopped by a signal too', async () => {
    const abort = new AbortController();
    abort.abort();
    const { result } = await collect({ ...quick, table: bank, signal: abort.signal, importance: false });
    expect(result.best.algorithm).toBe('Dummy');
  });

  it('ends at the exit score', async () => {
    const { result } = await collect({
      ...quick,
      table: bank,
      exitScore: 0.6,
      concurrency: 1,
      importance: false,
    });
    expect(result.stopReason).toMatch(/exit score 0.6/);
    expect(result.children).toHaveLength(2);
  });
});

describe('runAutoML refuses', () => {
  const failure = async (options: Partial<AutoMLOptions>) =>
    runAutoML({ ...quick, table: bank, ...options }).result.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('wrong options, all of them at once', async () => {
    const error = await failure({
      allow: ['GradientBosting'],
      concurrency: 0,
      timeoutSeconds: -1,
      out: join(folder, 'missing', 'model.onnx'),
    });
    expect(error).toBeInstanceOf(ConfigError);
    const { message } = error as ConfigError;
    expect(message).toMatch(/did you mean "GradientBoosting"/);
    expect(message).toMatch(/concurrency must be a whole number from 1 to 256, but got 0/);
    expect(message).toMatch(/timeoutSeconds must be above 0, but got -1/);
    expect(message).toMatch(/out must lie in a folder that exists/);
  });

  it.each<[string, Partial<AutoMLOptions>, RegExp]>([
    ['an output that is a folder', { out: '.' }, /out must be a file/],
    ['an unknown label', { label: 'z' }, /no "z"/],
    ['a metric of another task', { metric: 'r2_score' }, /for regression/],
    [
      'no learner left',
      { allow: ['LogisticRegression'], block: ['LogisticRegression'] },
      /some learner must remain/,
    ],
    [
      'an unknown group column',
      { folds: undefined as never, validation: { kind: 'group', column: 'jop' } },
      /Did you mean "job"/,
    ],
    ['an unknown positive label', { positiveLabel: 'Yes!' }, /Did you mean "yes"|Classes are/],
    ['an unknown featurisation', { featurization: { dropColumns: ['agee'] } }, /Did you mean "age"/],
  ])('%s', async (_, options, message) => {
    const error = await failure(options);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(message);
  });

  it('a table with nothing but the label', async () => {
    const error = await failure({ table: bank.select(['y']) });
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(/"y" is the only one/);
  });

  it('columns that hold nothing', async () => {
    const table = new Table([
      stringColumn(
        'y',
        Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 'a' : 'b')),
      ),
      numberColumn('empty', new Array<number>(40).fill(Number.NaN)),
    ]);
    const error = await failure({ table });
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(/empty/);
  });
});

describe('a search with a state folder', () => {
  it('goes on where it was, and only with the same data and settings', async () => {
    const options = { ...quick, table: bank, stateFolder: folder, concurrency: 1, importance: false };
    const first = await collect({ ...options, maxTrials: 4 });
    const second = await collect({ ...options, maxTrials: 8 });
    expect(second.events.find((event) => event.type === 'started')).toMatchObject({ resumedTrials: 4 });
    expect(second.result.children.slice(0, 4)).toEqual(first.result.children);
    expect(second.result.children).toHaveLength(8);
    const whole = await collect({ ...quick, table: bank, concurrency: 1, importance: false, maxTrials: 8 });
    expect(essence(second.result)).toEqual(essence(whole.result));
    await expect(collect({ ...options, seed: 1 })).rejects.toThrow(/seed \(0, now 1\)/);
    const other = generateBank({ rows: 600, seed: 4 }).table;
    await expect(collect({ ...options, table: other })).rejects.toThrow(/differs in the data/);
    expect(readdirSync(folder)).not.toContain('lock');
  });

  it('survives kill -9 and loses running trials only', async () => {
    const child = startElsewhere();
    await waitFor(() => trialLines().length >= 3);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const finished = trialLines();
    expect(readdirSync(folder)).toContain('lock');
    const { events, result } = await collect({
      ...elsewhere,
      table: generateBank({ rows: 600, seed: 3 }).table,
      stateFolder: folder,
      maxTrials: finished.length + 2,
      concurrency: 2,
    });
    expect(events.find((event) => event.type === 'started')).toMatchObject({
      resumedTrials: finished.length,
    });
    expect(result.children).toHaveLength(finished.length + 2);
    for (const { trial } of finished) {
      const same = result.children.find(({ iteration }) => iteration === trial.iteration);
      expect(same?.metrics).toEqual(trial.metrics);
    }
  });

  const elsewhere = { label: 'y', folds: 3, importance: false };

  function startElsewhere(): ChildProcess {
    const script = join(folder, 'search.mjs');
    const load = (...parts: string[]) => JSON.stringify(pathToFileURL(distFile(...parts)).href);
    writeFileSync(
      script,
      `import { generateBank } from ${load('data', 'index.js')};
       import { runAutoML } from ${load('tabular', 'index.js')};
       const { table } = generateBank({ rows: 600, seed: 3 });
       const options = ${JSON.stringify({ ...elsewhere, stateFolder: folder, concurrency: 2 })};
       await runAutoML({ table, ...options }).result;`,
    );
    return spawn(process.execPath, [script], { stdio: 'inherit' });
  }

  function trialLines(): { trial: { iteration: number; metrics: Record<string, number> } }[] {
    const path = join(folder, 'journal.jsonl');
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    return lines.filter((line) => line.includes('"kind":"trial"')).map((line) => JSON.parse(line));
  }

  async function waitFor(condition: () => boolean): Promise<void> {
    for (let i = 0; i < 600 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(condition()).toBe(true);
  }
});
