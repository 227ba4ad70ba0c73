import { join } from 'node:path';
import type { Callbacks } from '#train';
import {
  type ClassifySettings,
  defaultSettings,
  type PictureData,
  type TrainClassifierOptions,
  type TrainedClassifier,
  trainClassifier,
} from '#vision';
import type { Run, Workspace } from '#workspace';
import type { Terminal } from '../terminal.ts';
import { findData } from './find-data.ts';
import { endRun, findWorkspace, logEpoch } from './log-training.ts';
import { ClassifyTrainView } from './train-view.ts';

/** What `trainyard classify train` was asked to do. */
export interface TrainingJob {
  readonly data: string;
  readonly validation?: string;
  readonly settings: Partial<ClassifySettings>;
  readonly fold: number | 'all';
  readonly out: string;
  readonly run: string;
  readonly cache?: string;
  readonly resume: boolean;
  readonly experiment: string;
  readonly usesWorkspace: boolean;
  readonly threads?: number;
  readonly autotune: boolean;
}

export interface TrainingOutcome {
  readonly folds: readonly TrainedClassifier[];
  /** Mean of the folds' metrics, where there are several. */
  readonly mean: Readonly<Record<string, number>> | null;
  readonly view: ClassifyTrainView;
}

type FoundJob = TrainingJob & { readonly found: FoundData };

/** What the names of data in a job mean. */
interface FoundData {
  readonly data: PictureData;
  readonly validation?: PictureData;
}

/** Trains on one fold, or on each in turn, with a run of the workspace for each. */
export async function runTraining(
  terminal: Terminal,
  job: TrainingJob,
  signal: AbortSignal,
): Promise<TrainingOutcome> {
  const view = new ClassifyTrainView(terminal, job.settings.watch ?? 'cmAP');
  const workspace = job.usesWorkspace ? await findWorkspace() : undefined;
  try {
    const found: FoundData = {
      data: await findData(job.data, workspace),
      ...(job.validation === undefined ? {} : { validation: await findData(job.validation, workspace) }),
    };
    const parent = workspace === undefined ? undefined : await startRun(workspace, job);
    try {
      const folds = await trainFolds(terminal, { ...job, found }, signal, view, parent);
      await endParent(parent, folds, job.fold === 'all');
      return { folds, mean: job.fold === 'all' ? meanMetrics(folds) : null, view };
    } catch (error) {
      await parent?.fail(error);
      throw error;
    }
  } finally {
    view.close();
    await workspace?.close();
  }
}

async function startRun(workspace: Workspace, job: TrainingJob): Promise<Run> {
  const { Experiment } = await import('#workspace');
  return new Experiment(workspace, job.experiment).startLogging(runOptions(job, job.data));
}

function runOptions({ settings }: TrainingJob, name: string) {
  // Settings are plain data; texts and numbers are shown, the rest is in the run folder.
  const params = Object.fromEntries(
    Object.entries(settings).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)),
  ) as Record<string, string | number | boolean>;
  return { name, params };
}

async function trainFolds(
  terminal: Terminal,
  job: FoundJob,
  signal: AbortSignal,
  view: ClassifyTrainView,
  parent: Run | undefined,
): Promise<TrainedClassifier[]> {
  if (job.fold !== 'all') return [await trainFold(job, job.fold, signal, view, parent, () => {})];
  const trained: TrainedClassifier[] = [];
  let count = 1;
  for (let fold = 0; fold < count && !signal.aborted; fold++) {
    terminal.note(`\nFold ${fold}`);
    const run = await parent?.child(runOptions(job, `fold ${fold}`));
    try {
      const one = await trainFold(foldOf(job, fold), fold, signal, view, run, (folds) => {
        count = folds;
      });
      if (run !== undefined) await endRun(run, one);
      trained.push(one);
    } catch (error) {
      await run?.fail(error);
      throw error;
    }
  }
  return trained;
}

/** The same job with files of its own, and decoded pictures in common. */
function foldOf(job: FoundJob, fold: number): FoundJob {
  return {
    ...job,
    out: job.out.replace(/(\.onnx)?$/i, `.fold-${fold}.onnx`),
    run: join(job.run, `fold-${fold}`),
    cache: job.cache ?? job.run,
  };
}

async function trainFold(
  job: FoundJob,
  fold: number,
  signal: AbortSignal,
  view: ClassifyTrainView,
  run: Run | undefined,
  onFolds: (folds: number) => void,
): Promise<TrainedClassifier> {
  const { found, settings, out, cache, resume, threads, autotune } = job;
  const shown = view.callbacks();
  const callbacks: Callbacks = {
    ...shown,
    onEpochEnd: async (result, compiled) => {
      await shown.onEpochEnd?.(result, compiled);
      if (run !== undefined) await logEpoch(run, result);
    },
  };
  const options: TrainClassifierOptions = {
    ...{ ...found, out, resume, autotune, callbacks },
    run: job.run,
    settings: { ...settings, fold },
    signal: run === undefined ? signal : AbortSignal.any([signal, run.signal]),
    onStage: (stage, done, total) => view.showStage(stage, done, total),
    onReady: (facts) => {
      onFolds(facts.folds);
      view.showFacts(facts, settings.arch ?? defaultSettings.arch);
    },
    ...(cache === undefined ? {} : { work: cache }),
    ...(threads === undefined ? {} : { threads }),
  };
  return trainClassifier(options);
}

async function endParent(
  parent: Run | undefined,
  folds: readonly TrainedClassifier[],
  isAll: boolean,
): Promise<void> {
  if (parent === undefined) return;
  if (!isAll) return endRun(parent, folds[0]);
  const mean = meanMetrics(folds);
  await parent.logMany(Object.entries(mean ?? {}).map(([key, value]) => ({ key, value })));
  if (folds.some(({ stopped }) => stopped === 'cancelled')) await parent.cancel();
  else await parent.complete();
}

function meanMetrics(folds: readonly TrainedClassifier[]): Record<string, number> | null {
  const judged = folds.flatMap(({ judgement }) => (judgement === null ? [] : [judgement.metrics]));
  if (judged.length === 0) return null;
  return Object.fromEntries(
    Object.keys(judged[0]).map((name) => [
      name,
      judged.reduce((sum, metrics) => sum + metrics[name as keyof typeof metrics], 0) / judged.length,
    ]),
  );
}
