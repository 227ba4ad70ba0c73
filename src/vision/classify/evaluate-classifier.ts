import { stat } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import { ConfigError, DataError, nearestName } from '#core';
import {
  type ImageItem,
  imageFolds,
  type Pixels,
  readImageIndex,
  readTable,
  type Table,
  tableRecords,
} from '#data';
import { type BrokenInput, type PredictInputsOptions, predictInputs } from './classify-inputs.ts';
import type { ClassifySettings } from './classify-settings.ts';
import { createPipelines, viewPipeline } from './create-pipelines.ts';
import type { ImageClassifier } from './image-classifier.ts';
import { type ClassifierJudgement, judgePredictions } from './judge-predictions.ts';
import { fingerprintItems } from './open-pictures.ts';
import { type ClassifierInput, listClassifierInputs } from './read-classifier-inputs.ts';

export interface EvaluateClassifierOptions extends Omit<PredictInputsOptions, 'views'> {
  /**
   * Only this fold: of the table's column `fold`, or, of the pictures that the model was trained on, as training dealt
   * them. All when absent.
   */
  readonly fold?: number;
  /** Augmented views whose probabilities are averaged with those of the picture itself; default 0. */
  readonly views?: number;
  /** How many mistakes are listed; default 24. */
  readonly mistakes?: number;
}

/** What a classifier is worth on labelled data: a plain JSON document. */
export interface ClassifierEvaluation {
  readonly data: string;
  /** Pictures, or recordings, that were judged. */
  readonly files: number;
  /** K names of the model. */
  readonly classes: readonly string[];
  readonly judgement: ClassifierJudgement;
  /** Paths of the judged files: `judgement.mistakes[i].index` counts in them. */
  readonly paths: readonly string[];
  /** What each of them is. */
  readonly kinds: readonly ClassifierInput['kind'][];
  /** Files that were left out. */
  readonly broken: readonly BrokenInput[];
}

interface LabelledInput extends ClassifierInput {
  readonly label: number;
}

/**
 * Judges a classifier on labelled pictures or sounds; of a sound, by the mean of its windows' probabilities.
 *
 * @param data a folder with one folder per class, or a table as `readImageIndex` takes it. Classes are found in the model
 *   by their names; a table without `label_name` gives their places instead
 * @throws DataError for classes that the model does not have, and what `classifyInputs` refuses; ConfigError for a fold
 *   that the data does not have
 */
export async function evaluateClassifier(
  classifier: ImageClassifier,
  data: string,
  { fold, views = 0, mistakes = 24, onSkip, ...options }: EvaluateClassifierOptions = {},
): Promise<ClassifierEvaluation> {
  const inputs = await labelledInputs(classifier, data, fold);
  const broken: BrokenInput[] = [];
  const probabilities: number[] = [];
  const found: LabelledInput[] = [];
  const predicting: PredictInputsOptions = {
    ...options,
    ...(views > 0 ? { views: viewsOf(classifier, views) } : {}),
    onSkip: (file) => {
      broken.push(file);
      onSkip?.(file);
    },
  };
  for await (const result of predictInputs(classifier, inputs, predicting)) {
    found.push(inputs[result.place]);
    for (const probability of result.probabilities) probabilities.push(probability);
  }
  if (found.length === 0) {
    throw new DataError(
      `evaluate: some file must be readable, but all ${broken.length} of "${data}" are broken: ${broken[0].reason}`,
      { broken },
    );
  }
  const judgement = judgePredictions({
    labels: found.map(({ label }) => label),
    probabilities: Float32Array.from(probabilities),
    classes: classifier.classes,
    mistakes,
  });
  return {
    data,
    files: found.length,
    classes: classifier.classes,
    judgement,
    paths: found.map(({ path }) => path),
    kinds: found.map(({ kind }) => kind),
    broken,
  };
}

/** The picture and so many views of it, made as training made its pictures, save for joining two. */
function viewsOf({ imageSize, resize, metadata }: ImageClassifier, views: number) {
  const defaults = { augment: 'auto', mixup: 0, cutmix: 0, imageSize: Math.min(...imageSize), seed: 0 };
  const pipeline = viewPipeline(
    createPipelines({ ...defaults, ...settingsOf(metadata) }, resize === 'stretch').train,
  );
  return (picture: Pixels, index: number): Pixels[] => [
    picture,
    ...Array.from({ length: views }, (_, epoch) => pipeline.apply(picture, { epoch, index }).pixels),
  ];
}

