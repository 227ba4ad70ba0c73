import { describe, expect, it } from 'vitest';
import { Rng } from '#core';
import { nestedParts, type OutOfFold, splitByPart } from './out-of-fold.ts';
import { type Scoring, scoreOutOfFold } from './score.ts';
import { combineVotes, selectVotingWeights } from './voting.ts';

function binaryLayout(y: ArrayLike<number>, folds = 5): OutOfFold {
  const rows = y.length;
  return {
    task: 'classification',
    classes: 2,
    folds,
    rows: Uint32Array.from({ length: rows }, (_, i) => i),
    fold: Uint16Array.from({ length: rows }, (_, i) => i % folds),
    y: Float64Array.from(y),
  };
}

/** Two noisy views of one logit, whose mean is better than either. */
function twoViews(rows: number, seed: number, shift = -1): { layout: OutOfFold; views: Float64Array[] } {
  const rng = new Rng(seed);
  const y = new Float64Array(rows);
  const views = [new Float64Array(2 * rows), new Float64Array(2 * rows)];
  for (let i = 0; i < rows; i++) {
    const logit = 2 * rng.normal() + shift;
    y[i] = rng.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
    for (const view of views) {
      const p = 1 / (1 + Math.exp(-(logit + 1.5 * rng.normal())));
      view[2 * i] = 1 - p;
      view[2 * i + 1] = p;
    }
  }
  return { layout: binaryLayout(y), views };
}

const scoring = (metric: Scoring['metric'], tuneDecision: boolean): Scoring => ({
  metric,
  tuneDecision,
  classLabels: ['no', 'yes'],
});

describe('selectVotingWeights', () => {
  it('mixes two equally good candidates about half and half and never loses against the best one', () => {
    const { layout, views } = twoViews(4000, 1);
    const { weights, loss } = selectVotingWeights(layout, views);
    const alone = views.map((view) => selectVotingWeights(layout, [view]).loss);
    expect(loss).toBeLessThan(Math.min(...alone) - 0.01);
    expect(weights[0] + weights[1]).toBeCloseTo(1, 12);
    expect(weights[0]).toBeGreaterThan(0.3);
    expect(weights[0]).toBeLessThan(0.7);
  });

  it('reports the mean log loss of the weighted mean', () => {
    const layout = binaryLayout([0, 1, 1]);
    const { loss } = selectVotingWeights(layout, [Float64Array.of(0.8, 0.2, 0.4, 0.6, 0.5, 0.5)]);
    // −(ln 0.8 + ln 0.6 + ln 0.5) / 3 = (0.223144 + 0.510826 + 0.693147) / 3
    expect(loss).toBeCloseTo(0.475705, 6);
  });

  it('gives a candidate that is always wrong no weight', () => {
    const { layout, views } = twoViews(2000, 2);
    const noise = views[0].map((_, i) => (layout.y[i >> 1] === (i & 1) ? 1e-6 : 1 - 1e-6));
    expect([...selectVotingWeights(layout, [views[0], noise]).weights]).toEqual([1, 0]);
  });

  it('minimises the squared error in regression', () => {
    const y = Float64Array.of(1, 2, 3, 4);
    const layout: OutOfFold = {
      task: 'regression',
      classes: 0,
      folds: 2,
      rows: Uint32Array.of(0, 1, 2, 3),
      fold: Uint16Array.of(0, 1, 0, 1),
      y,
    };
    const low = y.map((value) => value - 1);
    const high = y.map((value) => value + 1);
    const { weights, loss } = selectVotingWeights(layout, [low, high]);
    expect([...weights]).toEqual([0.5, 0.5]);
    expect(loss).toBeCloseTo(0, 12);
    expect([...combineVotes([low, high], weights)]).toEqual([...y]);
  });
});

describe('nestedParts', () => {
  it('uses the folds when every row is predicted once, else deals rows out so that none is in two parts', () => {
    const layout = binaryLayout([0, 1, 0, 1, 0, 1], 3);
    expect(nestedParts(layout)).toEqual({ part: layout.fold, parts: 3 });
    const repeated: OutOfFold = { ...layout, rows: Uint32Array.of(0, 1, 2, 0, 1, 2) };
    const { part, parts } = nestedParts(repeated);
    expect(parts).toBe(3);
    expect([...part.subarray(0, 3)]).toEqual([...part.subarray(3)]);
    expect(new Set(part).size).toBe(3);
    const { inside, outside } = splitByPart(part, part[0]);
    expect(inside.length + outside.length).toBe(6);
  });
});

describe('scoreOutOfFold', () => {
  it('keeps the most probable class where too few rows are validated to tune on others', () => {
    const layout = binaryLayout([1], 1);
    const probabilities = Float64Array.of(0.3, 0.7);
    const { metrics } = scoreOutOfFold(layout, probabilities, scoring('f1_score_macro', true));
    expect(metrics['accuracy']).toBe(1);
  });

  it('tunes and scores on as many parts as a small hold-out has rows', () => {
    const layout = binaryLayout([0, 0, 1, 1], 1);
    const probabilities = Float64Array.of(0.99, 0.01, 0.98, 0.02, 0.94, 0.06, 0.91, 0.09);
    const { metrics } = scoreOutOfFold(layout, probabilities, scoring('balanced_accuracy', true));
    // Without the row that is scored the threshold is the middle of 0.01 or 0.02 and 0.06 or 0.09: between 0.03 and 0.06.
    expect(metrics['balanced_accuracy']).toBe(1);
  });

  it('tunes the threshold on other rows than those it scores', () => {
    const { layout, views } = twoViews(6000, 3, -4);
    const plain = scoreOutOfFold(layout, views[0], scoring('norm_macro_recall', false));
    const tuned = scoreOutOfFold(layout, views[0], scoring('norm_macro_recall', true));
    expect(plain.decision).toEqual({ kind: 'argmax' });
    expect(tuned.decision.kind).toBe('threshold');
    expect(tuned.metrics['norm_macro_recall']).toBeGreaterThan(plain.metrics['norm_macro_recall'] + 0.1);
    expect(tuned.metrics['log_loss']).toBe(plain.metrics['log_loss']);
  });

  it('does not reward a threshold that only fits noise', () => {
    const rng = new Rng(7);
    const rows = 300;
    const layout = binaryLayout(Float64Array.from({ length: rows }, () => (rng.uniform() < 0.5 ? 1 : 0)));
    const p = Float64Array.from({ length: rows }, () => rng.uniform());
    const noise = Float64Array.from({ length: 2 * rows }, (_, i) =>
      i % 2 === 0 ? 1 - p[i >> 1] : p[i >> 1],
    );
    const { metrics } = scoreOutOfFold(layout, noise, scoring('balanced_accuracy', true));
    expect(Math.abs(metrics['balanced_accuracy'] - 0.5)).toBeLessThan(0.08);
  });

  it('takes the predictions made without a part when it scores that part', () => {
    const layout = binaryLayout([0, 1, 0, 1], 2);
    const final = Float64Array.of(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5);
    const right = Float64Array.of(1, 0, 0, 1, 1, 0, 0, 1);
    const { metrics } = scoreOutOfFold(layout, final, scoring('accuracy', false), () => right);
    expect(metrics['accuracy']).toBe(1);
  });
});
