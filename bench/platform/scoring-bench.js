/** `/score` of a model of the bank-marketing kind: latency of single rows at a steady rate, and most rows a second. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { ownRow } from '../report.js';
import { runCommand, startCommand } from './start-command.js';

const latencyMustMs = 20;
const throughputMust = 2000;

/** @returns {Promise<{ rows: object[], notes: string[] }>} */
export async function benchScoring() {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-scoring-bench-'));
  try {
    runCommand(folder, 'sample', 'bank', '--rows', '5000', '--seed', '1', '--out', 'bank.csv');
    const search = ['--max-trials', '5', '--folds', '3', '--out', 'model.onnx'];
    runCommand(folder, 'automl', 'bank.csv', '--label', 'y', ...search);
    const [row] = JSON.parse(runCommand(folder, 'data', 'head', 'bank.csv', '-n', '1', '--json'));
    delete row.y;
    const server = await startCommand(folder, 'serve', 'model.onnx', '--port', '0', '--json');
    const request = {
      url: `${server.url}/score`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ Inputs: { data: [row] }, GlobalParameters: { method: 'predict' } }),
    };
    await autocannon({ ...request, connections: 20, duration: 3 });
    const steady = await autocannon({ ...request, connections: 20, overallRate: 500, duration: 10 });
    const most = await autocannon({ ...request, connections: 50, duration: 10 });
    await server.stop();
    const failed = [steady, most].map(({ non2xx, errors, timeouts }) => non2xx + errors + timeouts);
    const { p50, p99, max } = steady.latency;
    const perSecond = most.requests.average;
    return {
      rows: [
        ownRow({
          id: 'score-p99',
          what: '`/score`, one row, p99 at 500 requests a second',
          unit: 'ms',
          ours: p99,
          must: `≤ ${latencyMustMs} ms`,
          pass: p99 <= latencyMustMs,
        }),
        ownRow({
          id: 'score-throughput',
          what: '`/score`, single rows, two cores shared with the load generator',
          unit: 'requests/s',
          ours: perSecond,
          must: `≥ ${throughputMust}`,
          pass: perSecond >= throughputMust,
        }),
      ],
      notes: [
        `score: at 500 requests a second p50 ${p50} ms, p99 ${p99} ms, largest ${max} ms; at most p50 ${most.latency.p50} ms, p99 ${most.latency.p99} ms; failed requests ${failed.join(' and ')}`,
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
