import { ConfigError } from '#core';
import type { NamePattern } from '#nn';
import type { VisionModel } from '../architectures/index.ts';
import type { ClassifySettings } from './classify-settings.ts';

/** A stage of the model inside `PixelModel`, and when it is trained. */
export interface TrainedStage {
  readonly name: string;
  /** Of the names of its parameters in `PixelModel`. */
  readonly pattern: RegExp;
  /** Epoch, counted from 1, with which it begins to be trained; infinite for one that stays frozen. */
  readonly epoch: number;
  /** Updates before that. */
  readonly startStep: number;
}

/**
 * When each stage is trained: from the beginning, or, for frozen ones, one after the other from the head on.
 * @throws ConfigError for names of stages that the model does not have, or all of them
 */
export function planStages(
  model: VisionModel,
  { freeze, unfreezeEvery }: Pick<ClassifySettings, 'freeze' | 'unfreezeEvery'>,
  updatesPerEpoch: number,
): TrainedStage[] {
  const stages = model.stages();
  const names = stages.map(({ name }) => name);
  const unknown = freeze.filter((name) => name !== 'all' && !names.includes(name));
  const isFrozen = (name: string, i: number) =>
    freeze.includes(name) || (freeze.includes('all') && i < stages.length - 1);
  const frozen = stages.filter(({ name }, i) => isFrozen(name, i));
  if (unknown.length > 0 || frozen.length === stages.length) {
    const got = unknown.length > 0 ? unknown.join(', ') : 'all of them';
    throw new ConfigError(
      `classify: frozen stages must be some of ${names.join(', ')}, or "all" for all but the last, but got ${got}. Change freeze.`,
      { freeze, names },
    );
  }
  return stages.map(({ name, pattern }, i) => {
    const fromEnd = frozen.length - frozen.findIndex((stage) => stage.name === name);
    const wait = !isFrozen(name, i)
      ? 0
      : unfreezeEvery === null
        ? Number.POSITIVE_INFINITY
        : fromEnd * unfreezeEvery;
    return {
      name,
      pattern: new RegExp(pattern.source.replace(/^\^/, '^network\\.')),
      epoch: wait + 1,
      startStep: Number.isFinite(wait) ? Math.floor(wait * updatesPerEpoch) : 0,
    };
  });
}

/** What `fit` is told of stages that join later. */
export function unfreezing(stages: readonly TrainedStage[]): { epoch: number; pattern: NamePattern }[] {
  return stages
    .filter(({ epoch }) => epoch > 1 && Number.isFinite(epoch))
    .map(({ epoch, pattern }) => ({ epoch, pattern }));
}
