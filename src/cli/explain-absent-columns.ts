import { columnHint, DataError } from '#core';
import type { TabularPredictor } from '#tabular';

/**
 * Says of a reading error about absent columns that it is the model that needs them; any other error is returned as it
 * is.
 */
export function explainAbsentColumns(command: string, predictor: TabularPredictor, error: unknown): unknown {
  if (!(error instanceof DataError) || !Array.isArray(error.details['absent'])) return error;
  const { file, absent, columns } = error.details as { file: string; absent: string[]; columns: string[] };
  const lacking = predictor.inputs.map(({ column }) => column).filter((column) => absent.includes(column));
  if (lacking.length === 0) return error;
  const names = lacking.map((column) => `"${column}"`).join(', ');
  return new DataError(
    `${command}: the data must have the columns the model was trained on, but "${file}" has no ${names}. ` +
      columnHint(lacking[0], columns),
    { file, column: lacking[0], absent: lacking },
    { cause: error },
  );
}
