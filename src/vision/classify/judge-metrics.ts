import type { HostTensor } from '#core';
import { accuracy, argMaxRows, type Metric } from '#train';
import { type ClassifierMetrics, judgePredictions } from './judge-predictions.ts';

/** The metrics of a judgement, for `fit`: of the whole validation set, judged once for all of them. */
export function judgeMetrics(classes: readonly string[]): Metric[] {
  const judged = new WeakMap<object, ClassifierMetrics>();
  const judge = (output: HostTensor, target: HostTensor): ClassifierMetrics => {
    const known = judged.get(output);
    if (known !== undefined) return known;
    const probabilities = softmaxRows(output.data as Float32Array, classes.length);
    const { metrics } = judgePredictions({ labels: argMaxRows(target), probabilities, classes, mistakes: 0 });
    judged.set(output, metrics);
    return metrics;
  };
  const names = ['meanRecall', 'cmAP', 'top5Accuracy', 'macroF1'] as const;
  return [
    accuracy,
    ...names.map((name) => ({
      name,
      isBetterHigher: true,
      compute: (output: HostTensor, target: HostTensor) => judge(output, target)[name],
    })),
  ];
}

/** Logits `[N, K]` as probabilities. */
function softmaxRows(logits: ArrayLike<number>, classes: number): Float32Array {
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) largest = Math.max(largest, logits[start + k]);
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(logits[start + k] - largest);
    for (let k = 0; k < classes; k++) result[start + k] = Math.exp(logits[start + k] - largest) / sum;
  }
  return result;
}
