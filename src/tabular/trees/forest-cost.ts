import type { Parameters, SearchSpace } from '#tune';
import type { DataShape, Task } from '../learners/learner.ts';

/** Hyper-parameters of forests worth searching. */
export function forestSpace(task: Task): SearchSpace {
  return {
    trees: { type: 'int', low: 50, high: 500, log: true },
    minSamplesLeaf: { type: 'int', low: 1, high: 40, log: true },
    maxFeatures: { type: 'float', low: 0.1, high: 1 },
    bootstrap: { type: 'choice', values: [true, false] },
    ...(task === 'classification'
      ? {
          criterion: { type: 'choice' as const, values: ['gini', 'entropy'] },
          classWeight: { type: 'choice' as const, values: [null, 'balanced'] },
        }
      : {}),
  };
}

/** Expected seconds: every level of every tree looks at all rows on some features. */
export function forestCost(params: Parameters, { rows, width, classes }: DataShape): number {
  const leaf = Math.max(1, Number(params['minSamplesLeaf']));
  const depthLimit = Number(params['maxDepth']) || Number.POSITIVE_INFINITY;
  const levels = Math.min(depthLimit, 1.5 * Math.log2(2 + rows / leaf));
  const share = params['maxFeatures'];
  const features = typeof share === 'number' ? share * width : classes === 0 ? width / 3 : Math.sqrt(width);
  const perRow = 1.2e-9 * (features + 2) * levels;
  const perNode = (rows / leaf) * features * (1e-7 + 5e-9 * Math.max(0, classes - 2));
  return Number(params['trees']) * (rows * perRow + perNode);
}
