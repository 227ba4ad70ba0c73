import type { ReadOptions } from '#data';
import type { TabularPredictor } from '#tabular';
import { type ReadFlags, readOptionsOf } from './read-flags.ts';

/** Read flags with the kinds of columns a model was trained on, so that new data is read as the training data was. */
export function modelReadOptions(predictor: TabularPredictor, flags: ReadFlags): ReadOptions {
  const kinds = predictor.inputs.flatMap(({ column, kind }) => (kind === undefined ? [] : [[column, kind]]));
  return { ...readOptionsOf(flags), types: Object.fromEntries(kinds) };
}
