import type { OnnxGraph } from '#engine';

/** Parts of an instant, in the order of their features. All whole numbers. */
export const dateParts = [
  'year',
  /** 1 … 12 */
  'month',
  /** 1 … 31 */
  'day',
  /** 0 is Monday */
  'dayofweek',
  /** 1 … 366 */
  'dayofyear',
  /** 1 … 4 */
  'quarter',
  /** ISO 8601, 1 … 53 */
  'week',
  'hour',
  'minute',
  'second',
  /** Days since 1970-01-01, rounded down. */
  'epochday',
] as const;

export type DatePart = (typeof dateParts)[number];

const MS_PER_DAY = 86_400_000;
const DAYS_PER_ERA = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_SHIFT = 719_468;
/** Eras of 400 years added so that all of a JavaScript date's range is positive, where truncating division is floor. */
const ERAS = 1000;
const DAY_SHIFT = ERAS * DAYS_PER_ERA;
const YEAR_SHIFT = ERAS * 400;

/**
 * Parts of instants in UTC, in the proleptic Gregorian calendar.
 *
 * Counting days from 0000-03-01 puts the leap day at the end of the year, so that with `doe` the day of the 400-year
 * era, `yoe` the year of the era, `doy` the day of the year and `mp` the month (0 is March):
 *
 *     yoe = (doe − doe/1460 + doe/36524 − doe/146096) / 365
 *     doy = doe − (365·yoe + yoe/4 − yoe/100)
 *     mp  = (5·doy + 2) / 153          day = doy − (153·mp + 2)/5 + 1
 *
 * @param ms milliseconds since 1970-01-01T00:00:00Z, whole, |ms| ≤ 8.64e15
 * @param out takes the parts, in the order of `dateParts`
 * @source https://howardhinnant.github.io/date_algorithms.html (civil_from_days)
 */
export function writeDateParts(ms: number, out: Float64Array): void {
  const days = floorDays(ms);
  const seconds = Math.floor((ms - days * MS_PER_DAY) / 1000);
  const { year, month, day } = civilFromDays(days);
  const dayofweek = mod(days + 3, 7);
  const thursday = days - dayofweek + 3;
  out[0] = year;
  out[1] = month;
  out[2] = day;
  out[3] = dayofweek;
  out[4] = days - newYear(year) + 1;
  out[5] = Math.floor((month + 2) / 3);
  // The ISO year of a week is that of its Thursday.
  out[6] = Math.floor((thursday - newYear(civilFromDays(thursday).year)) / 7) + 1;
  out[7] = Math.floor(seconds / 3600);
  out[8] = Math.floor(seconds / 60) % 60;
  out[9] = seconds % 60;
  out[10] = days;
}

function floorDays(ms: number): number {
  const days = Math.floor(ms / MS_PER_DAY);
  // The quotient may have been rounded up to a whole number far from 1970.
  return ms - days * MS_PER_DAY < 0 ? days - 1 : days;
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z = days + EPOCH_SHIFT;
  const era = Math.floor(z / DAYS_PER_ERA);
  const doe = z - era * DAYS_PER_ERA;
  const yoe = Math.floor(
    (doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365,
  );
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  const day = doy - Math.floor((153 * mp + 2) / 5) + 1;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** Days from 1970-01-01 to the first of January of a year: 365·p + p/4 − p/100 + p/400 with p the year before. */
function newYear(year: number): number {
  const p = year - 1;
  return 365 * p + Math.floor(p / 4) - Math.floor(p / 100) + Math.floor(p / 400) - 719_162;
}

function mod(a: number, n: number): number {
  return a - n * Math.floor(a / n);
}

/**
 * The nodes of `writeDateParts`, in int64.
 * @param ms int64 tensor of any shape, no missing values
 * @returns int64 tensors of that shape
 */
export function emitDateParts(graph: OnnxGraph, ms: string): Record<DatePart, string> {
  const $ = arithmetic(graph);
  // Positive days and milliseconds of the day.
  const shifted = $.add(ms, DAY_SHIFT * MS_PER_DAY);
  const days = $.div(shifted, MS_PER_DAY);
  const seconds = $.div($.sub(shifted, $.mul(days, MS_PER_DAY)), 1000);
  const { year, month, day } = emitCivil($, graph, days);
  // 1970-01-01 was a Thursday, and whole eras have whole weeks.
  const dayofweek = $.mod($.add(days, 3), 7);
  const thursday = $.add($.sub(days, dayofweek), 3);
  const thursdayYear = emitCivil($, graph, thursday).year;
  const minutes = $.div(seconds, 60);
  return {
    year: $.sub(year, YEAR_SHIFT),
    month,
    day,
    dayofweek,
    dayofyear: $.add($.sub(days, emitNewYear($, year)), 1),
    quarter: $.div($.add(month, 2), 3),
    week: $.add($.div($.sub(thursday, emitNewYear($, thursdayYear)), 7), 1),
    hour: $.div(seconds, 3600),
    minute: $.mod(minutes, 60),
    second: $.mod(seconds, 60),
    epochday: $.sub(days, DAY_SHIFT),
  };
}

type Arithmetic = ReturnType<typeof arithmetic>;

/** Integer arithmetic; operands are values or numbers. */
function arithmetic(graph: OnnxGraph) {
  const operand = (x: string | number) => (typeof x === 'number' ? graph.int64(x) : x);
  const binary = (op: string) => (a: string | number, b: string | number) =>
    graph.node(op, [operand(a), operand(b)]);
  return {
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    mod: binary('Mod'),
  };
}

/** `civilFromDays` for days and years shifted by `ERAS`. */
function emitCivil($: Arithmetic, graph: OnnxGraph, days: string) {
  const z = $.add(days, EPOCH_SHIFT);
  const era = $.div(z, DAYS_PER_ERA);
  const doe = $.sub(z, $.mul(era, DAYS_PER_ERA));
  const leaps = $.sub($.add($.sub(doe, $.div(doe, 1460)), $.div(doe, 36_524)), $.div(doe, 146_096));
  const yoe = $.div(leaps, 365);
  const doy = $.sub(doe, $.sub($.add($.mul(yoe, 365), $.div(yoe, 4)), $.div(yoe, 100)));
  const mp = $.div($.add($.mul(doy, 5), 2), 153);
  const day = $.add($.sub(doy, $.div($.add($.mul(mp, 153), 2), 5)), 1);
  // 1 for January and February, which end the year counted from March.
  const late = graph.cast(graph.node('GreaterOrEqual', [mp, graph.int64(10)]), 'int64');
  const month = $.sub($.add(mp, 3), $.mul(late, 12));
  const year = $.add($.add(yoe, $.mul(era, 400)), late);
  return { year, month, day };
}

/** `newYear` for days and years shifted by `ERAS`. */
function emitNewYear($: Arithmetic, year: string): string {
  const p = $.sub(year, 1);
  const leaps = $.add($.sub($.div(p, 4), $.div(p, 100)), $.div(p, 400));
  return $.sub($.add($.mul(p, 365), leaps), 719_162);
}
