import { ConfigError, type HostTensor, Rng, type Shape, sizeOf } from '#core';

/** Fills a new parameter. */
export type Initializer = (shape: Shape, rng: Rng) => HostTensor<'float32'>;

function filled(shape: Shape, next: () => number): HostTensor<'float32'> {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = next();
  return { dtype: 'float32', shape, data };
}

/** Uniform in [low, high). */
export function uniform(low: number, high: number): Initializer {
  return (shape, rng) => filled(shape, () => low + (high - low) * rng.uniform());
}

export function normal(mean = 0, std = 1): Initializer {
  return (shape, rng) => filled(shape, () => mean + std * rng.normal());
}

/** Normal, drawn again until within [low, high]. */
export function truncatedNormal(mean = 0, std = 1, low = -2, high = 2): Initializer {
  if (!(low < high)) {
    throw new ConfigError(`truncatedNormal: low must be below high, but got ${low} and ${high}. Swap them.`, {
      low,
      high,
    });
  }
  return (shape, rng) =>
    filled(shape, () => {
      for (;;) {
        const value = mean + std * rng.normal();
        if (value >= low && value <= high) return value;
      }
    });
}

export function constant(value: number): Initializer {
  return (shape) => filled(shape, () => value);
}

/**
 * Inputs and outputs of one unit of a weight `[out, in, …kernel]`.
 * @throws ConfigError for a shape of fewer than two axes
 */
export function fans(shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2) {
    throw new ConfigError(
      `fans: a weight must have at least two axes, but got [${shape.join(', ')}]. Use another initialiser.`,
      { shape: [...shape] },
    );
  }
  const field = sizeOf(shape.slice(2));
  return { fanIn: shape[1] * field, fanOut: shape[0] * field };
}

interface KaimingOptions {
  /** Keep the variance of the forward pass (`fanIn`, default) or of the gradient (`fanOut`). */
  readonly mode?: 'fanIn' | 'fanOut';
  /** Slope of a leaky ReLU below 0; 0 is ReLU. */
  readonly negativeSlope?: number;
}

const gain = (negativeSlope: number): number => Math.sqrt(2 / (1 + negativeSlope ** 2));

/**
 * Uniform in ±gain·√(3/fan).
 * @source He et al. 2015, https://arxiv.org/abs/1502.01852
 */
export function kaimingUniform({ mode = 'fanIn', negativeSlope = 0 }: KaimingOptions = {}): Initializer {
  return (shape, rng) => {
    const bound = gain(negativeSlope) * Math.sqrt(3 / fans(shape)[mode]);
    return uniform(-bound, bound)(shape, rng);
  };
}

/** Normal with standard deviation gain/√fan. */
export function kaimingNormal({ mode = 'fanIn', negativeSlope = 0 }: KaimingOptions = {}): Initializer {
  return (shape, rng) => normal(0, gain(negativeSlope) / Math.sqrt(fans(shape)[mode]))(shape, rng);
}

/**
 * Uniform in ±√(6/(fanIn + fanOut)).
 * @source Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierUniform(): Initializer {
  return (shape, rng) => {
    const { fanIn, fanOut } = fans(shape);
    const bound = Math.sqrt(6 / (fanIn + fanOut));
    return uniform(-bound, bound)(shape, rng);
  };
}

/** Normal with standard deviation √(2/(fanIn + fanOut)). */
export function xavierNormal(): Initializer {
  return (shape, rng) => {
    const { fanIn, fanOut } = fans(shape);
    return normal(0, Math.sqrt(2 / (fanIn + fanOut)))(shape, rng);
  };
}

/** PyTorch's default for the weights of linear and convolution layers: uniform in ±1/√fanIn. */
export const defaultWeight: Initializer = kaimingUniform({ negativeSlope: Math.sqrt(5) });

/** PyTorch's default for the bias beside such a weight: uniform in ±1/√fanIn. */
export function defaultBias(weight: Shape): Initializer {
  const bound = 1 / Math.sqrt(fans(weight).fanIn);
  return uniform(-bound, bound);
}

let layers = 0;

/**
 * The generator of a layer's initial weights. Layers without a seed of their own get one by their order of creation
 * since `manualSeed`.
 */
export function layerRng(seed: number | undefined): Rng {
  return seed === undefined ? new Rng(globalSeed).fork(layers++) : new Rng(seed);
}

let globalSeed = 0;

/** Seeds the initial weights of layers made from here on. */
export function manualSeed(seed: number): void {
  globalSeed = seed;
  layers = 0;
}
