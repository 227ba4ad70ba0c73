import { ConfigError } from '#core';
import { Parameter, type Tensor } from '#engine';
import { constant, layerRng } from '../initializers.ts';
import { Module } from '../module.ts';

/** max(x, 0). */
export const relu = (x: Tensor): Tensor => x.relu();

/** x where x ≥ 0, slope·x below. */
export const leakyRelu = (x: Tensor, negativeSlope = 0.01): Tensor =>
  x.greaterEqual(0).where(x, x.mul(negativeSlope));

/** x·σ(x). @source https://arxiv.org/abs/1702.03118 */
export const silu = (x: Tensor): Tensor => x.silu();

/** x·Φ(x), Φ the normal distribution function; `tanh` is the usual approximation. @source https://arxiv.org/abs/1606.08415 */
export function gelu(x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor {
  if (approximate === 'none') return x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5);
  const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
  return x.mul(inner.tanh().add(1)).mul(0.5);
}

/** log(1 + eˣ), computed as max(x, 0) + log(1 + e^−|x|). */
export const softplus = (x: Tensor): Tensor => x.maximum(0).add(x.abs().neg().exp().add(1).log());

/** x·tanh(softplus(x)). @source https://arxiv.org/abs/1908.08681 */
export const mish = (x: Tensor): Tensor => x.mul(softplus(x).tanh());

/** min(max(x + 3, 0), 6)/6. */
export const hardSigmoid = (x: Tensor): Tensor =>
  x
    .add(3)
    .clip(0, 6)
    .mul(1 / 6);

/** x·hardSigmoid(x). @source https://arxiv.org/abs/1905.02244 */
export const hardSwish = (x: Tensor): Tensor => x.mul(hardSigmoid(x));

/** min(max(x, low), high). */
export const hardTanh = (x: Tensor, low = -1, high = 1): Tensor => x.clip(low, high);

/** x where x > 0, alpha·(eˣ − 1) below. @source https://arxiv.org/abs/1511.07289 */
export const elu = (x: Tensor, alpha = 1): Tensor =>
  x.greater(0).where(x, x.minimum(0).exp().sub(1).mul(alpha));

/** min(max(x, 0), 6). */
export const relu6 = (x: Tensor): Tensor => x.clip(0, 6);

const activations = {
  relu,
  relu6,
  leakyRelu,
  silu,
  gelu,
  mish,
  softplus,
  hardSigmoid,
  hardSwish,
  hardTanh,
  elu,
  sigmoid: (x: Tensor): Tensor => x.sigmoid(),
  tanh: (x: Tensor): Tensor => x.tanh(),
  softmax: (x: Tensor): Tensor => x.softmax(-1),
  logSoftmax: (x: Tensor): Tensor => x.logSoftmax(-1),
  identity: (x: Tensor): Tensor => x,
} as const;

export type ActivationName = keyof typeof activations;

/**
 * An activation as a layer, for `Sequential`.
 * @throws ConfigError for an unknown name
 */
export class Activation extends Module {
  readonly name: ActivationName;

  constructor(name: ActivationName) {
    super();
    if (!Object.hasOwn(activations, name)) {
      throw new ConfigError(
        `Activation: the name must be one of ${Object.keys(activations).join(', ')}, but got "${name}". Pass one of them.`,
        { name },
      );
    }
    this.name = name;
  }

  override forward(x: Tensor): Tensor {
    return activations[this.name](x);
  }
}

/** x where x ≥ 0, a learned slope times x below: one slope, or one per channel (axis 1). */
export class PReLU extends Module {
  readonly weight: Parameter;

  constructor(channels = 1, initial = 0.25) {
    super();
    this.weight = new Parameter(constant(initial)([channels], layerRng(0)));
  }

  override forward(x: Tensor): Tensor {
    const slope =
      this.weight.size === 1 ? this.weight : this.weight.reshape([-1, ...new Array(x.rank - 2).fill(1)]);
    return x.greaterEqual(0).where(x, x.mul(slope));
  }
}
