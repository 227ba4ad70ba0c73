import { ConfigError, type DType, type HostTensor, type Shape } from '#core';
import {
  autocast,
  build,
  type Device,
  gradients,
  type IndexRange,
  type Parameter,
  placeholder,
  poolByPhases,
  poolFirst,
  recompute,
  State,
  Tensor,
  trace,
  type Value,
  type Variable,
  zerosHost,
} from '#engine';
import {
  type ClipOptions,
  clipGradients,
  gradientNorm,
  type Loss,
  type Module,
  type Optimizer,
  type StepPosition,
} from '#nn';

import { createLossScaling, type LossScaling, recordScaling } from './loss-scaling.ts';
import { recordUpdates } from './record-updates.ts';

/** Type and shape of one tensor of a batch. */
export interface BatchType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** State that training keeps beside the model: optimiser slots, gradient sums, averaged weights. */
export interface TrainingState {
  /** Slots of each trainable parameter by name: `momentum_buffer`, `exp_avg`, … */
  readonly slots: ReadonlyMap<string, Readonly<Record<string, State>>>;
  /** Sums of gradients while they are accumulated. */
  readonly sums: ReadonlyMap<string, State>;
  /** Averaged copies of parameters and floating point buffers. */
  readonly averages: ReadonlyMap<string, State>;
  /** Loss scale of mixed precision and the number of updates since it changed. */
  readonly scaling: LossScaling | undefined;
}

/** A step of which the graph is known: what it returns and what it changes. */
export interface RecordedStep {
  readonly outputs: readonly Value[];
  readonly updates: ReadonlyMap<Variable, Value>;
  /** What inputs that are taken as indices must be. */
  readonly ranges: readonly IndexRange[];
}

export interface RecordOptions {
  readonly model: Module;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly clip?: ClipOptions | undefined;
  /** Batches whose gradients are added up before an update. */
  readonly accumulate: number;
  readonly momentumCycled: boolean;
  /** No schedule changes the learning rate. */
  readonly isRateConstant: boolean;
  /** Products in half precision, with a loss scale that adapts itself. */
  readonly mixedPrecision: boolean;
  readonly device: Device;
}

/** Names of the fed tensors beside the batch. */
export const KEY = 'key';
export const SCALARS = 'scalars';

export const batchName = (index: number): string => `batch${index}`;

const placeholders = (types: readonly BatchType[]): Tensor[] =>
  types.map(({ dtype, shape }, i) => placeholder(batchName(i), dtype, shape));

/**
 * The state that training `model` with `optimizer` needs.
 * @throws ConfigError when nothing is trainable
 */
export function createTrainingState(
  { model, optimizer, accumulate, mixedPrecision, isRateConstant }: RecordOptions,
  hasAverages: boolean,
): TrainingState {
  const trainable = trainableParameters(model);
  const slots = new Map<string, Record<string, State>>();
  const sums = new Map<string, State>();
  for (const [name, parameter] of trainable) {
    const options = optimizer.groupOptions(optimizer.groupOf(name));
    const own: Record<string, State> = {};
    for (const slot of optimizer.slots(options, isRateConstant)) {
      const host = zerosHost(parameter.shape) as HostTensor<'float32'>;
      if (slot.initial !== 0) host.data.fill(slot.initial);
      own[slot.name] = new State(host, `${name}.${slot.name}`);
    }
    slots.set(name, own);
    if (accumulate > 1) sums.set(name, new State(zerosHost(parameter.shape), `${name}.gradient`));
  }
  const averages = hasAverages ? averagesOf(model) : new Map<string, State>();
  return { slots, sums, averages, scaling: mixedPrecision ? createLossScaling() : undefined };
}

function averagesOf(model: Module): Map<string, State> {
  const copy = ([name, state]: [string, State]): [string, State] => {
    const { dtype, shape, data } = state.contents();
    return [name, new State({ dtype, shape, data: data.slice() } as HostTensor, `${name}.average`)];
  };
  const buffers = [...model.namedBuffers()].filter(([, buffer]) => buffer.dtype === 'float32');
  return new Map([...model.namedParameters(), ...buffers].map(copy));
}

/** Parameters that are not frozen. */
export function trainableParameters(model: Module): Map<string, Parameter> {
  const trainable = new Map([...model.namedParameters()].filter(([, parameter]) => parameter.requiresGrad));
  if (trainable.size === 0) {
    throw new ConfigError(
      'compile: the model must have a parameter to train, but all are frozen or there is none. Unfreeze some.',
    );
  }
  return trainable;
}

/** Numbers of one update for every group that has parameters, in one fixed order. */
export class ScalarTable {
  private readonly optimizer: Optimizer;
  private readonly groups: readonly number[];
  private readonly names: readonly (readonly [group: number, name: string])[];

  constructor(optimizer: Optimizer, parameterNames: Iterable<string>, momentumCycled: boolean) {
    this.optimizer = optimizer;
    this.groups = [...new Set(Array.from(parameterNames, (name) => optimizer.groupOf(name)))].sort(
      (a, b) => a - b,
    );
    const example = { step: 2, learningRateFactor: 1, momentum: momentumCycled ? 0.9 : undefined };
    this.names = this.groups.flatMap((group) =>
      Object.keys(optimizer.scalars(optimizer.groupOptions(group), example)).map(
        (name) => [group, name] as const,
      ),
    );
  }

