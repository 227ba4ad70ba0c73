/**
 * Predicts rows of a JSON file with a model file and `onnxruntime-node`; Trainyard is not loaded.
 *
 *   npm run example predict-in-node MODEL.onnx ROWS.json
 */
import { readFile } from 'node:fs/promises';
import { InferenceSession } from 'onnxruntime-node';
import { type Row, scoreRows } from './score-rows.ts';

const [model, file] = process.argv.slice(2);
if (model === undefined || file === undefined) {
  console.error('usage: npm run example predict-in-node MODEL.onnx ROWS.json');
  process.exit(2);
}
const rows = JSON.parse(await readFile(file, 'utf8')) as Row[];
const session = await InferenceSession.create(model);
const { label, probabilities, variable } = await scoreRows(session, rows);

for (const i of rows.keys()) {
  if (label === undefined || probabilities === undefined) {
    console.log(`row ${i + 1}: ${variable.data[i]}`);
    continue;
  }
  const classes = probabilities.dims[1];
  const shares = Array.from((probabilities.data as Float32Array).subarray(i * classes, (i + 1) * classes));
  console.log(`row ${i + 1}: ${label.data[i]} (${shares.map((p) => p.toFixed(3)).join(', ')})`);
}
await session.release();