/** Of its training; none where the file was written by other means. */
function settingsOf(metadata: Readonly<Record<string, string>>): Partial<ClassifySettings> {
  try {
    return JSON.parse(metadata['settings'] ?? '{}') as Partial<ClassifySettings>;
  } catch {
    return {};
  }
}

async function labelledInputs(
  classifier: ImageClassifier,
  data: string,
  fold: number | undefined,
): Promise<LabelledInput[]> {
  const isFolder = (await stat(data).catch(() => undefined))?.isDirectory() === true;
  const items = isFolder ? await fromFolder(classifier, data) : await fromTable(classifier, data);
  if (fold === undefined) return items;
  const named = new Map(items.flatMap((item) => ('fold' in item ? [[item.path, item.fold as number]] : [])));
  const folds = named.size > 0 ? named : await dealtFolds(classifier, data);
  const chosen = items.filter(({ path }) => folds.get(path) === fold);
  if (chosen.length > 0) return chosen;
  const known = [...new Set(folds.values())].sort((a, b) => a - b);
  const got =
    known.length === 0
      ? 'it names none, and the model was not trained on it'
      : `it has the folds ${known.join(', ')}`;
  throw new ConfigError(
    `evaluate: fold ${fold} must be one of the data, but ${got}. Leave the fold out to judge everything.`,
    { fold, folds: known },
  );
}

/** The folds that training dealt where the data named none; none unless these are the pictures it was trained on. */
async function dealtFolds(
  { classes, metadata, sound }: ImageClassifier,
  data: string,
): Promise<Map<string, number>> {
  const { folds, seed } = settingsOf(metadata);
  if (sound !== undefined || folds === undefined || seed === undefined) return new Map();
  const { items } = await readImageIndex(data, { classes });
  if (fingerprintItems(items) !== metadata['fingerprint']) return new Map();
  const dealt = imageFolds(items, folds, seed);
  return new Map(items.map(({ path }, i) => [path, dealt[i]]));
}

async function fromFolder(classifier: ImageClassifier, folder: string): Promise<LabelledInput[]> {
  const files = await listClassifierInputs([folder], classifier.sound !== undefined);
  const named = files.map((file) => {
    const [top, ...rest] = relative(folder, file.path).split(sep);
    if (rest.length > 0) return { file, name: top };
    throw new DataError(
      `evaluate: every file must lie in the folder of its class, but "${file.path}" does not. Move it to ${folder}${sep}CLASS.`,
      { file: file.path },
    );
  });
  const labels = matchClasses(
    classifier.classes,
    named.map(({ name }) => name),
    folder,
  );
  return named.map(({ file, name }) => ({ ...file, label: labels.get(name) as number }));
}

async function fromTable(
  { classes }: ImageClassifier,
  path: string,
): Promise<(LabelledInput & Pick<ImageItem, 'fold'>)[]> {
  const { table } = await readTable(path);
  const byName = hasNames(table);
  if (byName) {
    const names = tableRecords(table.select(['label_name'])).map((row) => String(row['label_name'] ?? ''));
    matchClasses(classes, names, path);
  }
  // With names, numbers are those of the data's own classes, not the model's.
  const source = byName && table.has('label') ? table.drop('label') : table;
  const { items } = await readImageIndex(source, { root: dirname(path), classes });
  return items.map((item) => ({ ...item, kind: 'picture' }));
}

function hasNames(table: Table): boolean {
  if (!table.has('label_name') || !table.has('image_path')) return false;
  return tableRecords(table.select(['label_name'])).some((row) => row['label_name'] !== null);
}

/** The model's place of each name. @throws DataError that lists the names it does not have */
function matchClasses(
  classes: readonly string[],
  names: readonly string[],
  data: string,
): Map<string, number> {
  const found = new Map([...new Set(names)].map((name) => [name, classes.indexOf(name)]));
  const unknown = [...found].flatMap(([name, place]) => (place < 0 ? [name] : []));
  if (unknown.length === 0) return found;
  const near = nearestName(unknown[0], classes);
  const shown = unknown.slice(0, 5).map((name) => `"${name}"`);
  throw new DataError(
    `evaluate: classes of the data must be among the ${classes.length} of the model, but "${data}" has ${shown.join(', ')}${unknown.length > 5 ? `, and ${unknown.length - 5} more` : ''}. ` +
      `${near === undefined ? '' : `Did you mean "${near}"? `}Rename or leave out what the model does not know; it knows ${classes.slice(0, 10).join(', ')}${classes.length > 10 ? ', …' : ''}.`,
    { unknown, classes },
  );
}
