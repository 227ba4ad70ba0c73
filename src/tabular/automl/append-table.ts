import { DataError } from '#core';
import { type Column, Dictionary, Table } from '#data';

/**
 * The rows of `table` followed by those of `more`, which must have the same columns with the same kinds of values;
 * further columns of `more` are left out.
 *
 * @throws DataError naming every column that is missing or of another kind
 */
export function appendTable(table: Table, more: Table): Table {
  const faults = table.columns.flatMap(({ name, kind }) => {
    if (!more.has(name)) return [`"${name}" is missing`];
    const other = more.column(name).kind;
    return other === kind ? [] : [`"${name}" holds ${other}s instead of ${kind}s`];
  });
  if (faults.length > 0) {
    throw new DataError(
      `automl: validation data must have the columns of the training data, but ${faults.join(', ')}. Read both files ` +
        'with the same options.',
      { faults },
    );
  }
  return new Table(table.columns.map((column) => appendColumn(column, more.column(column.name))));
}

function appendColumn(column: Column, more: Column): Column {
  if (column.kind === 'string' && more.kind === 'string') {
    const values = [...column.dictionary.values];
    const known = new Map(values.map((value, code) => [value, code]));
    const translate = more.dictionary.values.map((value) => {
      const code = known.get(value) ?? values.push(value) - 1;
      known.set(value, code);
      return code;
    });
    const codes = new Int32Array(new SharedArrayBuffer(4 * (column.codes.length + more.codes.length)));
    codes.set(column.codes);
    for (let i = 0; i < more.codes.length; i++) {
      codes[column.codes.length + i] = more.codes[i] < 0 ? -1 : translate[more.codes[i]];
    }
    return { ...column, codes, dictionary: Dictionary.from(values) };
  }
  const first = column as Exclude<Column, { kind: 'string' }>;
  const second = more as Exclude<Column, { kind: 'string' }>;
  const values = new Float64Array(new SharedArrayBuffer(8 * (first.values.length + second.values.length)));
  values.set(first.values);
  values.set(second.values, first.values.length);
  if (first.kind !== 'number' || second.kind !== 'number') return { ...first, values };
  return { ...first, values, integer: first.integer && second.integer };
}
