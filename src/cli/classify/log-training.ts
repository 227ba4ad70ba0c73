import { ConfigError } from '#core';
import type { EpochResult } from '#train';
import type { TrainedClassifier } from '#vision';
import type { Run, Workspace } from '#workspace';

/** The nearest workspace, or none where there is none. */
export async function findWorkspace(): Promise<Workspace | undefined> {
  const { Workspace } = await import('#workspace');
  return Workspace.open().catch((error: unknown) => {
    if (error instanceof ConfigError) return undefined;
    throw error;
  });
}

/** Writes down an epoch's numbers in a run of the workspace. */
export function logEpoch(
  run: Run,
  { epoch, trainLoss, validationLoss, metrics, ...rest }: EpochResult,
): Promise<void> {
  const values = {
    train_loss: trainLoss,
    ...(validationLoss === undefined ? {} : { validation_loss: validationLoss }),
    ...metrics,
    learning_rate: rest.learningRate,
    images_per_second: rest.samplesPerSecond,
  };
  return run.logMany(
    Object.entries(values)
      .filter(([, value]) => Number.isFinite(value))
      .map(([key, value]) => ({ key, value, step: epoch })),
  );
}

/** Keeps the files of a training with its run, and ends it. */
export async function endRun(run: Run, trained: TrainedClassifier): Promise<void> {
  const { model, report, judgement, stopped } = trained;
  if (model !== null && report !== null && judgement !== null) {
    await run.uploadFile('outputs/model.onnx', model);
    await run.uploadFile('outputs/report.html', report);
    await run.setTags({ best_epoch: String(trained.bestEpoch), cmAP: judgement.metrics.cmAP.toFixed(5) });
  }
  if (stopped === 'cancelled') await run.cancel();
  else await run.complete();
}
