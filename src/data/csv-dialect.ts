import { StringDecoder } from 'node:string_decoder';
import { DataError } from '#core';
import { type CsvRecord, tokenizeCsv } from './csv-tokenizer.ts';
import { emptyFile, type PreparedFile, readHead } from './prepare-files.ts';
import { looksLikeDate, looksLikeNumber } from './value-patterns.ts';

/** How one delimited file is to be read. */
export interface CsvDialect {
  readonly file: PreparedFile;
  readonly delimiter: string;
  readonly header: boolean;
  /** Blank lines before the first record. */
  readonly skip: number;
  /** Every field but the first begins with a space, which belongs to the delimiter. */
  readonly spaced: boolean;
  /** Names as in the file (empty where it has none); `column_1`, … when there is no header. */
  readonly names: readonly string[];
}

export interface DialectOptions {
  readonly delimiter?: string | undefined;
  readonly header?: boolean | 'auto' | undefined;
  readonly decimal?: '.' | ',' | undefined;
  readonly nullValues: readonly string[];
}

const headBytes = 256 * 1024;

/**
 * Finds delimiter, header and column names from the first 256 KB of a file.
 *
 * The delimiter is the one of `,` `;` tab `|` for which most records have the same number of fields, more than one;
 * ties go to the larger number. With header `auto` the first record is the header when it has text and no numbers
 * or dates.
 *
 * @throws DataError for a file without any record
 */
export async function sniffCsv(
  where: string,
  file: PreparedFile,
  options: DialectOptions,
): Promise<CsvDialect> {
  const head = await readHead(file.path, headBytes);
  let text = new StringDecoder('utf8').write(head);
  if (text.startsWith('\ufeff')) text = text.slice(1);
  if (text.trim() === '') throw emptyFile(where, file.label);
  const whole = head.length < headBytes;
  const delimiter = options.delimiter ?? file.delimiter ?? sniffDelimiter(text, whole, options);
  const records = sampleRecords(text, delimiter, whole);
  const [first, ...rest] = records;
  const header =
    options.header === undefined || options.header === 'auto'
      ? isHeader(first, options.nullValues)
      : options.header;
  const names = header
    ? padHeader(where, file, first.fields, rest, delimiter)
    : first.fields.map((_, i) => `column_${i + 1}`);
  const spaced = records.every(
    ({ fields }) => fields.length > 1 && fields.slice(1).every((f) => /^ /.test(f)),
  );
  return {
    file,
    delimiter,
    header,
    skip: first.line - 1,
    spaced,
    names: names.map((name) => name.trim()),
  };
}

/** Records of the head, without the one that the end of the head may have cut. */
function sampleRecords(text: string, delimiter: string, whole: boolean): CsvRecord[] {
  const records = tokenizeCsv(text, delimiter);
  return whole || records.length === 1 ? records : records.slice(0, -1);
}

function sniffDelimiter(text: string, whole: boolean, options: DialectOptions): string {
  const candidates = options.decimal === ',' ? [';', '\t', '|', ','] : [',', ';', '\t', '|'];
  // Without any the file is one column, which is read with a delimiter that it does not hold.
  let best = candidates.find((delimiter) => !text.includes(delimiter)) ?? '\u001f';
  let bestScore = 0;
  let bestWidth = 1;
  for (const delimiter of candidates) {
    const records = sampleRecords(text, delimiter, whole);
    const widths = new Map<number, number>();
    for (const { fields } of records) widths.set(fields.length, (widths.get(fields.length) ?? 0) + 1);
    const [width, count] = [...widths].reduce((a, b) => (b[1] > a[1] ? b : a));
    // A first record far narrower than the rest says that this character only occurs inside values.
    if (width < 2 || records[0].fields.length < 2) continue;
    const score = count / records.length;
    if (score > bestScore + 0.05 || (score > bestScore - 0.05 && width > bestWidth)) {
      best = delimiter;
      bestScore = score;
      bestWidth = width;
    }
  }
  return best;
}

function isHeader(first: CsvRecord, nullValues: readonly string[]): boolean {
  const present = first.fields.filter((field) => !nullValues.includes(field.trim()));
  return (
    present.length > 0 && !present.some((field) => looksLikeNumber(field) || looksLikeDate(field.trim()))
  );
}

/**
 * Rows that all end in a delimiter have one more, empty field than the header: it gets an empty name, and the
 * reader drops the column.
 */
function padHeader(
  where: string,
  file: PreparedFile,
  names: readonly string[],
  rows: readonly CsvRecord[],
  delimiter: string,
): string[] {
  if (rows.length === 0 || rows[0].fields.length !== names.length + 1) return [...names];
  const sameWidth = rows.filter((row) => row.fields.length === names.length + 1);
  if (sameWidth.length < rows.length / 2) return [...names];
  if (sameWidth.every((row) => row.fields[names.length] === '')) return [...names, ''];
  throw new DataError(
    `${where}: the header must name every field, but the header of "${file.label}" has ${names.length} names and its ` +
      `rows have ${names.length + 1} fields (delimiter ${JSON.stringify(delimiter)}). Add the missing name.`,
    { file: file.label },
  );
}
