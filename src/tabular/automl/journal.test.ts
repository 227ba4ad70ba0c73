import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentOwner } from '#core';
import { Journal, type JournalKey, type TrialRecord } from './journal.ts';
import { lockStateFolder } from './state-lock.ts';

const key: JournalKey = { fingerprint: 'abc', settings: { label: 'y', seed: 0 } };
const trial = (iteration: number): TrialRecord => ({
  iteration,
  config: { encoding: 'onehot', scaler: null, learner: 'Dummy', params: {} },
  status: 'completed',
  metrics: { accuracy: 0.5 + iteration / 100, AUC_weighted: Number.NaN },
  decision: { kind: 'argmax' },
  fitSeconds: 1,
  foldSeconds: 0.2,
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trainyard-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(trials: number): void {
  const journal = new Journal(folder, key, '1.0.0');
  journal.recordValidation({ kind: 'k-fold', folds: 5, reason: 'as given' });
  for (let i = 0; i < trials; i++) {
    journal.recordTrial(trial(i), Float64Array.from([i, i + 0.5]));
    journal.recordSearch(i, { next: i });
  }
  journal.close();
}

describe('Journal', () => {
  it('gives back what was recorded, undefined metrics included', () => {
    write(3);
    const journal = new Journal(folder, key, '1.0.0');
    expect(journal.contents).toEqual({
      validation: { kind: 'k-fold', folds: 5, reason: 'as given' },
      trials: [trial(0), trial(1), trial(2)],
      search: { told: 2, state: { next: 2 } },
    });
    expect([...(journal.readPredictions(1, 2) as Float64Array)]).toEqual([1, 1.5]);
    expect(journal.readPredictions(1, 3)).toBeUndefined();
    expect(journal.readPredictions(9, 2)).toBeUndefined();
    journal.close();
  });

  it('drops a last line that was torn, and goes on after it', () => {
    write(2);
    const path = join(folder, 'journal.jsonl');
    const whole = readFileSync(path);
    appendFileSync(path, '{"kind":"trial","trial":{"itera');
    const journal = new Journal(folder, key, '1.0.0');
    expect(journal.contents.trials).toHaveLength(2);
    expect(readFileSync(path)).toEqual(whole);
    journal.recordTrial(trial(2), undefined);
    journal.close();
    const again = new Journal(folder, key, '1.0.0');
    expect(again.contents.trials.map(({ iteration }) => iteration)).toEqual([0, 1, 2]);
    again.close();
  });

  it('survives being cut anywhere', () => {
    write(2);
    const path = join(folder, 'journal.jsonl');
    const whole = readFileSync(path);
    for (let size = 0; size < whole.length; size += 29) {
      writeFileSync(path, whole);
      truncateSync(path, size);
      const journal = new Journal(folder, key, '1.0.0');
      expect(journal.contents.trials.length).toBeLessThanOrEqual(2);
      journal.close();
    }
  });

  it('refuses a journal that is damaged in the middle', () => {
    write(2);
    const path = join(folder, 'journal.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n');
    lines[2] = lines[2].slice(0, 10);
    writeFileSync(path, lines.join('\n'));
    expect(() => new Journal(folder, key, '1.0.0')).toThrow(/line 3 of .* is not JSON. Choose another/);
  });

  it('names what differs when data or settings are others', () => {
    write(1);
    const other = { fingerprint: 'def', settings: { label: 'z', seed: 0, metric: 'accuracy' } };
    expect(() => new Journal(folder, other, '1.0.0')).toThrow(
      /the data \(fingerprint abc, now def\); label \("y", now "z"\); metric \(not set, now "accuracy"\)/,
    );
  });
});

describe('lockStateFolder', () => {
  it('keeps a second run out and names the process', () => {
    const lock = lockStateFolder(folder);
    expect(() => lockStateFolder(folder)).toThrow(new RegExp(`in use by process ${process.pid}`));
    lock.release();
    lockStateFolder(folder).release();
  });

  it('takes over from a process that has ended', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(join(folder, 'lock'), JSON.stringify({ ...currentOwner(), pid, startTime: '1' }));
    lockStateFolder(folder).release();
  });

  it('takes over a torn lock', () => {
    writeFileSync(join(folder, 'lock'), '{"pi');
    lockStateFolder(folder).release();
  });

  it('tells a process from a later one with the same number', () => {
    writeFileSync(join(folder, 'lock'), JSON.stringify({ ...currentOwner(), startTime: '-5' }));
    if (process.platform === 'linux') lockStateFolder(folder).release();
    else expect(() => lockStateFolder(folder)).toThrow(/in use/);
  });
});
