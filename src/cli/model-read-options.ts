import type { ReadOptions } from '#data';
import type { TabularPredictor } from '#tabular';
import { type ReadFlags, readOptionsOf } from './read-flags.ts';

/** What a model says about the columns it reads. */
type ModelColumns = Pick<TabularPredictor, 'inputs' | 'labels' | 'labelColumn'>;

/**
 * Read flags with the kinds of columns a model was trained on, so that labelled data is read as the training data was.
 * @param label column with the true labels; the one it was trained on when absent
 */
export function modelReadOptions(
  { inputs, labels, labelColumn }: ModelColumns,
  flags: ReadFlags,
  label: string = labelColumn,
): ReadOptions {
  const kinds = inputs.flatMap(({ column, kind }) => (kind === undefined ? [] : [[column, kind]]));
  return { ...readOptionsOf(flags), types: Object.fromEntries([...kinds, [label, labelKind(labels)]]) };
}

/** Labels were numbers exactly if all of them are written as numbers are. */
function labelKind(labels: ModelColumns['labels']): 'number' | 'string' {
  const texts = labels?.values ?? [];
  return texts.every((text) => String(Number(text)) === text) ? 'number' : 'string';
}
