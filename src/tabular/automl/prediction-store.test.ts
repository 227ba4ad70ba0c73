import { describe, expect, it } from 'vitest';
import { PredictionStore } from './prediction-store.ts';

const ROWS = 10;
const predictions = (value: number) => new Float64Array(ROWS).fill(value);
const room = (trials: number) => new PredictionStore(trials * ROWS * Float64Array.BYTES_PER_ELEMENT);

describe('PredictionStore', () => {
  it('ranks trials by loss and drops the worst when memory is short', () => {
    const store = room(2);
    store.add(0, predictions(0), 0.3, -0.9);
    store.add(1, predictions(1), Number.NaN, -0.5);
    store.add(2, predictions(2), 0.2, -0.8);
    expect(store.ranking()).toEqual([2, 0]);
    expect(store.get(1)).toBeUndefined();
    expect(store.get(2)).toEqual(predictions(2));
  });

  it('keeps the trial that is best by the primary metric, however bad its loss', () => {
    const store = room(2);
    store.add(0, predictions(0), 5, -0.99);
    store.add(1, predictions(1), 0.1, -0.7);
    store.add(2, predictions(2), 0.2, -0.8);
    expect(store.ranking()).toEqual([1, 0]);
    // A new best by the primary metric takes the protection over.
    store.add(3, predictions(3), 9, -1);
    expect(store.ranking()).toEqual([1, 3]);
  });

  it('keeps the best trial alone where there is room for one only', () => {
    const store = room(1);
    store.add(0, predictions(0), 0.4, -0.9);
    store.add(1, predictions(1), 0.1, -0.2);
    expect(store.ranking()).toEqual([0]);
  });

  it('keeps the first of equal trials, in whichever order they finish', () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const store = room(1);
      for (const iteration of order) store.add(iteration, predictions(iteration), 1, -0.9);
      expect(store.ranking()).toEqual([0]);
    }
  });
});
