import { describe, expect, it } from 'vitest';
import { Deadline, silentLogger } from '#core';
import { validateSpace } from '#tune';
import { FeatureMatrix } from '../features/matrix.ts';
import { scalerNames } from '../features/scalers/scaler.ts';
import type { DataShape, Task } from '../learners/learner.ts';
import { findLearner, learnersFor } from '../learners/registry.ts';
import type { PipelineConfig } from '../pipeline/pipeline.ts';
import { portfolioFor } from './portfolio.ts';
import { configKey, Search, type SearchOptions } from './search.ts';

const shape: DataShape = { rows: 5000, width: 20, classes: 2 };
const shapes = { ordinal: shape, onehot: { ...shape, width: 60 } };
const usable = (task: Task) => learnersFor(task).filter(({ name }) => name !== 'Dummy');

function options(more: Partial<SearchOptions> = {}): SearchOptions {
  const learners = usable('classification');
  return {
    task: 'classification',
    metric: 'AUC_weighted',
    shapes,
    learners,
    portfolio: portfolioFor('classification', shapes, learners),
    highCardinality: true,
    seed: 4,
    ...more,
  };
}

/** Deterministic scores that prefer slow learning. */
const scoreOf = ({ params }: { params: Readonly<Record<string, unknown>> }) =>
  0.9 - Math.abs(Math.log(Number(params['learningRate'] ?? 1) / 0.03)) / 20;

describe('Search', () => {
  it('proposes the portfolio in order, then new points of the learners’ spaces', () => {
    const search = new Search(options());
    const { portfolio, learners } = options();
    const seen = new Set<string>();
    for (let i = 0; i < portfolio.length + 40; i++) {
      const proposal = search.next();
      if (proposal === undefined) throw new Error('the search ended early');
      const { config } = proposal;
      if (i < portfolio.length) expect(config).toEqual(portfolio[i]);
      expect(seen.has(configKey(config))).toBe(false);
      seen.add(configKey(config));
      expect(learners.map(({ name }) => name)).toContain(config.learner);
      expect(Object.keys(config.params).filter((name) => name.startsWith('$'))).toEqual([]);
      if (findLearner(config.learner).needsScaling) expect(config.scaler).not.toBeNull();
      search.tell(proposal, scoreOf(config));
    }
  });

  /** Distinct values of a preprocessing choice among many proposals of one learner, in order of appearance. */
  const tried = <V>(
    learner: string,
    pick: (config: PipelineConfig) => V,
    more: Partial<SearchOptions> = {},
  ) => {
    const learners = [findLearner(learner)];
    const portfolio = portfolioFor('classification', shapes, learners);
    const search = new Search(options({ learners, portfolio, ...more }));
    const values = new Set<V>();
    for (let i = 0; i < 400; i++) {
      const proposal = search.next();
      if (proposal === undefined) break;
      values.add(pick(proposal.config));
      search.tell(proposal, scoreOf(proposal.config));
    }
    return [...values];
  };

  it('begins with the StandardScaler and reaches every scaler', () => {
    const scalers = tried('LogisticRegression', ({ scaler }) => scaler);
    expect(scalers[0]).toBe('StandardScaler');
    expect(scalers.sort()).toEqual([...scalerNames].sort());
  });

  it('leaves PCA and TruncatedSVD out where they would take too long', () => {
    const affine = scalerNames.filter((name) => name !== 'PCA' && name !== 'TruncatedSVD');
    for (const large of [
      { ...shape, width: 257 },
      { ...shape, rows: 1_000_000, width: 60 },
    ]) {
      const more = { shapes: { ordinal: shape, onehot: large } };
      expect(tried('SGD', ({ scaler }) => scaler, more).sort()).toEqual([...affine].sort());
    }
  });

  it.each(['GradientBoosting', 'LogisticRegression'])(
    'offers %s target encoding where there are columns for it',
    (learner) => {
      const encoded = ({ targetEncoding }: PipelineConfig) => targetEncoding === true;
      expect(tried(learner, encoded).sort()).toEqual([false, true]);
      expect(tried(learner, encoded, { highCardinality: false })).toEqual([false]);
    },
  );

  it('depends on seed and scores only', () => {
    const run = (seed: number) => {
      const search = new Search(options({ seed }));
      return Array.from({ length: 40 }, () => {
        const proposal = search.next();
        if (proposal !== undefined) search.tell(proposal, scoreOf(proposal.config));
        return proposal?.config;
      });
    };
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  it('goes on from its state as if it had not been interrupted', () => {
    const first = new Search(options());
    const step = (search: Search) => {
      const proposal = search.next();
      if (proposal !== undefined) search.tell(proposal, scoreOf(proposal.config));
      return proposal?.config;
    };
    const tried = Array.from({ length: 30 }, () => step(first));
    const second = new Search(options());
    second.restore(JSON.parse(JSON.stringify(first.state())));
    for (const config of tried) if (config !== undefined) second.remember(config, scoreOf(config));
    for (let i = 0; i < 10; i++) expect(step(second)).toEqual(step(first));
  });

  it('proposes a declined configuration again when nothing else is left', () => {
    const search = new Search(options());
    for (let i = 0; i < 200; i++) {
      const proposal = search.next();
      expect(proposal).toBeDefined();
      if (proposal !== undefined) search.decline(proposal);
    }
  });

  it('ends when there is nothing to try', () => {
    expect(new Search(options({ learners: [], portfolio: [] })).next()).toBeUndefined();
  });
});

describe.each<Task>(['classification', 'regression'])('the portfolio for %s', (task) => {
  const learners = usable(task);
  const small = { rows: 60, width: 2, classes: task === 'classification' ? 2 : 0 };
  const portfolio = portfolioFor(task, { ordinal: small, onehot: small }, learners);

  it('begins with a boosted model', () => {
    expect(portfolio[0].learner).toBe('GradientBoosting');
  });

  it('has no configuration twice', () => {
    expect(new Set(portfolio.map(configKey)).size).toBe(portfolio.length);
  });

  it('gives every learner that may be used a turn', () => {
    const missing = learners
      .map(({ name }) => name)
      .filter((name) => !portfolio.some(({ learner }) => learner === name));
    expect(missing).toEqual([]);
  });

  it.each(portfolio.map((config): [string, typeof config] => [configKey(config), config]))(
    'is accepted by its learner: %s',
    async (_, config) => {
      const rows = 60;
      const y = Float64Array.from({ length: rows }, (_, i) => (task === 'classification' ? i % 2 : i / 10));
      const X = FeatureMatrix.fromRowMajor(
        Array.from({ length: 2 * rows }, (_, i) => ((i * 7919) % 101) / 101),
        2,
      );
      const context = { seed: 1, threads: 1, deadline: Deadline.none, logger: silentLogger };
      const data = { X, y, classes: task === 'classification' ? 2 : 0 };
      const model = await findLearner(config.learner).fit(data, config.params, context);
      expect(model.predict(X)).toHaveLength(task === 'classification' ? 2 * rows : rows);
    },
  );

  it.each(learners.map((learner): [string, typeof learner] => [learner.name, learner]))(
    'can tune %s',
    (_, learner) => {
      validateSpace(learner.space(task, shape));
      expect(learner.relativeCost(learner.defaults as Record<string, never>, shape)).toBeGreaterThan(0);
    },
  );
});
