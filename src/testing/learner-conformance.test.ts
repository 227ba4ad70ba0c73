import { describe, it } from 'vitest';
import { learners } from '#tabular';
import { type ConformanceOptions, conformanceCases } from './learner-conformance.ts';

/** What the suite must know about a learner beyond its contract. */
const options: Readonly<Record<string, ConformanceOptions>> = {
  Dummy: { exactWeights: true, baseline: true },
  LogisticRegression: { exactWeights: true },
  BernoulliNaiveBayes: { exactWeights: true },
  MultinomialNaiveBayes: { exactWeights: true },
  GaussianNaiveBayes: { exactWeights: true },
  Ridge: { exactWeights: true },
  ElasticNet: { exactWeights: true },
  LassoLars: { exactWeights: true },
};

for (const learner of learners) {
  describe(learner.name, () => {
    for (const { name, run } of conformanceCases(learner, options[learner.name])) it(name, run);
  });
}
