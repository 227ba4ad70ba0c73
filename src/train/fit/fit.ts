import {
  bytesPerElement,
  ConfigError,
  DataError,
  type HostTensor,
  type Logger,
  now,
  RuntimeFailure,
  silentLogger,
  sizeOf,
} from '#core';
import { type Module, matchesName, type NamePattern, ReduceOnPlateau } from '#nn';
import {
  type Batch,
  CompiledModel,
  type CompileOptions,
  type StepResult,
} from '../compile/compiled-model.ts';
import type { BatchType } from '../compile/record-step.ts';
import type { DataSource } from './data-source.ts';
import type { Callbacks, EpochResult, FitResult, StopReason } from './fit-event.ts';
import { Joined, type Metric } from './metrics.ts';
import {
  type CheckpointOptions,
  restoreTraining,
  TrainingFiles,
  type TrainingProgress,
} from './training-files.ts';
import { Watch } from './watch.ts';

export interface FitOptions extends CompileOptions {
  readonly data: DataSource;
  /** Data that is evaluated after every epoch. */
  readonly validation?: DataSource;
  /** Times that the data is gone through. */
  readonly epochs: number;
  /** Metrics of the validation data. */
  readonly metrics?: readonly Metric[];
  readonly callbacks?: Callbacks;
  readonly checkpoint?: CheckpointOptions;
  /** Go on from the last checkpoint in the folder, if there is one; false by default. */
  readonly resume?: boolean;
  /** Quantity that decides which epoch is best: `validationLoss`, `trainLoss` or a metric. */
  readonly watch?: string;
  /** Which of several equally good epochs is best; the first by default. */
  readonly tie?: 'first' | 'last';
  /** Stop after this many epochs without a better one; `minDelta` is how much better it must be. */
  readonly earlyStopping?: { readonly patience: number; readonly minDelta?: number };
  /**
   * Parameters that begin to be trained with an epoch (counted from 1), frozen until then. Give them a group in the
   * optimiser with `startStep`, so that its bias correction counts from there.
   */
  readonly unfreeze?: readonly { readonly epoch: number; readonly pattern: NamePattern }[];
  /** Steps per call of ONNX Runtime; by default 1 for models with much to compute and up to 100 for small ones. */
  readonly stepsPerCall?: number;
  readonly logger?: Logger;
  /** Stops after the step in progress and writes a checkpoint. */
  readonly signal?: AbortSignal;
}

/** Batches of one call may take as many bytes unless the number of steps is given. */
const MOST_STACKED = 64 * 2 ** 20;

