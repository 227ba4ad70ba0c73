import { expect, it } from 'vitest';
import type { Tensor } from '#engine';
import { Conv2d, crossEntropy, Linear, Module, SGD } from '#nn';
import { compile } from './compiled-model.ts';

class Dense extends Module {
  readonly layer: Linear;
  constructor(features: number) {
    super();
    this.layer = new Linear(features, 10);
  }
  override forward(x: Tensor): Tensor {
    return this.layer.forward(x);
  }
}

class Convolutional extends Module {
  readonly conv = new Conv2d(3, 64, 3, { padding: 1 });
  readonly head = new Linear(64, 10);
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.conv.forward(x).relu().mean([2, 3]));
  }
}

const stepsOf = (model: Module, shape: readonly number[], more: object = {}) =>
  compile({ model, loss: crossEntropy, optimizer: new SGD(), ...more }).stepsPerCall([
    { dtype: 'float32', shape },
    { dtype: 'int64', shape: [shape[0]] },
  ]);

it('many steps of a small network make one call, one of a large one', () => {
  expect(stepsOf(new Dense(20), [8, 20])).toBe(100);
  // Two products of 256·20,000·10 and as many elements of the weights again, four times over or so.
  const dense = stepsOf(new Dense(20_000), [256, 20_000]);
  expect(dense).toBeGreaterThan(40);
  expect(dense).toBeLessThan(80);
  // 64·224·224·64·27 products forward, and as many for the weight.
  expect(stepsOf(new Convolutional(), [64, 3, 224, 224])).toBe(1);
});

it('steps that are no updates of their own are calls of their own', () => {
  expect(stepsOf(new Dense(20), [8, 20], { accumulate: 2 })).toBe(1);
  expect(stepsOf(new Dense(20), [8, 20], { precision: 'mixed' })).toBe(1);
});
