import type { Parameter } from '#engine';
import {
  Conv2d,
  type Initializer,
  Linear,
  layerRng,
  type Module,
  MultiheadAttention,
  xavierUniform,
} from '#nn';

/** How the layers of a model start. */
export interface LayerInitializers {
  readonly conv: (layer: Conv2d) => Initializer;
  readonly linear: (layer: Linear, name: string) => Initializer;
  /** Biases of both; 0 when absent. */
  readonly bias?: Initializer;
}

/**
 * Gives all convolutions and linear layers new weights, each from a stream of its own of one seed. The joined
 * projections of attention start as PyTorch's do, uniformly after Glorot.
 */
export function initializeWeights(
  model: Module,
  { conv, linear, bias }: LayerInitializers,
  seed: number | undefined,
): void {
  const rng = layerRng(seed);
  const fill = (parameter: Parameter | undefined, name: string, initializer: Initializer) =>
    parameter?.set(initializer(parameter.shape, rng.fork(name)));
  const zero: Initializer = (shape) => ({
    dtype: 'float32',
    shape,
    data: new Float32Array(shape.reduce((size, dim) => size * dim, 1)),
  });
  for (const [name, layer] of model.namedModules()) {
    if (layer instanceof MultiheadAttention) {
      fill(layer.inProjWeight, `${name}.in_proj_weight`, xavierUniform());
    }
    if (layer instanceof Conv2d) fill(layer.weight, `${name}.weight`, conv(layer));
    else if (layer instanceof Linear) fill(layer.weight, `${name}.weight`, linear(layer, name));
    else continue;
    fill(layer.bias, `${name}.bias`, bias ?? zero);
  }
}
