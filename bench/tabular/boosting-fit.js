/** One timed fit for `boosting.js`: FILE ROWS WIDTH THREADS → one line of JSON. */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { Deadline, silentLogger } from '../../dist/core/index.js';
import { FeatureMatrix, gradientBoosting } from '../../dist/tabular/index.js';

const [file, rows, width, threads] = [process.argv[2], ...process.argv.slice(3, 6).map(Number)];
const descriptor = openSync(file, 'r');
const column = (j) => {
  const values = new Float32Array(rows);
  readSync(descriptor, values, 0, rows * 4, j * rows * 4);
  return values;
};
const columns = Array.from({ length: width }, (_, j) => ({ kind: 'dense', values: column(j) }));
const features = columns.map((_, j) => ({ name: `x${j}`, source: `x${j}`, type: 'numeric', cardinality: 0 }));
const data = {
  X: new FeatureMatrix(rows, features, columns),
  y: Float64Array.from(column(width)),
  classes: 2,
};
closeSync(descriptor);

resetPeak();
const loaded = process.memoryUsage.rss();
const start = performance.now();
const before = process.cpuUsage();
const params = {
  iterations: 100,
  maxLeaves: 31,
  learningRate: 0.1,
  maxBins: 255,
  minChildWeight: 1,
  minSamplesLeaf: 1,
  regLambda: 1,
};
const context = { seed: 0, threads, deadline: Deadline.none, logger: silentLogger };
const model = await gradientBoosting.fit(data, params, context);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(before);
const extraMegabytes = Math.max(0, process.resourceUsage().maxRSS * 1024 - loaded) / 2 ** 20;

const p = model.predict(data.X);
let loss = 0;
for (let i = 0; i < rows; i++) loss -= Math.log(Math.max(1e-15, p[2 * i + data.y[i]])) / rows;
console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, extraMegabytes, loss }));

/** Forgets the peak of the resident set so far, where the system can. */
function resetPeak() {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Elsewhere the peak includes loading, which makes our number larger, not smaller.
  }
}
