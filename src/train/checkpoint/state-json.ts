import { DataError } from '#core';

/** What a checkpoint's state is made of: JSON, and the numbers that JSON lacks. */
export type StateValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly StateValue[]
  | { readonly [key: string]: StateValue | undefined };

/**
 * JSON text that keeps every number: `{"$bigint":"…"}` for a bigint, `{"$number":"NaN"}` for NaN, ±Infinity and
 * −0. A key of the user's that begins with `$` gets another `$`, so that nothing is mistaken.
 * @throws DataError for values that are no data, naming where they are
 */
export function stringifyState(state: StateValue): string {
  return JSON.stringify(encode(state, 'state', 0));
}

/** Inverse of `stringifyState`. */
export function parseState(text: string): StateValue {
  return decode(JSON.parse(text) as StateValue);
}

function encode(value: unknown, at: string, depth: number): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return { $bigint: `${value}` };
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return value;
    return { $number: Object.is(value, -0) ? '-0' : `${value}` };
  }
  if (depth > 100) throw unfit(at, 'a nest of more than 100 levels');
  if (Array.isArray(value)) return value.map((item, i) => encode(item, `${at}[${i}]`, depth + 1));
  if (typeof value !== 'object') throw unfit(at, `a ${typeof value}`);
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype !== Object.prototype && prototype !== null) {
    throw unfit(at, `an object of ${(value as object).constructor.name}`);
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key.startsWith('$') ? `$${key}` : key, encode(item, `${at}.${key}`, depth + 1)]),
  );
}

function decode(value: StateValue): StateValue {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(decode);
  const { $bigint, $number } = value as Record<string, StateValue>;
  if (typeof $bigint === 'string') return BigInt($bigint);
  if (typeof $number === 'string') return Number($number);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key.startsWith('$') ? key.slice(1) : key,
      decode(item as StateValue),
    ]),
  );
}

function unfit(at: string, got: string): DataError {
  return new DataError(
    `writeCheckpoint: state must be plain data (JSON and bigint), but ${at} is ${got}. Convert it first.`,
    { at },
  );
}
