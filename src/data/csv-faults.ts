import { createReadStream } from 'node:fs';
import { TextDecoder } from 'node:util';
import { DataError } from '#core';
import type { CsvDialect } from './csv-dialect.ts';
import { type CsvRecord, CsvTokenizer } from './csv-tokenizer.ts';

/**
 * Reads delimited files record by record until something breaks RFC 4180 or UTF-8, to name the row; called after
 * DuckDB has refused them.
 *
 * @returns `undefined` when no fault is found
 */
export async function findCsvFault(
  where: string,
  dialects: readonly CsvDialect[],
): Promise<DataError | undefined> {
  for (const dialect of dialects) {
    const fault = await scanFile(where, dialect);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

async function scanFile(where: string, dialect: CsvDialect): Promise<DataError | undefined> {
  let row = dialect.header ? -1 : 0;
  let fault: DataError | undefined;
  let valid = true;
  const tokenizer = new CsvTokenizer(dialect.delimiter, (record) => {
    row++;
    if (row > 0) fault ??= checkRecord(where, dialect, record, row, valid);
  });
  const strict = new TextDecoder('utf-8', { fatal: true });
  const lenient = new TextDecoder('utf-8');
  for await (const chunk of createReadStream(dialect.file.path, { highWaterMark: 1 << 18 })) {
    if (valid) valid = decodes(strict, chunk as Buffer);
    tokenizer.feed(lenient.decode(chunk as Buffer, { stream: true }));
    if (fault !== undefined) return fault;
  }
  tokenizer.end();
  return fault;
}

function decodes(decoder: TextDecoder, bytes: Buffer): boolean {
  try {
    decoder.decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function checkRecord(
  where: string,
  dialect: CsvDialect,
  record: CsvRecord,
  row: number,
  validSoFar: boolean,
): DataError | undefined {
  const { names, delimiter } = dialect;
  const { label } = dialect.file;
  const at = `row ${row} of "${label}" (line ${record.line})`;
  const details = { file: label, row, line: record.line };
  const broken = validSoFar ? -1 : record.fields.findIndex((field) => field.includes('\ufffd'));
  if (broken >= 0) {
    const column = names[broken];
    return new DataError(
      `${where}: text must be UTF-8, but ${at} is not${column === undefined ? '' : `, in column "${column}"`}. ` +
        "Save the file as UTF-8 or give its encoding, such as 'latin1'.",
      { ...details, column },
    );
  }
  if (record.unclosed) {
    return new DataError(
      `${where}: a quoted value must end with a quote, but the one opened in ${at} never does. Close or double the quote.`,
      details,
    );
  }
  if (record.fields.length !== names.length) {
    return new DataError(
      `${where}: rows must have ${names.length} fields, but ${at} has ${record.fields.length} ` +
        `(delimiter ${JSON.stringify(delimiter)}). Complete the row or quote values that hold the delimiter.`,
      { ...details, expected: names.length, found: record.fields.length },
    );
  }
  if (record.textAfterQuote) {
    return new DataError(
      `${where}: a closing quote must end the value, but in ${at} text follows it. Double the quotes inside the value.`,
      details,
    );
  }
  return undefined;
}
