import type { CompiledModel } from '../compile/compiled-model.ts';

/** What one epoch came to. */
export interface EpochResult {
  /** Counted from 1. */
  readonly epoch: number;
  /** Mean over the batches. */
  readonly trainLoss: number;
  /** Mean over the validation samples; absent without validation data. */
  readonly validationLoss?: number;
  /** Metrics of the validation data by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Learning rate at the end of the epoch. */
  readonly learningRate: number;
  /** Wall time of training and validation. */
  readonly seconds: number;
  readonly samplesPerSecond: number;
}

/** Progress inside an epoch, after every call of the compiled step. */
export interface BatchProgress {
  readonly epoch: number;
  /** Batches of this epoch that are done, and how many it has. */
  readonly batch: number;
  readonly batches: number;
  /** Losses of the batches since the last event. */
  readonly losses: readonly number[];
  /** Mean loss of this epoch so far. */
  readonly meanLoss: number;
  readonly samplesPerSecond: number;
  /** Estimated time to the end of the whole training. */
  readonly secondsLeft: number;
}

/** Functions that are called as training goes on. They may be asynchronous; training waits for them. */
export interface Callbacks {
  onEpochStart?(epoch: number, compiled: CompiledModel): void | Promise<void>;
  onBatchEnd?(progress: BatchProgress, compiled: CompiledModel): void | Promise<void>;
  onEpochEnd?(result: EpochResult, compiled: CompiledModel): void | Promise<void>;
  /** A checkpoint was written. */
  onCheckpoint?(path: string, kind: 'last' | 'best' | 'epoch'): void;
}

export type StopReason = 'completed' | 'early-stopping' | 'cancelled';

export interface FitResult {
  readonly epochs: readonly EpochResult[];
  /** Number of the epoch that was best by the watched quantity; absent without validation data. */
  readonly bestEpoch?: number;
  readonly stopped: StopReason;
  readonly totalSeconds: number;
}
