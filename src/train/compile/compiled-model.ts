import { ConfigError, DataError, type HostTensor, RuntimeFailure } from '#core';
import { type Device, Plan, type PlanOptions, type Profile, profileGraph, type State } from '#engine';
import {
  averageDecay,
  type ClipOptions,
  type Loss,
  type Module,
  type MovingAverageOptions,
  namedStates,
  type Optimizer,
  type Schedule,
  type StateDict,
  type StepPosition,
} from '#nn';
import {
  type BatchType,
  batchName,
  createTrainingState,
  KEY,
  type RecordedStep,
  type RecordOptions,
  recordEvaluation,
  recordTrainingStep,
  SCALARS,
  ScalarTable,
  type TrainingState,
  trainableParameters,
} from './record-step.ts';
import { stack, unstack } from './stack-tensors.ts';
import { stepsPerCall } from './steps-per-call.ts';

/** So many halvings of the loss scale help against any overflow: more steps in a row fail for another reason. */
const MOST_SKIPPED = 32;

/** Inputs of the model, then the target. */
export type Batch = readonly HostTensor[];

export interface CompileOptions {
  readonly model: Module;
  /** Scalar loss of output and target, such as `crossEntropy`. */
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Learning rate over time; the optimiser's own when absent. */
  readonly schedule?: Schedule;
  /** Whether the schedule counts updates or epochs; updates by default. */
  readonly interval?: 'step' | 'epoch';
  /** Limits of the gradients. */
  readonly clip?: ClipOptions;
  /** Batches whose mean gradient makes one update; 1 by default. */
  readonly accumulate?: number;
  /**
   * `mixed` computes products in float16 and scales the loss so that small gradients survive; what overflows is
   * skipped. Worth it on devices with fast float16; `float32` by default.
   */
  readonly precision?: 'float32' | 'mixed';
  /** Keep an exponential moving average of the weights, which evaluation then uses. */
  readonly ema?: MovingAverageOptions;
  /** Seed of dropout and the like. */
  readonly seed?: number;
  readonly device?: Device;
  /** Threads within one op; the number of cores by default. */
  readonly threads?: number;
  /**
   * Measure different ways to compute convolutions, once per shape; choices are kept on disk. Without it an estimate
   * decides, so that results do not depend on a measurement. True by default.
   */
  readonly autotune?: boolean;
}

export interface StepResult {
  readonly loss: number;
  /** Norm of all gradients before clipping, where `clip.norm` is set. */
  readonly gradientNorm?: number;
  /** Mixed precision: a gradient overflowed, so no update was made and the loss scale was halved. */
  readonly skipped?: boolean;
}

/** Where training stands, as plain data for a checkpoint. */
export interface TrainingPosition {
  /** Updates made. */
  readonly updates: number;
  /** Batches seen. */
  readonly batches: number;
  readonly seed: number;
}

/**
 * A model with its loss and optimiser, compiled for ONNX Runtime: forward pass, gradients and update are one graph per
 * shape of batch, compiled when that shape comes first.
 *
 * @example
 * const compiled = new CompiledModel({ model, loss: crossEntropy, optimizer: new SGD({ learningRate: 0.01 }) });
 * const { loss } = await compiled.step([images, labels]);
 */
export class CompiledModel {
  readonly options: CompileOptions;
  readonly state: TrainingState;
  private readonly record: RecordOptions;
  private readonly table: ScalarTable;
  private readonly plans = new Map<string, Promise<Plan>>();
  /** Where batches are stacked, by position, type and shape: filled again by every call of `steps`. */
  private readonly stacks = new Map<string, HostTensor>();
  private readonly recorded = new Map<string, RecordedStep>();
  private readonly stepCounts = new Map<string, number>();
  private updates = 0;
  /** Steps in a row whose gradients overflowed. */
  private skipped = 0;
  private batches = 0;
  private epoch = 0;

  /** @throws ConfigError when the options do not fit together or nothing is trainable */
  constructor(options: CompileOptions) {
    const { model, loss, optimizer, clip, accumulate = 1, schedule } = options;
    if (!Number.isInteger(accumulate) || accumulate < 1) {
      throw new ConfigError(
        `compile: accumulate must be a whole number above 0, but got ${accumulate}. Pass a number of batches.`,
        { accumulate },
      );
    }
    this.options = options;
    const momentumCycled = schedule?.momentum !== undefined;
    this.record = {
      model,
      loss,
      optimizer,
      clip,
      accumulate,
      momentumCycled,
      isRateConstant: schedule === undefined,
      mixedPrecision: options.precision === 'mixed',
      device: options.device ?? 'cpu',
    };
    this.table = new ScalarTable(optimizer, trainableParameters(model).keys(), momentumCycled);
    this.state = createTrainingState(this.record, options.ema !== undefined);
  }

