import { TrainyardError } from '#core';
import type { Pixels } from '#data';
import type { ImageClassifier } from './image-classifier.ts';
import {
  type ClassifierInput,
  type InputPictures,
  listClassifierInputs,
  readClassifierInput,
} from './read-classifier-inputs.ts';

/** A file that was left out, and the error's sentence. */
export interface BrokenInput {
  readonly path: string;
  readonly reason: string;
}

export interface PredictInputsOptions {
  /**
   * What the model sees of a picture, whose probabilities are averaged; the picture alone when absent.
   * @param index counts pictures and windows
   */
  readonly views?: (picture: Pixels, index: number) => readonly Pixels[];
  /** A file that cannot be read ends the work (default), or is left out and told to `onSkip`. */
  readonly onBroken?: 'fail' | 'skip';
  readonly onSkip?: (broken: BrokenInput) => void;
  /** Called after each file. */
  readonly onProgress?: (done: number, total: number, path: string) => void;
}

export interface ClassifyInputsOptions extends Omit<PredictInputsOptions, 'views'> {
  /** Classes told of each, the likeliest first; default 5. */
  readonly top?: number;
  /** Also tell the classes of each window of a sound; default false. */
  readonly windows?: boolean;
}

/** The probabilities of one file: of a sound, the mean over its windows. */
export interface InputProbabilities {
  /** Index of the file among those given. */
  readonly place: number;
  readonly path: string;
  /** [K] */
  readonly probabilities: Float32Array;
  /** [K] of each window of a sound, which begins `start` seconds after the sound does; absent for a picture. */
  readonly windows?: readonly { readonly start: number; readonly probabilities: Float32Array }[];
}

export interface LabelProbability {
  readonly label: string;
  readonly probability: number;
}

export interface ClassifiedInput {
  readonly path: string;
  /** The likeliest first. */
  readonly predictions: readonly LabelProbability[];
  /** Of a sound, where they are asked for; `start` in seconds. */
  readonly windows?: readonly { readonly start: number; readonly predictions: readonly LabelProbability[] }[];
}

/** Files read at a time. */
const READ_AHEAD = 4;
/** Pictures, and pixels of them, that are collected for one call of the model. */
const COLLECTED = 32;
const COLLECTED_PIXELS = 16_777_216;

/**
 * Classifies pictures and sounds.
 *
 * @param inputs files, or folders with the folders in them
 * @returns one result for each file, in order
 * @throws DataError for inputs that are missing, broken unless they are skipped, or of a kind that the model does not take
 * @example
 * for await (const { path, predictions } of classifyInputs(classifier, ['photos'])) console.log(path, predictions[0]);
 */
export async function* classifyInputs(
  classifier: ImageClassifier,
  inputs: readonly string[],
  { top = 5, windows = false, ...options }: ClassifyInputsOptions = {},
): AsyncGenerator<ClassifiedInput> {
  const files = await listClassifierInputs(inputs, classifier.sound !== undefined);
  for await (const found of predictInputs(classifier, files, options)) {
    const predictions = topLabels(found.probabilities, classifier.classes, top);
    yield {
      path: found.path,
      predictions,
      ...(windows && found.windows !== undefined
        ? {
            windows: found.windows.map(({ start, probabilities }) => ({
              start,
              predictions: topLabels(probabilities, classifier.classes, top),
            })),
          }
        : {}),
    };
  }
}

/** The likeliest classes, the first of equals before the others. */
export function topLabels(
  probabilities: ArrayLike<number>,
  classes: readonly string[],
  top: number,
): LabelProbability[] {
  return classes
    .map((label, k) => ({ label, probability: probabilities[k] }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, top);
}

/** Probabilities of files, in their order; as `classifyInputs`. */
export async function* predictInputs(
  classifier: ImageClassifier,
  files: readonly ClassifierInput[],
  { views = (picture) => [picture], onBroken = 'fail', onSkip, onProgress }: PredictInputsOptions = {},
): AsyncGenerator<InputProbabilities> {
  let done = 0;
  let index = 0;
  let waiting: ReadInput[] = [];
  for (let start = 0; start < files.length; start += READ_AHEAD) {
    const reads = files
      .slice(start, start + READ_AHEAD)
      .map((file, i) => read(file, start + i, classifier, onBroken));
    for (const result of await Promise.all(reads)) {
      if ('reason' in result) {
        onSkip?.(result);
        onProgress?.(++done, files.length, result.path);
      } else {
        const seen = result.pictures.map((picture) => views(picture, index++));
        waiting.push({ ...result, seen });
      }
    }
    if (start + READ_AHEAD < files.length && !isFull(waiting)) continue;
    for (const result of await predict(classifier, waiting)) {
      onProgress?.(++done, files.length, result.path);
      yield result;
    }
    waiting = [];
  }
}

interface ReadInput extends ClassifierInput, InputPictures {
  readonly place: number;
  /** Views of each picture. */
  readonly seen: readonly (readonly Pixels[])[];
}

async function read(
  file: ClassifierInput,
  place: number,
  classifier: ImageClassifier,
  onBroken: 'fail' | 'skip',
): Promise<Omit<ReadInput, 'seen'> | BrokenInput> {
  try {
    return { place, ...file, ...(await readClassifierInput(file, classifier.sound)) };
  } catch (error) {
    const isFile = error instanceof TrainyardError && ['DATA', 'UNSUPPORTED'].includes(error.code);
    if (!isFile || onBroken === 'fail') throw error;
    return { path: file.path, reason: error.message };
  }
}

function isFull(waiting: readonly ReadInput[]): boolean {
  const pictures = waiting.flatMap(({ seen }) => seen.flat());
  const pixels = pictures.reduce((sum, { width, height }) => sum + width * height, 0);
  return pictures.length >= COLLECTED || pixels >= COLLECTED_PIXELS;
}

async function predict(
  classifier: ImageClassifier,
  waiting: readonly ReadInput[],
): Promise<InputProbabilities[]> {
  const K = classifier.classes.length;
  const { probabilities } = await classifier.predict(waiting.flatMap(({ seen }) => seen.flat()));
  let row = 0;
  return waiting.map(({ place, path, kind, seen, starts }) => {
    const rows = seen.map((views) => meanRow(views.map(() => probabilities.subarray(row++ * K, row * K))));
    const windows = rows.map((own, i) => ({ start: starts[i], probabilities: own }));
    return { place, path, probabilities: meanRow(rows), ...(kind === 'sound' ? { windows } : {}) };
  });
}

/** Mean of rows of equal length. */
function meanRow(rows: readonly Float32Array[]): Float32Array {
  return rows[0].map((_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);
}
