import type { Column, Table } from '#data';
import type { RuntimeTensor } from '#engine';
import { alignTable } from './align-table.ts';
import type { Purpose } from './purposes.ts';

export type InputDType = 'float32' | 'int64' | 'string';

/** A graph input [N] that takes one raw column. */
export interface InputSpec {
  readonly column: string;
  readonly dtype: InputDType;
  /** How the column is held in a table. */
  readonly kind?: Column['kind'];
  readonly doc?: string;
}

/** Stands for a missing value in int64 inputs. */
export const MISSING_INT64: bigint = -(2n ** 63n);

/**
 * Element type of the graph input of a raw column. It depends on nothing but the column and its purpose, so that all
 * members of an ensemble read the same input.
 */
export function inputType(
  column: { readonly kind: Column['kind']; readonly integer?: boolean },
  purpose: Purpose,
): InputDType {
  if (column.kind === 'string') return 'string';
  if (column.kind === 'date') return 'int64';
  const categorical = purpose === 'Categorical' || purpose === 'CategoricalHash';
  return categorical && column.integer === true ? 'int64' : 'float32';
}

/** The input of a raw column, with a sentence for people who feed the model themselves. */
export function inputSpec(column: Column, purpose: Purpose): InputSpec {
  const dtype = inputType(column, purpose);
  return {
    column: column.name,
    dtype,
    kind: column.kind,
    doc: docs[column.kind === 'date' ? 'date' : dtype],
  };
}

const docs: Readonly<Record<InputDType | 'date', string>> = {
  date: 'milliseconds since 1970-01-01T00:00:00Z; missing = -9223372036854775808',
  float32: 'number; missing = NaN',
  int64: 'whole number; missing = -9223372036854775808',
  string: 'text; missing = empty string',
};

/**
 * The raw columns of a table as tensors [N] for ONNX Runtime, one per input.
 *
 * Strings become numbers (or ISO dates become milliseconds) where numbers are expected, numbers become strings where
 * strings are expected.
 *
 * @throws DataError naming a missing column (and the nearest name), or the row and value that cannot be converted
 */
export function tableFeeds(table: Table, inputs: readonly InputSpec[]): Record<string, RuntimeTensor> {
  const aligned = alignTable(table, inputs, 'tableFeeds');
  return Object.fromEntries(
    aligned.columns.map((column, i): [string, RuntimeTensor] => [
      column.name,
      columnFeed(column, inputs[i].dtype),
    ]),
  );
}

function columnFeed(column: Column, dtype: InputDType): RuntimeTensor {
  if (column.kind === 'string') {
    const entries = column.dictionary.values;
    const { codes } = column;
    const data = new Array<string>(codes.length);
    for (let i = 0; i < codes.length; i++) data[i] = codes[i] < 0 ? '' : entries[codes[i]];
    return { dtype: 'string', data, dims: [data.length] };
  }
  const { values } = column;
  const dims = [values.length];
  if (dtype === 'float32') return { dtype, data: new Float32Array(values), dims };
  const data = new BigInt64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    data[i] = Number.isNaN(values[i]) ? MISSING_INT64 : BigInt(values[i]);
  }
  return { dtype: 'int64', data, dims };
}
