import { sizeOf } from '#core';
import { build, type Parameter, type State, Tensor, type Value, type Variable } from '#engine';
import type { Optimizer, UpdateResult } from '#nn';
import type { RecordOptions, ScalarTable, TrainingState } from './record-step.ts';

/** Parameters up to this size are updated together: an operator costs more than they do. */
const SMALL = 12_288;

/** A parameter with what its update needs. */
interface Item {
  readonly name: string;
  readonly parameter: Parameter;
  readonly gradient: Tensor;
}

/** Numbers of the update. */
interface UpdateFactors {
  readonly scalars: ReturnType<ScalarTable['record']>;
  /** Whether gradients come times the learning rate. */
  readonly isScaled: boolean;
}

/**
 * Records the optimiser's update of every parameter, and of averaged weights, into `updates`.
 *
 * Small parameters come first: ONNX Runtime works from the last result to the first, and so frees the activations of a
 * layer as soon as the gradient of its weight is there.
 */
export function recordUpdates(
  options: RecordOptions,
  state: TrainingState,
  trainable: ReadonlyMap<string, Parameter>,
  gradients: readonly Tensor[],
  { scalars, isScaled }: UpdateFactors,
  updates: Map<Variable, Value>,
): void {
  const { optimizer, model, isRateConstant } = options;
  const items = [...trainable].map(([name, parameter], i) => ({ name, parameter, gradient: gradients[i] }));
  const update = (group: number, parts: Parts): UpdateResult =>
    optimizer.update({
      ...parts,
      scalars: scalars.of(group),
      options: optimizer.groupOptions(group),
      isRateConstant,
      isScaled,
    });
  const store = ({ name, parameter }: Item, next: UpdateResult): void => {
    updates.set(parameter.variable, next.parameter.value);
    const slots = state.slots.get(name)!;
    for (const [slot, tensor] of Object.entries(next.slots)) updates.set(slots[slot].variable, tensor.value);
    const sum = state.sums.get(name);
    if (sum !== undefined) updates.set(sum.variable, build.expand(build.scalar(0, 'float32'), sum.shape));
  };
  const { small, large } = sortBySize(items, optimizer);
  for (const [group, together] of small) {
    const next = update(group, join(together, state));
    split(together, next).forEach((own, i) => {
      store(together[i], own);
    });
  }
  for (const item of large) {
    const group = optimizer.groupOf(item.name);
    // Numbers that meet a vector are multiplied faster than those that meet the weight of a 1×1 convolution.
    const asVector = optimizer.isElementwise && item.parameter.shape.at(-1) === 1;
    if (asVector) store(item, split([item], update(group, join([item], state)))[0]);
    else store(item, update(group, { ...item, slots: state.slots.get(item.name)! }));
  }
  recordAverages(state, new Map<string, State>([...model.namedParameters(), ...model.namedBuffers()]), {
    kept: scalars.average,
    updates,
  });
}

interface Parts {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** Small parameters by group, where there are several and the optimiser treats every element by itself. */
function sortBySize(
  items: readonly Item[],
  optimizer: Optimizer,
): { small: Map<number, Item[]>; large: Item[] } {
  const small = new Map<number, Item[]>();
  const large: Item[] = [];
  for (const item of items) {
    if (!optimizer.isElementwise || sizeOf(item.parameter.shape) > SMALL) large.push(item);
    else {
      const group = optimizer.groupOf(item.name);
      small.set(group, [...(small.get(group) ?? []), item]);
    }
  }
  for (const [group, together] of small) {
    if (together.length > 1) continue;
    large.push(...together);
    small.delete(group);
  }
  return { small, large };
}

/** Parameters, gradients and slots one after the other in a vector each. */
function join(items: readonly Item[], state: TrainingState): Parts {
  const flat = (tensors: readonly Tensor[]) => {
    const vectors = tensors.map((tensor) => build.reshape(tensor.value, [-1]));
    return new Tensor(vectors.length === 1 ? vectors[0] : build.concat(vectors, 0));
  };
  const slots = items.map(({ name }) => state.slots.get(name)!);
  return {
    parameter: flat(items.map(({ parameter }) => parameter)),
    gradient: flat(items.map(({ gradient }) => gradient)),
    slots: Object.fromEntries(
      Object.keys(slots[0]).map((slot) => [slot, flat(slots.map((own) => own[slot]))]),
    ),
  };
}

/** `join` undone. */
function split(items: readonly Item[], joined: UpdateResult): UpdateResult[] {
  const shapes = items.map(({ parameter }) => parameter.shape);
  const parts = (tensor: Tensor): Tensor[] =>
    shapes.length === 1
      ? [tensor.reshape(shapes[0])]
      : tensor.split(shapes.map(sizeOf)).map((part, i) => part.reshape(shapes[i]));
  const parameters = parts(joined.parameter);
  const slots = Object.entries(joined.slots).map(([name, tensor]) => [name, parts(tensor)] as const);
  return items.map((_, i) => ({
    parameter: parameters[i],
    slots: Object.fromEntries(slots.map(([name, each]) => [name, each[i]])),
  }));
}

function recordAverages(
  state: TrainingState,
  states: ReadonlyMap<string, State>,
  { kept, updates }: { readonly kept: Tensor; readonly updates: Map<Variable, Value> },
): void {
  for (const [name, average] of state.averages) {
    const own = states.get(name)!;
    const now = new Tensor(updates.get(own.variable) ?? own.value);
    updates.set(average.variable, average.mul(kept).add(now.mul(kept.neg().add(1))).value);
  }
}
