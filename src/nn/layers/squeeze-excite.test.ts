import { expect, test } from 'vitest';
import { grad, interpret, type Tensor, tensor } from '#engine';
import { hardSigmoid, relu } from './activations.ts';
import { SqueezeExcite, type SqueezeExciteOptions } from './squeeze-excite.ts';

// Channels [1, 3] and [2, 6] with means 2 and 4; reduced: 1·2 − ½·4 + 1 = 1; expanded: ±1 times what follows.
const x = tensor([[[[1, 3]], [[2, 6]]]]);

function layerOf(options: SqueezeExciteOptions): SqueezeExcite {
  const layer = new SqueezeExcite(2, 1, options);
  layer.convReduce.weight.set({ dtype: 'float32', shape: [1, 2, 1, 1], data: Float32Array.of(1, -0.5) });
  layer.convReduce.bias!.set({ dtype: 'float32', shape: [1], data: Float32Array.of(1) });
  layer.convExpand.weight.set({ dtype: 'float32', shape: [2, 1, 1, 1], data: Float32Array.of(1, -1) });
  layer.convExpand.bias!.set({ dtype: 'float32', shape: [2], data: Float32Array.of(0, 0) });
  return layer;
}

async function expectClose(got: Tensor, wanted: readonly number[]): Promise<void> {
  const results = [interpret([got.value], {})[0].data, await got.data()];
  for (const result of results) {
    expect(result).toHaveLength(wanted.length);
    wanted.forEach((each, i) => {
      expect(Number(result[i])).toBeCloseTo(each, 5);
    });
  }
}

test('a squeeze-and-excitation block scales channels by a function of their means', async () => {
  // relu(1) = 1; hardSigmoid(±1) = ½ ± 1/6 = 2/3 and 1/3
  await expectClose(layerOf({ activation: relu, gate: hardSigmoid }).forward(x), [2 / 3, 2, 2 / 3, 2]);
});

test('SiLU and the sigmoid are the defaults', async () => {
  // silu(1) = σ(1) = 0.731059; σ(±0.731059) = 0.675038 and 0.324962
  await expectClose(layerOf({}).forward(x), [0.675038, 2.025113, 0.649925, 1.949775]);
});

test('the gradient goes through the means too', async () => {
  // Σy = s₁·4 + s₂·8 with s = ½ ± h/6, h = 1·m₁ − ½·m₂ + 1. dΣy/dh = 4/6 − 8/6 = −2/3; h changes by ½·1 with each
  // pixel of the first channel and by −½·½ with one of the second: 2/3 − 1/3 and 1/3 + 1/6.
  const y = layerOf({ activation: relu, gate: hardSigmoid }).forward(x);
  await expectClose(grad(y.sum(), [x])[0], [1 / 3, 1 / 3, 1 / 2, 1 / 2]);
});