/**
 * Trains a model: epochs of steps, validation, checkpoints, early stopping.
 *
 * Stopped and resumed in the middle of an epoch, it gives bit for bit what it would have given without a stop.
 *
 * @returns the epochs, and why it stopped; the model holds the last weights
 * @throws DataError for an empty data source
 * @throws ConfigError for options that do not fit, or a folder of checkpoints that another process trains in
 * @throws RuntimeFailure when the loss, or a weight after an epoch, is not finite
 * @example
 * const result = await fit({ model, loss: crossEntropy, optimizer: new SGD(), data: loader, epochs: 10 });
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const run = new FitRun(options);
  const lock = run.files?.lock();
  try {
    return await run.run();
  } finally {
    lock?.release();
    await run.compiled.release();
  }
}

class FitRun {
  compiled: CompiledModel;
  private readonly options: FitOptions;
  readonly files: TrainingFiles | undefined;
  private readonly watch: Watch;
  private readonly history: EpochResult[] = [];
  private readonly start = now();
  /** Batches trained by this process, for the rate. */
  private trained = 0;

  constructor(options: FitOptions) {
    const { validation, metrics = [], earlyStopping, checkpoint } = options;
    checkOptions(options);
    this.options = options;
    this.compiled = new CompiledModel(options);
    this.files = checkpoint === undefined ? undefined : new TrainingFiles(checkpoint);
    const quantity = options.watch ?? (validation === undefined ? 'trainLoss' : 'validationLoss');
    this.watch = new Watch(quantity, metrics, validation !== undefined, earlyStopping?.minDelta, options.tie);
  }

  async run(): Promise<FitResult> {
    let { epoch, batch, lossSum } = await this.begin();
    const { epochs, callbacks } = this.options;
    let stopped: StopReason = 'completed';
    for (; epoch < epochs; epoch++, batch = 0, lossSum = 0) {
      if (this.isOut(epoch)) {
        stopped = 'early-stopping';
        break;
      }
      await this.unfreezeUpTo(epoch + 1);
      await callbacks?.onEpochStart?.(epoch + 1, this.compiled);
      this.compiled.startEpoch(epoch);
      const epochStart = now();
      const trained = await this.trainEpoch(epoch, batch, lossSum);
      if (trained.batch < this.options.data.length) {
        await this.save({ epoch, ...trained }, false, false);
        stopped = 'cancelled';
        break;
      }
      await this.endEpoch(epoch + 1, trained.lossSum, epochStart);
      if (this.options.signal?.aborted && epoch + 1 < epochs) {
        stopped = 'cancelled';
        break;
      }
    }
    const best = this.watch.bestEpoch;
    return {
      epochs: this.history,
      ...(best === undefined ? {} : { bestEpoch: best }),
      stopped,
      totalSeconds: now() - this.start,
    };
  }

  private async begin(): Promise<{ epoch: number; batch: number; lossSum: number }> {
    if (!this.options.resume || this.files === undefined || !this.files.hasLast) {
      return { epoch: 0, batch: 0, lossSum: 0 };
    }
    const stored = await this.files.read();
    // An epoch that has begun trains what it unfroze.
    await this.unfreezeUpTo(stored.progress.epoch + (stored.progress.batch > 0 ? 1 : 0));
    const progress = restoreTraining(this.compiled, stored);
    this.history.push(...progress.history);
    if (progress.watch !== undefined) this.watch.state = progress.watch;
    const { schedule } = this.options;
    if (schedule instanceof ReduceOnPlateau && progress.schedule !== undefined) {
      schedule.state = progress.schedule as ReduceOnPlateau['state'];
    }
    this.log(`resumed after ${progress.epoch} epochs and ${progress.batch} batches`);
    return progress;
  }

  /** Compiles the step anew when parameters join; what was learnt stays. */
  private async unfreezeUpTo(epoch: number): Promise<void> {
    const { unfreeze = [], model } = this.options;
    const due = unfreeze.filter((entry) => entry.epoch <= epoch).map(({ pattern }) => pattern);
    const isDue = (name: string) => due.some((pattern) => matchesName(pattern, name));
    const joining = [...model.namedParameters()].filter(
      ([name, parameter]) => !parameter.requiresGrad && isDue(name),
    );
    if (joining.length === 0) return;
    for (const [, parameter] of joining) parameter.requiresGrad = true;
    const [state, position] = [this.compiled.stateDict(), this.compiled.position];
    await this.compiled.release();
    this.compiled = new CompiledModel(this.options);
    this.compiled.loadState(state, position, { allowNew: true });
    this.log(`epoch ${epoch}: ${joining.length} more parameters are trained`);
  }

  private isOut(epoch: number): boolean {
    const { earlyStopping } = this.options;
    if (earlyStopping === undefined || this.watch.bestEpoch === undefined) return false;
    return epoch - this.watch.bestEpoch >= earlyStopping.patience;
  }

  /** @returns how many batches are done in all, fewer than the epoch has when it was stopped */
  private async trainEpoch(
    epoch: number,
    start: number,
    startSum: number,
  ): Promise<{ batch: number; lossSum: number }> {
    const { data, signal } = this.options;
    let batch = start;
    let lossSum = startSum;
    let held: Batch[] = [];
    const add = async (results: readonly StepResult[]) => {
      batch += results.length;
      this.trained += results.length;
      const losses = results.map(({ loss }) => loss);
      lossSum = losses.reduce((total, loss) => total + loss, lossSum);
      await this.reportBatch(epoch, batch, losses, lossSum);
    };
    const flush = async () => {
      const results = await this.compiled.steps(held);
      for (const each of held) data.recycle?.(each);
      held = [];
      await add(results);
    };
    // What is left of an epoch is fewer steps than a call has: one by one, so that no graph is made for it.
    const flushSingly = async () => {
      for (const each of held.splice(0)) {
        held = [each];
        await flush();
      }
    };
    const countFor = (types: readonly BatchType[]) => this.stepsPerCall(types);
    for await (const stack of data.stacks?.(epoch, start, countFor) ?? []) {
      await add(await this.compiled.stackedSteps(stack));
      if (signal?.aborted) return { batch, lossSum };
    }
    for await (const next of data.epoch(epoch, batch)) {
      // A short last batch has a graph of its own.
      if (held.length > 0 && String(next[0].shape) !== String(held[0][0].shape)) await flushSingly();
      held.push(next);
      if (held.length >= countFor(next)) await flush();
      if (signal?.aborted) break;
    }
    await flushSingly();
    return { batch, lossSum };
  }

  /** As many as make calls of about one length, and take no more memory than they should. */
  private stepsPerCall(types: readonly BatchType[]): number {
    const { data, stepsPerCall } = this.options;
    if (!this.compiled.canStack) return 1;
    if (stepsPerCall !== undefined) return Math.min(stepsPerCall, data.length);
    const bytes = types.reduce((sum, { dtype, shape }) => sum + sizeOf(shape) * bytesPerElement(dtype), 0);
    const most = Math.max(1, Math.min(this.compiled.stepsPerCall(types), Math.floor(MOST_STACKED / bytes)));
    return Math.floor(data.length / Math.ceil(data.length / most));
  }

  private async reportBatch(
    epoch: number,
    batch: number,
    losses: readonly number[],
    lossSum: number,
  ): Promise<void> {
    const { data, epochs, callbacks } = this.options;
    if (callbacks?.onBatchEnd === undefined) return;
    const seconds = Math.max(1e-9, now() - this.start);
    const left = (epochs - epoch) * data.length - batch;
    await callbacks.onBatchEnd(
      {
        epoch: epoch + 1,
        batch,
        batches: data.length,
        losses,
        meanLoss: lossSum / batch,
        samplesPerSecond: (this.trained * data.size) / data.length / seconds,
        secondsLeft: (left * seconds) / this.trained,
      },
      this.compiled,
    );
  }

  private async endEpoch(epoch: number, lossSum: number, epochStart: number): Promise<void> {
    const { data, callbacks, schedule } = this.options;
    const validated = await this.validate(epoch);
    if (Number.isNaN(validated.validationLoss)) throw notFinite('the loss of the validation data', epoch);
    const seconds = now() - epochStart;
    const result: EpochResult = {
      epoch,
      trainLoss: lossSum / data.length,
      ...validated,
      learningRate: this.compiled.learningRate,
      seconds,
      samplesPerSecond: data.size / seconds,
    };
    this.history.push(result);
    const isBest = this.watch.observe(result);
    if (schedule instanceof ReduceOnPlateau) {
      schedule.observe(this.watch.valueOf(result), this.options.optimizer.options.learningRate);
    }
    this.log(`epoch ${epoch}`, {
      ...result.metrics,
      trainLoss: result.trainLoss,
      validationLoss: result.validationLoss,
    });
    await this.save({ epoch, batch: 0, lossSum: 0 }, isBest, true);
    await callbacks?.onEpochEnd?.(result, this.compiled);
  }

  private async validate(
    epoch: number,
  ): Promise<{ validationLoss?: number; metrics: Record<string, number> }> {
    const { validation, metrics = [] } = this.options;
    if (validation === undefined) return { metrics: {} };
    let count = 0;
    let loss = 0;
    const sums = metrics.map(() => 0);
    const keepsAll = metrics.some((metric) => 'compute' in metric);
    const [outputs, targets] = [new Joined(), new Joined()];
    for await (const batch of validation.epoch(epoch)) {
      const size = batch[0].shape[0];
      const result = await this.compiled.evaluate(batch);
      count += size;
      loss += result.loss * size;
      const target = batch[batch.length - 1] as HostTensor;
      metrics.forEach((metric, i) => {
        if ('sum' in metric) sums[i] += metric.sum(result.output, target);
      });
      if (keepsAll) {
        outputs.add(result.output);
        targets.add(target);
      }
      validation.recycle?.(batch);
    }
    const all = keepsAll ? ([outputs.get(), targets.get()] as const) : undefined;
    const values = metrics.map((metric, i) => ('sum' in metric ? sums[i] / count : metric.compute(...all!)));
    return {
      validationLoss: loss / count,
      metrics: Object.fromEntries(metrics.map(({ name }, i) => [name, values[i]])),
    };
  }

  private async save(
    at: { epoch: number; batch: number; lossSum: number },
    isBest: boolean,
    isEpoch: boolean,
  ): Promise<void> {
    const spoilt = findSpoilt(this.options.model);
    // What was saved before stays, to go on from.
    if (spoilt !== undefined) throw notFinite(`"${spoilt}"`, isEpoch ? at.epoch : at.epoch + 1);
    if (this.files === undefined) return;
    const { schedule, callbacks } = this.options;
    const progress: TrainingProgress = {
      ...at,
      history: this.history,
      watch: this.watch.state,
      schedule: schedule instanceof ReduceOnPlateau ? schedule.state : null,
    };
    for (const [path, kind] of await this.files.save(this.compiled, progress, { isBest, isEpoch })) {
      callbacks?.onCheckpoint?.(path, kind);
    }
  }

  private log(message: string, fields: Record<string, unknown> = {}): void {
    (this.options.logger ?? silentLogger).log('info', message, fields);
  }
}

