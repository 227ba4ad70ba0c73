import { afterAll, describe, expect, it } from 'vitest';
import { LocalCompute } from '#compute';
import { generateBank } from '#data';
import { type AutoMLOptions, runAutoML, type TrialWorkers } from '#tabular';

const target = new LocalCompute('trials', { maxNodes: 2 });
afterAll(() => target.close());

const options: AutoMLOptions = {
  table: generateBank({ rows: 400, seed: 1 }).table,
  label: 'y',
  folds: 2,
  maxTrials: 3,
  concurrency: 2,
  seed: 3,
  allow: ['LogisticRegression', 'GradientBoosting'],
};

/** What of a run does not depend on the clock. */
async function resultsOf(workers: 'threads' | TrialWorkers): Promise<unknown> {
  const { children, ensembles, best } = await runAutoML({ ...options, workers }).result;
  return {
    trials: children.map(({ algorithm, status, metrics }) => ({ algorithm, status, metrics })),
    ensembles: ensembles.map(({ metrics }) => metrics),
    best: best.metrics,
  };
}

describe('trials in processes', () => {
  it('have the results of trials in threads, also when one process is killed', async () => {
    const expected = await resultsOf('threads');
    const lost: string[] = [];
    let jobs = 0;
    const deadly: TrialWorkers = {
      submit(job) {
        const handle = target.submit(job);
        const isVictim = ++jobs === 2;
        void (async () => {
          for await (const event of handle) {
            if (event.type === 'lost') lost.push(event.reason);
            if (isVictim && event.type === 'started' && event.attempt === 1)
              setTimeout(() => process.kill(event.pid, 'SIGKILL'), 50);
          }
        })();
        return handle;
      },
    };
    await expect(resultsOf(deadly)).resolves.toEqual(expected);
    expect(lost).toEqual(['it was ended by SIGKILL']);
    expect(jobs).toBeGreaterThan(4);
  }, 240_000);
});
