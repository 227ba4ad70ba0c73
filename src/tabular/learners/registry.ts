import { ConfigError, nearestName } from '#core';
import { decisionTree } from '../trees/decision-tree.ts';
import { extraTrees } from '../trees/extra-trees.ts';
import { gradientBoosting } from '../trees/gradient-boosting.ts';
import { randomForest } from '../trees/random-forest.ts';
import { averagedPerceptron } from './averaged-perceptron.ts';
import { bernoulliNaiveBayes } from './bernoulli-naive-bayes.ts';
import { dummy } from './dummy.ts';
import { elasticNet } from './elastic-net.ts';
import { gaussianNaiveBayes } from './gaussian-naive-bayes.ts';
import { kNearestNeighbors } from './k-nearest-neighbours.ts';
import { lassoLars } from './lasso-lars.ts';
import type { Learner, Task } from './learner.ts';
import { linearSVM } from './linear-svm.ts';
import { logisticRegression } from './logistic-regression.ts';
import { multinomialNaiveBayes } from './multinomial-naive-bayes.ts';
import { ridge } from './ridge.ts';
import { sgd } from './sgd.ts';

/** Every built-in learner, the baseline first. */
export const learners: readonly Learner[] = [
  dummy,
  gradientBoosting,
  randomForest,
  extraTrees,
  decisionTree,
  logisticRegression,
  linearSVM,
  sgd,
  averagedPerceptron,
  bernoulliNaiveBayes,
  multinomialNaiveBayes,
  gaussianNaiveBayes,
  ridge,
  elasticNet,
  lassoLars,
  kNearestNeighbors,
];

/** The built-in learners that can do `task`, in the order of `learners`. */
export function learnersFor(task: Task): Learner[] {
  return learners.filter((learner) => learner.tasks.includes(task));
}

/**
 * The built-in learner of that leaderboard name; upper and lower case do not matter.
 * @throws ConfigError for an unknown name, with the nearest known one
 */
export function findLearner(name: string): Learner {
  const found = learners.find((learner) => learner.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const names = learners.map((learner) => learner.name);
  const near = nearestName(name, names);
  throw new ConfigError(
    `findLearner: the learner must be one of ${names.join(', ')}, but got "${name}". ` +
      (near === undefined ? 'Use one of them.' : `Did you mean "${near}"?`),
    { name, names },
  );
}
