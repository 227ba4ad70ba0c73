import { build, State, type Tensor, type Value, type Variable } from '#engine';

/** State of dynamic loss scaling. */
export interface LossScaling {
  /** Factor of the loss. */
  readonly scale: State;
  /** Updates in a row without an overflow. */
  readonly good: State;
}

const INITIAL_SCALE = 65536;
const GROWTH = 2;
const BACKOFF = 0.5;
/** Updates after which a larger scale is tried. */
const GROWTH_INTERVAL = 2000;

export function createLossScaling(): LossScaling {
  const scalar = (value: number, name: string) =>
    new State({ dtype: 'float32', shape: [], data: Float32Array.of(value) }, name);
  return { scale: scalar(INITIAL_SCALE, 'loss_scale'), good: scalar(0, 'loss_scale.good') };
}

/**
 * Makes all updates depend on the gradients being finite: where one overflowed, everything stays what it was and the
 * scale is halved; after 2000 good updates it is doubled.
 *
 * @param updates is changed
 * @returns whether the update was made, as a float32 scalar
 * @source Micikevicius et al. 2017, https://arxiv.org/abs/1710.03740, section 3.2; numbers as in PyTorch's GradScaler
 */
export function recordScaling(
  { scale, good }: LossScaling,
  found: readonly Tensor[],
  updates: Map<Variable, Value>,
): Value {
  // A sum of x − x is 0 when all are finite and NaN otherwise.
  const sums = found.map((gradient) => gradient.sub(gradient).sum());
  const areFinite = sums.reduce((total, sum) => total.add(sum)).equal(0);
  for (const [variable, next] of updates) {
    updates.set(variable, build.where(areFinite.value, next, build.variable(variable)));
  }
  const counted = good.add(1);
  const isDue = counted.greaterEqual(GROWTH_INTERVAL);
  const grown = isDue.where(scale.mul(GROWTH), scale);
  updates.set(scale.variable, areFinite.where(grown, scale.mul(BACKOFF)).value);
  updates.set(good.variable, areFinite.where(isDue.where(0, counted), 0).value);
  return areFinite.cast('float32').value;
}
