/**
 * The whole training loop of `trainyard classify train`, with the protocol of bench/engine/torch-contender.py:
 *
 *     node loop-contender.js TABLE --serve
 *
 * EfficientNet-B0, batch 32, 128×128, the notebook's augmentation and MixUp, pictures from the decoded cache.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { trainClassifier } from '../../dist/vision/index.js';

const [table] = process.argv.slice(2);
const say = (record) => console.log(JSON.stringify(record));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const WARM_UP = 3;

const run = mkdtempSync(join(tmpdir(), 'loop-'));
const stop = new AbortController();
let [left, steps, last] = [0, 0, 0];
let times = [];

async function nextOrder() {
  const { value, done } = await lines.next();
  if (done) {
    stop.abort();
    return;
  }
  left = Number(/^run (\d+)$/.exec(value.trim())?.[1]);
  times = [];
  last = performance.now();
}

async function onBatchEnd() {
  if (stop.signal.aborted) return;
  steps++;
  if (steps < WARM_UP) return;
  if (steps === WARM_UP) {
    say({ ready: true, id: 'loop' });
    return nextOrder();
  }
  times.push(performance.now() - last);
  last = performance.now();
  if (--left > 0) return;
  say({ milliseconds: times });
  await nextOrder();
}

await trainClassifier({
  data: table,
  run,
  settings: { batchSize: 32, epochs: 1, fold: 0 },
  callbacks: { onBatchEnd },
  signal: stop.signal,
});
say({ id: 'loop', peakResidentMb: process.resourceUsage().maxRSS / 1024 });
rmSync(run, { recursive: true, force: true });
