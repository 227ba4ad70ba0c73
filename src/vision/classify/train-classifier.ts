import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, type Logger } from '#core';
import { type BrokenImage, writeFailure } from '#data';
import { type Callbacks, type EpochResult, type FitResult, fit, type StopReason } from '#train';
import type { PretrainedReport } from '../architectures/index.ts';
import type { ClassifySettings } from './classify-settings.ts';
import { type CreatedNetwork, createNetwork } from './create-network.ts';
import { createPipelines, type Pipelines } from './create-pipelines.ts';
import { createRecipe } from './create-recipe.ts';
import { finishRun } from './finish-run.ts';
import { judgeMetrics } from './judge-metrics.ts';
import type { ClassifierJudgement, ClassifierMetrics } from './judge-predictions.ts';
import {
  fingerprintItems,
  type OpenedPictures,
  openPictures,
  type PictureData,
  type WorkListener,
} from './open-pictures.ts';
import { parseSettings } from './parse-settings.ts';
import { PictureSource } from './picture-source.ts';
import { planStages, type TrainedStage, unfreezing } from './plan-stages.ts';
import { RunFolder } from './run-folder.ts';
import { countClasses, type SelectedRows, selectRows } from './select-rows.ts';

export interface TrainClassifierOptions {
  /**
   * A folder with one folder of pictures or of sounds per class; a table file or `Table` with the columns `image_path`,
   * `label` or `label_name`, and, if there are any, `group` and `fold`; or an index of pictures.
   */
  readonly data: PictureData;
  /** Pictures to validate on, in the same forms; a fold of `data` when absent. */
  readonly validation?: PictureData;
  /** What differs from the defaults. */
  readonly settings?: Partial<ClassifySettings>;
  /** Folder that the run works in: checkpoints, report, result. */
  readonly run: string;
  /** Folder of decoded pictures and spectrograms, which several trainings may share; the run folder when absent. */
  readonly work?: string;
  /** The ONNX file, whose folder is made; `model.onnx` in the run folder when absent. */
  readonly out?: string;
  /** Go on with the run in the folder, if there is one; false by default. */
  readonly resume?: boolean;
  readonly callbacks?: Callbacks;
  readonly onStage?: WorkListener;
  /** Called once the data is read and the model made. */
  readonly onReady?: (facts: TrainingFacts) => void;
  /** Ends after the step in progress: a checkpoint is written, and the best model so far leaves as usual. */
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
  /** Threads within one op; the number of cores by default. */
  readonly threads?: number;
  /** Measure how to compute convolutions; true by default. See `compile`. */
  readonly autotune?: boolean;
}

/** What a training is about to do. */
export interface TrainingFacts {
  readonly classes: readonly string[];
  readonly images: number;
  readonly trainRows: number;
  readonly validationRows: number;
  /** Folds that there are, by number; one where the validation data was given. */
  readonly folds: number;
  readonly broken: readonly BrokenImage[];
  /** Name of the preset of augmentation, or `own transforms`. */
  readonly augment: string;
  /** Pixels that the network sees. */
  readonly imageSize: readonly [height: number, width: number];
  readonly parameters: number;
  readonly weights?: PretrainedReport;
}

/** What a training came to: plain JSON, as `result.json` in the run folder holds it. */
export interface TrainedClassifier {
  /** The ONNX file; null when training was stopped before its first epoch was done. */
  readonly model: string | null;
  readonly report: string | null;
  /** Weights of the best epoch as safetensors, to start other trainings from. */
  readonly weights: string | null;
  readonly run: string;
  readonly architecture: string;
  readonly classes: readonly string[];
  readonly images: number;
  readonly trainRows: number;
  readonly validationRows: number;
  readonly broken: readonly BrokenImage[];
  readonly epochs: readonly EpochResult[];
  readonly bestEpoch: number | null;
  readonly watched: string;
  /** What the ONNX file says of the validation pictures. */
  readonly judgement: ClassifierJudgement | null;
  /** The same with augmented views averaged, where they were asked for. */
  readonly viewMetrics: ClassifierMetrics | null;
  readonly stopped: StopReason;
  readonly totalSeconds: number;
}

/** All that one training works with. */
export interface TrainingSetup {
  readonly options: TrainClassifierOptions;
  readonly settings: ClassifySettings;
  readonly folder: RunFolder;
  readonly pictures: OpenedPictures;
  readonly rows: SelectedRows;
  readonly pipelines: Pipelines;
  readonly created: CreatedNetwork;
  /** [height, width] of validation, which is what the exported file makes. */
  readonly imageSize: readonly [height: number, width: number];
}

/**
 * Trains a classifier of pictures or sounds: folds, augmentation, checkpoints, metrics, and at the end one ONNX file, a
 * report and the judgement of that file.
 *
 * Interrupted and resumed, it gives bit for bit what it would have given without a stop.
 *
 * @throws ConfigError for settings that are wrong or contradict each other, and for a run folder that is in use
 * @throws DataError for missing or broken pictures, and weights of another architecture
 * @throws RuntimeFailure when the loss is not finite, or a checkpoint cannot be written
 * @example
 * const { model, judgement } = await trainClassifier({
 *   data: 'birds/spectrograms.csv', run: 'birds.run', settings: { epochs: 10, weights: 'b0.safetensors' },
 * });
 */
