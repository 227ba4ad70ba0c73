/** Texts taken as missing in CSV and JSON Lines unless the caller gives others. */
export const defaultNullValues: readonly string[] = [
  '',
  '?',
  'NA',
  'N/A',
  'n/a',
  '#N/A',
  '<NA>',
  'NaN',
  'nan',
  'NAN',
  '-nan',
  'null',
  'NULL',
  'Null',
];

const number = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;
const infinity = /^\s*[+-]?inf(inity)?\s*$/i;
const europeanNumber = /^\s*[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?([eE][+-]?\d+)?\s*$/;

/** Is the text a decimal number (or an infinity)? With decimal `,` a point groups thousands. */
export function looksLikeNumber(text: string, decimal: '.' | ',' = '.'): boolean {
  return (decimal === ',' ? europeanNumber : number).test(text) || infinity.test(text);
}

/** Codes such as `00123`: a number would lose the zeros. */
export function hasLeadingZero(text: string): boolean {
  return /^0\d/.test(text);
}

/** A whole number that float64 cannot hold exactly. */
export function isUnsafeInteger(text: string): boolean {
  return /^\s*[+-]?\d{16,}\s*$/.test(text) && !Number.isSafeInteger(Number(text));
}

/** One way to write dates: its pattern, and the strptime formats that read it (`undefined`: ISO 8601 by a cast). */
export interface DateStyle {
  readonly name: string;
  readonly pattern: RegExp;
  readonly formats: readonly string[] | undefined;
}

const time = String.raw`(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?[AaPp][Mm])?)?`;
const times = ['', ' %H:%M:%S', ' %H:%M', ' %I:%M:%S %p', ' %I:%M %p', ' %H:%M:%S.%f', 'T%H:%M:%S', 'T%H:%M'];
const month = '(?:0?[1-9]|1[0-2])';
const day = '(?:0?[1-9]|[12]\\d|3[01])';
const year = '\\d{4}';
const monthName = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)';
const fullMonth = '(?:january|february|march|april|may|june|july|august|september|october|november|december)';

function style(date: string, pattern: string): DateStyle {
  return {
    name: date,
    pattern: new RegExp(`^${pattern}${time}$`, 'i'),
    formats: times.map((part) => date + part),
  };
}

/** Known styles; of two that both read a column the earlier is taken (month before day). */
export const dateStyles: readonly DateStyle[] = [
  {
    name: 'ISO 8601',
    pattern: new RegExp(
      `^${year}-${month}-${day}(?:[ T]\\d{1,2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?(?:Z|[+-]\\d{2}(?::?\\d{2})?)?)?)?$`,
    ),
    formats: undefined,
  },
  style('%Y/%m/%d', `${year}/${month}/${day}`),
  style('%m/%d/%Y', `${month}/${day}/${year}`),
  style('%d/%m/%Y', `${day}/${month}/${year}`),
  style('%m-%d-%Y', `${month}-${day}-${year}`),
  style('%d-%m-%Y', `${day}-${month}-${year}`),
  style('%d.%m.%Y', `${day}\\.${month}\\.${year}`),
  style('%m/%d/%y', `${month}/${day}/\\d{2}`),
  style('%d/%m/%y', `${day}/${month}/\\d{2}`),
  style('%d-%b-%Y', `${day}-${monthName}-${year}`),
  style('%d-%b-%y', `${day}-${monthName}-\\d{2}`),
  style('%d %b %Y', `${day} ${monthName} ${year}`),
  style('%b %d, %Y', `${monthName} ${day}, ${year}`),
  style('%d %B %Y', `${day} ${fullMonth} ${year}`),
  style('%B %d, %Y', `${fullMonth} ${day}, ${year}`),
];

/** Is the text a date in one of the known styles? */
export function looksLikeDate(text: string): boolean {
  return dateStyles.some(({ pattern }) => pattern.test(text));
}