/** A weight that holds an infinity or NaN. Buffers may: a mask, for instance. */
function findSpoilt(model: Module): string | undefined {
  for (const [name, parameter] of model.namedParameters()) {
    if (!(parameter.contents().data as Float32Array).every(Number.isFinite)) return name;
  }
  return undefined;
}

const notFinite = (what: string, epoch: number): RuntimeFailure =>
  new RuntimeFailure(
    `fit: ${what} must stay finite, but is not in epoch ${epoch}. Lower the learning rate, clip gradients, or go on from the checkpoint before with such settings.`,
    { epoch },
  );

function checkOptions({ data, validation, epochs, stepsPerCall, resume, checkpoint }: FitOptions): void {
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new ConfigError(`fit: epochs must be a whole number above 0, but got ${epochs}. Pass at least 1.`, {
      epochs,
    });
  }
  if (stepsPerCall !== undefined && (!Number.isInteger(stepsPerCall) || stepsPerCall < 1)) {
    throw new ConfigError(
      `fit: stepsPerCall must be a whole number above 0, but got ${stepsPerCall}. Pass at least 1.`,
      {
        stepsPerCall,
      },
    );
  }
  if (resume && checkpoint === undefined) {
    throw new ConfigError(
      'fit: resume needs a folder of checkpoints, but got none. Pass checkpoint: { folder }.',
    );
  }
  for (const [name, source] of Object.entries({ data, validation })) {
    if (source === undefined || source.length > 0) continue;
    throw new DataError(
      `fit: ${name} must hold at least one batch, but it is empty. Check the path and dropLast.`,
      { name },
    );
  }
}