export async function trainClassifier(options: TrainClassifierOptions): Promise<TrainedClassifier> {
  const settings = parseSettings(options.settings);
  const folder = await RunFolder.open(options.run, { resume: options.resume ?? false });
  try {
    const { data, validation, onStage, out, work = options.run } = options;
    // Whether the model can be written is found out before the training, not after it.
    if (out !== undefined) await makeFolder(dirname(out));
    const pictures = await openPictures(data, validation, {
      ...{ settings, folder: work },
      ...(onStage === undefined ? {} : { onStage }),
    });
    try {
      return await trainOn(options, settings, folder, pictures);
    } finally {
      await pictures.cache.close();
    }
  } finally {
    folder.close();
  }
}

async function trainOn(
  options: TrainClassifierOptions,
  settings: ClassifySettings,
  folder: RunFolder,
  pictures: OpenedPictures,
): Promise<TrainedClassifier> {
  const { items, classes, isUniform, validationFrom } = pictures;
  const rows = selectRows(items, settings, validationFrom);
  const pipelines = createPipelines(settings, isUniform);
  const description = { settings, classes, data: fingerprintItems(items) };
  await folder.begin(description);
  const created = await createNetwork(settings, classes.length, options.signal);
  const shared = { cache: pictures.cache, classes: classes.length, seed: settings.seed };
  const labelsOf = (positions: Uint32Array) => Uint32Array.from(positions, (row) => items[row].label);
  const train = new PictureSource({
    ...shared,
    rows: rows.train,
    labels: labelsOf(rows.train),
    pipeline: pipelines.train,
    batchSize: settings.batchSize,
    shuffle: true,
    dropsLoneRow: true,
    ...(rows.order === undefined ? {} : { order: rows.order }),
  });
  const validation = new PictureSource({
    ...shared,
    rows: rows.valid,
    labels: labelsOf(rows.valid),
    pipeline: pipelines.valid,
    batchSize: settings.validationBatchSize,
  });
  const imageSize = await validation.imageSize();
  checkSameSize(await train.imageSize(), imageSize, settings.arch);
  const setup = { options, settings, folder, pictures, rows, pipelines, created, imageSize };
  const updatesPerEpoch = train.length / settings.accumulate;
  const stages = planStages(created.network, settings, updatesPerEpoch);
  const counts = countClasses(labelsOf(rows.train), classes.length);
  options.onReady?.(factsOf(setup));
  const result = await runFit(setup, stages, { train, validation, counts, updatesPerEpoch });
  return finishRun(setup, result);
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw writeFailure('classify', path, error);
  });
}

interface FitInput {
  readonly train: PictureSource;
  readonly validation: PictureSource;
  readonly counts: readonly number[];
  readonly updatesPerEpoch: number;
}

function runFit(
  { options, settings, folder, pictures, created }: TrainingSetup,
  stages: readonly TrainedStage[],
  { train, validation, counts, updatesPerEpoch }: FitInput,
): Promise<FitResult> {
  const { epochs, accumulate, precision, seed, ema, patience, clipNorm, watch, keepEpochs } = settings;
  for (const { epoch, pattern } of stages) if (epoch > 1) created.model.freeze(pattern);
  const { callbacks, signal, logger, threads, autotune } = options;
  return fit({
    model: created.model,
    ...createRecipe(settings, { counts, updatesPerEpoch, stages }),
    data: train,
    validation,
    metrics: judgeMetrics(pictures.classes),
    ...{ epochs, accumulate, precision, seed, watch },
    // The notebook keeps the later of two equally good epochs.
    tie: 'last',
    stepsPerCall: 1,
    unfreeze: unfreezing(stages),
    checkpoint: { folder: folder.file('checkpoints'), everyEpoch: keepEpochs },
    resume: options.resume ?? false,
    ...(ema === null ? {} : { ema: { decay: ema } }),
    ...(patience === null ? {} : { earlyStopping: { patience } }),
    ...(clipNorm === null ? {} : { clip: { norm: clipNorm } }),
    ...(callbacks === undefined ? {} : { callbacks }),
    ...(signal === undefined ? {} : { signal }),
    ...(logger === undefined ? {} : { logger }),
    ...(threads === undefined ? {} : { threads }),
    ...(autotune === undefined ? {} : { autotune }),
  });
}

/** Models with position embeddings know one size only. */
function checkSameSize(
  train: readonly [number, number],
  valid: readonly [number, number],
  arch: string,
): void {
  if (!arch.startsWith('vit') || String(train) === String(valid)) return;
  throw new ConfigError(
    `classify: ${arch} takes one size of picture, but training gives ${train.join(' × ')} and validation ${valid.join(' × ')}. Choose an augmentation that ends with the size of validation.`,
    { train, valid },
  );
}

function factsOf({ pictures, rows, pipelines, created, imageSize }: TrainingSetup): TrainingFacts {
  return {
    classes: pictures.classes,
    images: pictures.items.length,
    trainRows: rows.train.length,
    validationRows: rows.valid.length,
    folds: rows.folds,
    broken: pictures.broken,
    augment: pipelines.name,
    imageSize,
    parameters: created.network.parameterCount(),
    ...(created.weights === undefined ? {} : { weights: created.weights }),
  };
}