  /** Where training stands. */
  get position(): TrainingPosition {
    return { updates: this.updates, batches: this.batches, seed: this.options.seed ?? 0 };
  }

  /** Learning rate of the next update. */
  get learningRate(): number {
    return this.rateAt(this.updates);
  }

  /** Epochs finished, for schedules that count them. */
  startEpoch(epoch: number): void {
    this.epoch = epoch;
  }

  private rateAt(update: number): number {
    const { schedule, optimizer, interval = 'step' } = this.options;
    const base = optimizer.options.learningRate;
    return schedule?.learningRate(interval === 'step' ? update : this.epoch, base) ?? base;
  }

  private positionAt(update: number): StepPosition {
    const { schedule, optimizer, interval = 'step' } = this.options;
    const base = optimizer.options.learningRate;
    return {
      step: update + 1,
      learningRateFactor: base === 0 ? 0 : this.rateAt(update) / base,
      momentum: schedule?.momentum?.(interval === 'step' ? update : this.epoch),
    };
  }

  /**
   * Compiles the training step for batches like this one without running it; `step` does so by itself.
   * @param batch tensors, or their types and shapes
   */
  async prepare(batch: readonly BatchType[]): Promise<void> {
    await this.trainingPlan(batch.map(typeOf), true);
  }

  /**
   * One training step: forward, backward and, at every `accumulate`-th batch, the update.
   * @throws RuntimeFailure when the loss is not finite; the model keeps what it was before the step
   */
  async step(batch: Batch): Promise<StepResult> {
    const isUpdate = this.isUpdate(this.batches);
    const plan = await this.trainingPlan(batch.map(typeOf), isUpdate);
    const results = await plan.run({
      ...feedsOf(batch),
      ...this.stepFeeds(plan, this.batches, this.updates),
    });
    const [loss, ...rest] = results.map(({ data }) => Number(data[0]));
    const isSkipped = this.state.scaling !== undefined && isUpdate && rest.pop() === 0;
    this.skipped = isSkipped ? this.skipped + 1 : 0;
    if ((!Number.isFinite(loss) && !isSkipped) || this.skipped > MOST_SKIPPED) {
      plan.undo();
      throw await this.explainFailure(batch, loss);
    }
    this.batches++;
    if (isUpdate && !isSkipped) this.updates++;
    const [norm] = rest;
    return {
      loss,
      ...(norm === undefined ? {} : { gradientNorm: norm }),
      ...(isSkipped ? { skipped: true } : {}),
    };
  }

  /** How many steps one call had better make for batches like this one: 1 where a step is long. */
  stepsPerCall(batch: readonly BatchType[]): number {
    if (!this.canStack) return 1;
    const types = batch.map(typeOf);
    const key = JSON.stringify(types);
    const count = this.stepCounts.get(key) ?? stepsPerCall(this.recordStep(types, true));
    this.stepCounts.set(key, count);
    return count;
  }

  /** Whether several steps can be one call: every one makes an update. */
  get canStack(): boolean {
    return this.record.accumulate === 1 && this.state.scaling === undefined;
  }

  /**
   * Several steps in one call of ONNX Runtime, which saves small models the cost of a call per step. Stacks every
   * tensor of the batches along a new first axis.
   *
   * @param batches of one shape
   * @returns the loss of every step
   */
  async steps(batches: readonly Batch[]): Promise<StepResult[]> {
    if (batches.length < 2 || !this.canStack) {
      const results: StepResult[] = [];
      for (const batch of batches) results.push(await this.step(batch));
      return results;
    }
    const stacked = batches[0].map(({ dtype, shape }, i) => {
      const key = `${i} ${dtype} ${batches.length} ${shape.join()}`;
      const joined = stack(
        batches.map((batch) => batch[i]),
        this.stacks.get(key),
      );
      this.stacks.set(key, joined);
      return joined;
    });
    return this.stackedSteps(stacked);
  }

  /**
   * As `steps`, for batches that lie stacked already: tensors `[T, N, …]`.
   */
  async stackedSteps(stacked: Batch): Promise<StepResult[]> {
    const count = stacked[0].shape[0];
    const plan = await this.loopPlan(stacked.map(typeOf), count);
    const parts = Array.from({ length: count }, (_, i) =>
      this.stepFeeds(plan, this.batches + i, this.updates + i),
    );
    const own = Object.keys(parts[0]).map((name) => [name, stack(parts.map((part) => part[name]))] as const);
    const results = await plan.run({ ...feedsOf(stacked), ...Object.fromEntries(own) });
    const losses = Array.from(results[0].data as Float32Array);
    const failed = losses.findIndex((loss) => !Number.isFinite(loss));
    if (failed >= 0) {
      plan.undo();
      // Step by step from the last good state, to stop at the first bad one.
      for (let i = 0; i <= failed; i++) await this.step(stacked.map((tensor) => unstack(tensor, i)));
    }
    this.batches += count;
    this.updates += count;
    return losses.map((loss, i) => {
      const norm = results[1]?.data[i];
      return norm === undefined ? { loss } : { loss, gradientNorm: Number(norm) };
    });
  }

