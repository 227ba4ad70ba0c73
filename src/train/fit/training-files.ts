import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, DataError, type FileLock, isLock, lockFile, makeFolder, RuntimeFailure } from '#core';
import { writeFailure } from '#data';
import type { StateDict } from '#nn';
import { readCheckpoint, writeCheckpoint } from '../checkpoint/checkpoint.ts';
import type { StateValue } from '../checkpoint/state-json.ts';
import type { CompiledModel, TrainingPosition } from '../compile/compiled-model.ts';
import type { EpochResult } from './fit-event.ts';

export interface CheckpointOptions {
  /** Folder of the checkpoints, made if missing. */
  readonly folder: string;
  /** Also keep one file per epoch; false by default. */
  readonly everyEpoch?: boolean;
}

/** Where a training stands, beside its tensors. */
export interface TrainingProgress {
  /** Epochs finished. */
  readonly epoch: number;
  /** Batches done of the epoch that follows. */
  readonly batch: number;
  /** Sum of the losses of those batches. */
  readonly lossSum: number;
  readonly history: readonly EpochResult[];
  readonly watch: { readonly best: number; readonly bestEpoch: number | null } | undefined;
  /** Contents of a schedule that has state. */
  readonly schedule: unknown;
}

const LAST = 'last.safetensors';
const BEST = 'best.safetensors';

/** The checkpoints of one training: `last`, `best` and, on request, one per epoch. Each file is whole or not there. */
export class TrainingFiles {
  private readonly folder: string;
  private readonly everyEpoch: boolean;

  constructor({ folder, everyEpoch = false }: CheckpointOptions) {
    this.folder = folder;
    this.everyEpoch = everyEpoch;
  }

  /**
   * Makes the folder and keeps other trainings out of it.
   * @throws ConfigError when another process trains in it
   * @throws RuntimeFailure when it cannot be written
   */
  lock(): FileLock {
    const path = join(this.folder, 'lock');
    let lock: ReturnType<typeof lockFile>;
    try {
      makeFolder(this.folder);
      lock = lockFile(path);
    } catch (error) {
      throw error instanceof RuntimeFailure ? error : writeFailure('fit', path, error);
    }
    if (isLock(lock)) return lock;
    throw new ConfigError(
      `fit: one training at a time may keep its checkpoints in a folder, but process ${lock.pid} of ${lock.host} does so in "${this.folder}". Wait for it, or name another folder.`,
      { folder: this.folder, pid: lock.pid },
    );
  }

  async save(
    compiled: CompiledModel,
    progress: TrainingProgress,
    { isBest, isEpoch }: { isBest: boolean; isEpoch: boolean },
  ): Promise<[path: string, kind: 'last' | 'best' | 'epoch'][]> {
    const state = { ...progress, position: compiled.position } as unknown as StateValue;
    const checkpoint = { tensors: compiled.stateDict(), state };
    const names: [string, 'last' | 'best' | 'epoch'][] = [[LAST, 'last']];
    if (isBest) names.push([BEST, 'best']);
    if (isEpoch && this.everyEpoch)
      names.push([`epoch-${String(progress.epoch).padStart(4, '0')}.safetensors`, 'epoch']);
    const written: [string, 'last' | 'best' | 'epoch'][] = [];
    for (const [name, kind] of names)
      written.push([await writeCheckpoint(join(this.folder, name), checkpoint), kind]);
    return written;
  }

  get hasLast(): boolean {
    return existsSync(join(this.folder, LAST));
  }

  /**
   * The last checkpoint.
   * @throws DataError when the file is damaged or not one of fit
   */
  async read(): Promise<StoredTraining> {
    const { tensors, state, path } = await readCheckpoint(join(this.folder, LAST));
    const progress = state as unknown as StoredTraining['progress'];
    if (progress?.position === undefined || progress.history === undefined) {
      throw new DataError(
        `resume: the checkpoint must be one of fit, but "${path}" is not. Name another folder.`,
        { file: path },
      );
    }
    return { tensors, progress };
  }
}

/** A checkpoint of `fit`. */
interface StoredTraining {
  readonly tensors: StateDict;
  readonly progress: TrainingProgress & { readonly position: TrainingPosition };
}

/**
 * Puts a training back to where a checkpoint stands.
 * @throws DataError when it is of another model, ConfigError when it has another seed
 */
export function restoreTraining(
  compiled: CompiledModel,
  { tensors, progress }: StoredTraining,
): TrainingProgress {
  const seed = compiled.position.seed;
  if (progress.position.seed !== seed) {
    throw new ConfigError(
      `resume: the seed must stay the same, but the checkpoint has ${progress.position.seed} and this training ${seed}. Pass seed: ${progress.position.seed}, or another folder.`,
      { checkpoint: progress.position.seed, seed },
    );
  }
  compiled.loadState(tensors, progress.position);
  return progress;
}