  /** One more than the optimiser's: the decay of averaged weights. */
  get length(): number {
    return this.names.length + 1;
  }

  values(position: StepPosition, averageDecay: number): Float32Array {
    const values = this.groups.map((group) =>
      this.optimizer.scalars(
        this.optimizer.groupOptions(group),
        this.optimizer.groupPosition(group, position),
      ),
    );
    const flat = this.names.map(([group, name]) => values[this.groups.indexOf(group)][name]);
    return Float32Array.of(...flat, averageDecay);
  }

  /** The numbers in the graph, by group and name. */
  record(): { of: (group: number) => Record<string, Tensor>; average: Tensor } {
    const fed = build.input(SCALARS, 'float32', [this.length]);
    const parts = build
      .split(fed, new Array<number>(this.length).fill(1))
      .map((part) => new Tensor(build.reshape(part, [])));
    return {
      of: (group) =>
        Object.fromEntries(this.names.flatMap(([own, name], i) => (own === group ? [[name, parts[i]]] : []))),
      average: parts[this.names.length],
    };
  }
}

/**
 * The learning rate, when it is one for all parameters and the loss can be multiplied by it before it is
 * differentiated, because nothing but the optimiser's update reads the gradients.
 */
function learningRateOfAll(
  { optimizer, accumulate, clip, mixedPrecision, isRateConstant }: RecordOptions,
  names: Iterable<string>,
  scalars: ReturnType<ScalarTable['record']>,
): Tensor | undefined {
  const [group, ...others] = new Set(Array.from(names, (name) => optimizer.groupOf(name)));
  const isOnlyReader = accumulate === 1 && clip === undefined && !mixedPrecision && others.length === 0;
  return isOnlyReader && optimizer.takesScaledGradients(optimizer.groupOptions(group), isRateConstant)
    ? scalars.of(group)['rate']
    : undefined;
}

/**
 * Records forward pass, loss, gradients and, when `isUpdate`, the optimiser's update as one graph.
 * Its outputs are the loss and the gradients' norm.
 */
export function recordTrainingStep(
  options: RecordOptions,
  state: TrainingState,
  types: readonly BatchType[],
  table: ScalarTable,
  isUpdate: boolean,
): RecordedStep {
  const { model, loss, accumulate, clip } = options;
  const batch = placeholders(types);
  const key = build.input(KEY, 'int64', [2]);
  const {
    result,
    updates: buffers,
    ranges,
  } = trace({ training: true, key }, () => {
    model.train();
    return loss(model.forward(...batch.slice(0, -1)), batch[batch.length - 1]);
  });
  const trainable = trainableParameters(model);
  const pooled = poolFirst([result.value, ...buffers.values()]);
  const forward = options.device === 'cpu' ? poolByPhases(pooled) : pooled;
  const [lossValue, ...bufferValues] = options.mixedPrecision ? autocast(forward) : forward;
  const scaled = state.scaling === undefined ? lossValue : build.mul(lossValue, state.scaling.scale.value);
  const scalars = isUpdate ? table.record() : undefined;
  const rate = scalars && learningRateOfAll(options, trainable.keys(), scalars);
  const values = gradients(
    rate === undefined ? scaled : build.mul(scaled, rate.value),
    [...trainable.values()].map((parameter) => parameter.value),
  );
  let found = values.map((value) => new Tensor(value));
  if (state.scaling !== undefined) {
    const inverse = state.scaling.scale.reciprocal();
    found = found.map((gradient) => gradient.mul(inverse));
  }
  if (accumulate > 1) {
    const names = [...trainable.keys()];
    found = found.map((gradient, i) => state.sums.get(names[i])!.add(gradient.mul(1 / accumulate)));
  }
  const updates = new Map([...buffers.keys()].map((variable, i) => [variable, bufferValues[i]]));
  const outputs = [lossValue];
  if (scalars !== undefined) {
    const clipped = clip === undefined ? found : clipGradients(found, clip);
    recordUpdates(options, state, trainable, clipped, { scalars, isScaled: rate !== undefined }, updates);
    if (clip?.norm !== undefined) outputs.push(gradientNorm(found).value);
    if (state.scaling !== undefined) outputs.push(recordScaling(state.scaling, found, updates));
  } else {
    [...trainable.keys()].forEach((name, i) => {
      updates.set(state.sums.get(name)!.variable, found[i].value);
    });
  }
  const all = recompute([...outputs, ...updates.values()]);
  const next = new Map([...updates.keys()].map((variable, i) => [variable, all[outputs.length + i]]));
  return { outputs: all.slice(0, outputs.length), updates: next, ranges };
}

/** Records the forward pass in evaluation mode: the loss, when there is a target, and the output. */
export function recordEvaluation(
  { model, loss }: Pick<RecordOptions, 'model' | 'loss'>,
  types: readonly BatchType[],
  hasTarget: boolean,
): RecordedStep {
  const batch = placeholders(types);
  const { result, ranges } = trace({ training: false }, () => {
    model.eval();
    const output = model.forward(...(hasTarget ? batch.slice(0, -1) : batch));
    const parts = hasTarget ? [loss(output, batch[batch.length - 1]), output] : [output];
    model.train();
    return parts;
  });
  return { outputs: poolFirst(result.map((tensor) => tensor.value)), updates: new Map(), ranges };
}