  /**
   * Measures where the time of a training step goes: by op and by line of the model. Makes some steps on the batch.
   */
  async profile(batch: Batch): Promise<Profile> {
    const { outputs, updates } = this.recordStep(batch.map(typeOf), true);
    const decay = averageDecay(this.options.ema ?? {}, this.updates + 1);
    const scalars = this.table.values(this.positionAt(this.updates), decay);
    const feeds = {
      ...feedsOf(batch),
      [KEY]: this.keyAt(this.batches),
      [SCALARS]: { dtype: 'float32', shape: [scalars.length], data: scalars } as HostTensor,
    };
    return profileGraph(outputs, updates, feeds, this.planOptions());
  }

  /** Loss and output of a batch in evaluation mode, on averaged weights where they are kept. */
  async evaluate(batch: Batch): Promise<{ readonly loss: number; readonly output: HostTensor }> {
    const plan = await this.evaluationPlan(batch.map(typeOf), true);
    const [loss, output] = await this.onAverages(() => plan.run(feedsOf(batch)));
    return { loss: Number(loss.data[0]), output };
  }

  /** Output for inputs alone, in evaluation mode, on averaged weights where they are kept. */
  async predict(inputs: readonly HostTensor[]): Promise<HostTensor> {
    const plan = await this.evaluationPlan(inputs.map(typeOf), false);
    const [output] = await this.onAverages(() => plan.run(feedsOf(inputs)));
    return output;
  }

  /** Copies the averaged weights into the model. */
  useAverages(): void {
    const states = namedStates(this.options.model);
    for (const [name, average] of this.state.averages) {
      const { dtype, shape, data } = average.contents();
      states.get(name)!.set({ dtype, shape, data: data.slice() } as HostTensor);
    }
  }

  /** Everything that changes in training, by name: `model.…`, `optimizer.…`, `gradient.…`, `average.…`. */
  stateDict(): StateDict {
    return new Map([...this.namedState()].map(([name, state]) => [name, copyOf(state.contents())]));
  }

  /**
   * Goes back to a state that `stateDict` and `position` gave.
   * @param options allowNew: parameters that were frozen then may lack the optimiser's state, which starts anew
   * @throws DataError when names or shapes differ
   */
  loadState(
    tensors: ReadonlyMap<string, HostTensor>,
    position: TrainingPosition,
    { allowNew = false }: { readonly allowNew?: boolean } = {},
  ): void {
    const own = this.namedState();
    const isNew = (name: string) => allowNew && /^(?:optimizer|gradient)\./.test(name);
    const missing = [...own.keys()].filter((name) => !tensors.has(name) && !isNew(name));
    if (missing.length > 0) {
      throw new DataError(
        `loadState: the checkpoint must hold every tensor of this training, but ${missing.slice(0, 3).join(', ')} and ${Math.max(0, missing.length - 3)} more are missing. Resume with the settings it was made with.`,
        { missing },
      );
    }
    for (const [name, state] of own) {
      const given = tensors.get(name);
      if (given !== undefined) state.set(copyOf(given));
    }
    this.updates = position.updates;
    this.batches = position.batches;
  }

  /** Frees all sessions. */
  async release(): Promise<void> {
    const plans = await Promise.allSettled(this.plans.values());
    this.plans.clear();
    for (const plan of plans) if (plan.status === 'fulfilled') await plan.value.release();
  }

  private namedState(): Map<string, State> {
    const named = new Map<string, State>();
    for (const [name, state] of namedStates(this.options.model)) named.set(`model.${name}`, state);
    for (const [name, slots] of this.state.slots) {
      for (const [slot, state] of Object.entries(slots)) named.set(`optimizer.${name}.${slot}`, state);
    }
    for (const [name, state] of this.state.sums) named.set(`gradient.${name}`, state);
    for (const [name, state] of this.state.averages) named.set(`average.${name}`, state);
    if (this.state.scaling !== undefined) {
      named.set('scaling.scale', this.state.scaling.scale);
      named.set('scaling.good', this.state.scaling.good);
    }
    return named;
  }

  private isUpdate(batches: number): boolean {
    return (batches + 1) % this.record.accumulate === 0;
  }

