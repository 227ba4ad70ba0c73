import type { DecodedCache, Pixels } from '#data';
import type { Pipeline } from '../augment/index.ts';
import type { ImageClassifier } from './image-classifier.ts';

export interface PredictRowsOptions {
  /** Views of each picture whose probabilities are averaged with those of the picture itself. */
  readonly views?: { readonly count: number; readonly pipeline: Pipeline };
  readonly onProgress?: (done: number, total: number) => void;
}

const CHUNK = 32;

/**
 * Probabilities of cached pictures, `[N, K]`.
 * @param rows positions in the cache
 */
export async function predictRows(
  classifier: ImageClassifier,
  cache: DecodedCache,
  rows: ArrayLike<number>,
  { views, onProgress }: PredictRowsOptions = {},
): Promise<Float32Array> {
  const classes = classifier.classes.length;
  const all = new Float32Array(rows.length * classes);
  for (let from = 0; from < rows.length; from += CHUNK) {
    const count = Math.min(CHUNK, rows.length - from);
    const pictures = await Promise.all(Array.from({ length: count }, (_, i) => cache.get(rows[from + i])));
    const sum = all.subarray(from * classes, (from + count) * classes);
    sum.set((await classifier.predict(pictures)).probabilities);
    if (views !== undefined && views.count > 0) {
      await addViews(classifier, pictures, views.pipeline, views.count, from, sum);
    }
    onProgress?.(from + count, rows.length);
  }
  return all;
}

/** Turns probabilities of pictures into the mean over them and `count` views of each. */
async function addViews(
  classifier: ImageClassifier,
  pictures: readonly Pixels[],
  pipeline: Pipeline,
  count: number,
  from: number,
  sum: Float32Array,
): Promise<void> {
  for (let view = 0; view < count; view++) {
    const drawn = pictures.map(
      (pixels, i) => pipeline.apply(pixels, { epoch: view, index: from + i }).pixels,
    );
    const { probabilities } = await classifier.predict(drawn);
    for (let i = 0; i < sum.length; i++) sum[i] += probabilities[i];
  }
  for (let i = 0; i < sum.length; i++) sum[i] /= count + 1;
}
