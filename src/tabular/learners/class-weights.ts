import type { TrainingData } from './learner.ts';

export type ClassWeight = 'balanced' | null;

/**
 * [N] sample weights times class weights. `balanced` gives class c the weight Σ s / (K · Σ_{i in c} s_i), so that all
 * classes weigh the same; with weights of 1 that is scikit-learn's n / (K · n_c).
 */
export function effectiveWeights(data: TrainingData, classWeight: ClassWeight): Float64Array {
  const { y, classes } = data;
  const weights = data.weights?.slice() ?? new Float64Array(y.length).fill(1);
  if (classWeight === null) return weights;
  const perClass = new Float64Array(classes);
  let total = 0;
  for (let i = 0; i < y.length; i++) {
    perClass[y[i]] += weights[i];
    total += weights[i];
  }
  for (let i = 0; i < y.length; i++) weights[i] *= total / (classes * perClass[y[i]]);
  return weights;
}