  /** The fed numbers of one step, as far as the plan reads them. */
  private stepFeeds(plan: Plan, batches: number, updates: number): Record<string, HostTensor> {
    const feeds: Record<string, HostTensor> = {};
    if (plan.inputs.has(KEY)) {
      feeds[KEY] = this.keyAt(batches);
    }
    if (plan.inputs.has(SCALARS)) {
      const decay = averageDecay(this.options.ema ?? {}, updates + 1);
      const data = this.table.values(this.positionAt(updates), decay);
      feeds[SCALARS] = { dtype: 'float32', shape: [data.length], data };
    }
    return feeds;
  }

  private keyAt(batches: number): HostTensor {
    const data = BigInt64Array.of(BigInt(this.options.seed ?? 0), BigInt(batches));
    return { dtype: 'int64', shape: [2], data };
  }

  private trainingPlan(types: readonly BatchType[], isUpdate: boolean): Promise<Plan> {
    return this.plan(`${isUpdate ? 'update' : 'accumulate'} ${JSON.stringify(types)}`, () => {
      const recorded = this.recordStep(types, isUpdate);
      return Plan.create(recorded.outputs, recorded.updates, this.planOptions(recorded));
    });
  }

  /** The graph of a step, recorded once for all plans of it. */
  private recordStep(types: readonly BatchType[], isUpdate: boolean): RecordedStep {
    const key = `${isUpdate} ${JSON.stringify(types)}`;
    const recorded =
      this.recorded.get(key) ?? recordTrainingStep(this.record, this.state, types, this.table, isUpdate);
    this.recorded.set(key, recorded);
    return recorded;
  }

  private loopPlan(stacked: readonly BatchType[], count: number): Promise<Plan> {
    return this.plan(`loop ${JSON.stringify(stacked)}`, () => {
      const types = stacked.map(({ dtype, shape }) => ({ dtype, shape: shape.slice(1) }));
      const recorded = this.recordStep(types, true);
      return Plan.createLoop(recorded.outputs, recorded.updates, count, this.planOptions(recorded));
    });
  }

  private evaluationPlan(types: readonly BatchType[], hasTarget: boolean): Promise<Plan> {
    return this.plan(`${hasTarget ? 'evaluate' : 'predict'} ${JSON.stringify(types)}`, () => {
      const recorded = recordEvaluation(this.record, types, hasTarget);
      return Plan.create(recorded.outputs, recorded.updates, this.planOptions(recorded));
    });
  }

  private planOptions({ ranges = [] }: Partial<RecordedStep> = {}): PlanOptions {
    const { device, threads, autotune = true } = this.options;
    return {
      autotune,
      ranges,
      ...(device === undefined ? {} : { device }),
      ...(threads === undefined ? {} : { threads }),
    };
  }

  private async plan(key: string, create: () => Promise<Plan>): Promise<Plan> {
    let plan = this.plans.get(key);
    if (plan === undefined) {
      plan = create();
      this.plans.set(key, plan);
      // A plan that could not be made is tried again.
      plan.catch(() => this.plans.delete(key));
    }
    return plan;
  }

  /** Runs with averaged weights in the model's place. */
  private async onAverages<T>(run: () => Promise<T>): Promise<T> {
    if (this.state.averages.size === 0) return run();
    const states = namedStates(this.options.model);
    const swap = () => {
      for (const [name, average] of this.state.averages) {
        const own = states.get(name)!.variable;
        [own.data, average.variable.data] = [average.variable.data, own.data];
      }
    };
    swap();
    try {
      return await run();
    } finally {
      swap();
    }
  }

  private async explainFailure(batch: Batch, loss: number): Promise<RuntimeFailure> {
    const types = batch.map(typeOf);
    const { outputs } = this.recordStep(types, true);
    const found = await Plan.findNonFinite(outputs, {
      ...feedsOf(batch),
      [KEY]: this.keyAt(this.batches),
    });
    const where = found === undefined ? '' : ` The first tensor that is not finite is ${found}.`;
    const what =
      this.skipped > MOST_SKIPPED
        ? `gradients must stay finite, but overflowed in ${this.skipped} steps in a row, the last`
        : `the loss must stay finite, but got ${loss}`;
    return new RuntimeFailure(
      `step: ${what} at step ${this.batches + 1}.${where} Lower the learning rate (now ${this.learningRate}), clip gradients, or check the data.`,
      { step: this.batches + 1, loss: String(loss), tensor: found },
    );
  }
}

/** Compiles a model for training; see `CompiledModel`. */
export function compile(options: CompileOptions): CompiledModel {
  return new CompiledModel(options);
}

const typeOf = ({ dtype, shape }: BatchType): BatchType => ({ dtype, shape });

const copyOf = ({ dtype, shape, data }: HostTensor): HostTensor =>
  ({ dtype, shape, data: data.slice() }) as HostTensor;

const feedsOf = (batch: Batch): Record<string, HostTensor> =>
  Object.fromEntries(batch.map((tensor, i) => [batchName(i), tensor]));
