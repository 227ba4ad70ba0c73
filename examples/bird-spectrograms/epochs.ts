/** In [6] and In [7]: one time through the data, with and without learning. */
import { accuracy, argmaxRows, labelCounts, paddedAveragePrecision, recallScore } from 'trainyard/metrics';
import { argMaxRows, type CompiledModel } from 'trainyard/train';
import type { PictureSource } from 'trainyard/vision';

/** Forward pass, gradients, accumulation and update are one compiled step; with `precision: 'mixed'`, scaling too. */
export async function trainEpoch(
  dataloader: PictureSource,
  compiled: CompiledModel,
  epoch: number,
): Promise<number> {
  const epLoss: number[] = [];
  for await (const batch of dataloader.epoch(epoch)) {
    const { loss } = await compiled.step(batch);
    epLoss.push(loss);
    dataloader.recycle(batch);
  }
  return mean(epLoss);
}

export async function validEpoch(
  dataloader: PictureSource,
  compiled: CompiledModel,
  classes: number,
): Promise<{ readonly loss: number; readonly score: number }> {
  const epLoss: number[] = [];
  const allPred: number[] = [];
  const allLabel: number[] = [];
  for await (const batch of dataloader.epoch(0)) {
    const [, target] = batch;
    allLabel.push(...argMaxRows(target));
    const { loss, output } = await compiled.evaluate(batch);
    epLoss.push(loss);
    allPred.push(...softmax(output.data as Float32Array, classes));
    dataloader.recycle(batch);
  }

  const probabilities = Float32Array.from(allPred);
  const counts = labelCounts(allLabel, argmaxRows(probabilities, classes), classes);
  console.log(`accuracy: ${accuracy(counts)}`);
  console.log(`mean_recall: ${recallScore(counts, 'macro')}`);
  const score = paddedAveragePrecision(allLabel, probabilities, classes, 5);
  console.log(`cmap: ${score}`);
  return { loss: mean(epLoss), score };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Logits `[N, K]` as probabilities. */
function softmax(logits: Float32Array, classes: number): number[] {
  const result: number[] = [];
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const largest = Math.max(...row);
    const powers = Array.from(row, (value) => Math.exp(value - largest));
    const sum = powers.reduce((total, power) => total + power, 0);
    result.push(...powers.map((power) => power / sum));
  }
  return result;
}
