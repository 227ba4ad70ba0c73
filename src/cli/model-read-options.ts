import type { ReadOptions } from '#data';
import type { TabularPredictor } from '#tabular';
import { type ReadFlags, readOptionsOf } from './read-flags.ts';

/** Read flags with the kinds of columns a model was trained on, so that new data is read as the training data was. */
export function modelReadOptions(predictor: TabularPredictor, flags: ReadFlags): ReadOptions {
  const types: Record<string, NonNullable<ReadOptions['types']>[string]> = {};
  for (const input of predictor.inputs) if (input.kind !== undefined) types[input.column] = input.kind;
  return { ...readOptionsOf(flags), types };
}
