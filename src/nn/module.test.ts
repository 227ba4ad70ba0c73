import { describe, expect, it } from 'vitest';
import type { Tensor } from '#engine';
import {
  BatchNorm1d,
  kaimingNormal,
  Linear,
  layerRng,
  Module,
  manualSeed,
  Sequential,
  truncatedNormal,
  xavierUniform,
} from '#nn';

class Net extends Module {
  stem = new Linear(3, 4);
  blocks = [new Linear(4, 4), new Sequential(new Linear(4, 4), new BatchNorm1d(4))];
  lastLayer = new Linear(4, 2, { bias: false });
  override forward(x: Tensor): Tensor {
    return this.lastLayer.forward(this.blocks.reduce((h, block) => block.forward(h), this.stem.forward(x)));
  }
}

describe('Module', () => {
  it('names parameters by their path, as PyTorch does', () => {
    expect([...new Net().namedParameters().keys()]).toEqual([
      'stem.weight',
      'stem.bias',
      'blocks.0.weight',
      'blocks.0.bias',
      'blocks.1.0.weight',
      'blocks.1.0.bias',
      'blocks.1.1.weight',
      'blocks.1.1.bias',
      'last_layer.weight',
    ]);
    expect([...new Net().namedBuffers().keys()]).toEqual([
      'blocks.1.1.running_mean',
      'blocks.1.1.running_var',
      'blocks.1.1.num_batches_tracked',
    ]);
    // 3·4 + 4, 4·4 + 4 twice, 4 + 4, 4·2
    expect(new Net().parameterCount()).toBe(16 + 20 + 20 + 8 + 8);
  });

  it('switches all modules inside between training and evaluation', () => {
    const net = new Net();
    net.eval();
    expect([...net.namedModules().values()].some(({ training }) => training)).toBe(false);
    net.train();
    expect([...net.namedModules().values()].every(({ training }) => training)).toBe(true);
  });

  it('freezes by name, by module and by expression, and refuses what matches nothing', () => {
    const net = new Net();
    expect(net.freeze('blocks.1')).toEqual([
      'blocks.1.0.weight',
      'blocks.1.0.bias',
      'blocks.1.1.weight',
      'blocks.1.1.bias',
    ]);
    expect(net.freeze(/bias$/)).toHaveLength(4);
    expect(net.unfreeze('stem.bias')).toEqual(['stem.bias']);
    expect(net.namedParameters().get('stem.bias')?.requiresGrad).toBe(true);
    expect(net.namedParameters().get('blocks.0.bias')?.requiresGrad).toBe(false);
    expect(() => net.freeze('head')).toThrow(
      'the pattern must match a parameter, but head matches none of 9',
    );
  });

  it('gives a state dict that another one of its kind takes', () => {
    manualSeed(1);
    const [one, other] = [new Net(), new Net()];
    expect(other.stateDict()).not.toEqual(one.stateDict());
    expect(other.loadStateDict(one.stateDict())).toEqual({ missing: [], unexpected: [] });
    expect(other.stateDict()).toEqual(one.stateDict());
  });

  it('names all missing, unexpected and mismatched entries at once, and changes nothing', () => {
    const net = new Net();
    const state = net.stateDict();
    const before = net.stateDict();
    state.delete('stem.bias');
    state.set('head.bias', { dtype: 'float32', shape: [1], data: Float32Array.of(1) });
    state.set('blocks.0.bias', { dtype: 'float32', shape: [7], data: new Float32Array(7) });
    expect(() => net.loadStateDict(state)).toThrow(
      /stem\.bias missing, head\.bias unexpected, blocks\.0\.bias \[4\] and not \[7\] of another shape/,
    );
    expect(net.stateDict()).toEqual(before);
    state.delete('blocks.0.bias');
    expect(net.loadStateDict(state, { strict: false })).toEqual({
      missing: ['stem.bias', 'blocks.0.bias'],
      unexpected: ['head.bias'],
    });
  });
});

describe('initial weights', () => {
  it('are the same for the same seed, and differ between layers', () => {
    manualSeed(4);
    const [a, b] = [new Linear(5, 6), new Linear(5, 6)];
    manualSeed(4);
    const again = new Linear(5, 6);
    expect(again.stateDict()).toEqual(a.stateDict());
    expect(b.stateDict()).not.toEqual(a.stateDict());
    expect(new Linear(5, 6, { seed: 3 }).stateDict()).toEqual(new Linear(5, 6, { seed: 3 }).stateDict());
  });

  it('keep to the bounds and deviations of their formulas', () => {
    const largest = (values: Float32Array) =>
      values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const deviation = (values: Float32Array) =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    const linear = new Linear(100, 200, { seed: 1 });
    // Uniform in ±1/√100
    const weight = linear.weight.contents().data as Float32Array;
    expect(largest(weight)).toBeLessThanOrEqual(0.1);
    expect(largest(weight)).toBeGreaterThan(0.099);
    expect(largest(linear.bias?.contents().data as Float32Array)).toBeLessThanOrEqual(0.1);
    const rng = () => layerRng(2);
    // ±√(6/300) and √(2/100) with 20 000 numbers: 3 % is more than four standard errors.
    expect(largest(xavierUniform()([200, 100], rng()).data)).toBeLessThanOrEqual(Math.sqrt(6 / 300));
    expect(deviation(kaimingNormal()([200, 100], rng()).data) / Math.sqrt(2 / 100)).toBeCloseTo(1, 1.5);
    expect(largest(truncatedNormal(0, 1, -0.5, 0.5)([500], rng()).data)).toBeLessThanOrEqual(0.5);
  });
});
