import type { Table } from '#data';
import { TabularPredictor } from '../pipeline/onnx-predictor.ts';
import type { TabularModel } from '../pipeline/tabular-model.ts';

const SAMPLE_ROWS = 200;
/**
 * Greatest difference of a probability, and of a regression's value relative to max(1, |value|). Values get more: a
 * small sum of large terms, as linear models make near zero, loses more digits in float32 than 1e-5 allows.
 */
const TOLERANCES = { classification: 1e-5, regression: 1e-4 };

/**
 * Runs an exported model on some rows and compares it with the model it was made of.
 *
 * @returns a sentence about what differs, `undefined` when nothing does
 */
export async function verifyModel(
  model: TabularModel,
  onnx: Uint8Array,
  table: Table,
): Promise<string | undefined> {
  const step = Math.max(1, Math.floor(table.rows / SAMPLE_ROWS));
  const size = Math.min(SAMPLE_ROWS, Math.floor(table.rows / step));
  const sample = table.take(Uint32Array.from({ length: size }, (_, i) => i * step));
  const ours = model.predict(sample);
  let theirs: Float64Array;
  try {
    const predictor = await TabularPredictor.load(onnx);
    const predicted = await predictor.predict(sample);
    await predictor.release();
    theirs = (predicted.probabilities ?? predicted.values) as Float64Array;
  } catch (error) {
    return `The exported model could not be run: ${(error as Error).message}`;
  }
  let worst = 0;
  for (let i = 0; i < ours.length; i++) {
    const scale = model.task === 'regression' ? Math.max(1, Math.abs(ours[i])) : 1;
    worst = Math.max(worst, Math.abs(ours[i] - theirs[i]) / scale);
  }
  return worst <= TOLERANCES[model.task]
    ? undefined
    : `The exported model differs from the fitted one by ${worst.toExponential(1)} on the training data.`;
}
