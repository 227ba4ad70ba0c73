import { ConfigError } from '#core';
import type { Json, Tags } from './records.ts';

/** Longest names, keys and labels, in UTF-16 units; what is longer does not fit an index of PostgreSQL. */
const MAX_NAME = 500;
const MAX_TEXT = 100_000;
const MAX_DEPTH = 100;

/**
 * A name or key: any text of 1 to 500 characters, quotes, markup and other scripts included.
 * @throws ConfigError when it is empty, too long, has NUL or half a surrogate pair, which databases cannot hold
 */
export function checkName(field: string, value: string): string {
  if (typeof value === 'string' && value.trim() === '') {
    throw new ConfigError(`${field}: must not be empty, but got ${JSON.stringify(value)}. Name it.`, {
      field,
    });
  }
  return checkText(field, value, MAX_NAME);
}

/** @throws ConfigError as `checkName`, but the text may be empty and has 100,000 characters at most */
export function checkText(field: string, value: string, longest = MAX_TEXT): string {
  if (typeof value !== 'string') {
    throw new ConfigError(`${field}: must be text, but got ${typeof value}. Write it in quotes.`, { field });
  }
  if (value.length > longest) {
    throw new ConfigError(
      `${field}: may have ${longest} characters, but got ${value.length}. Shorten it, or keep it as an artefact.`,
      { field, length: value.length },
    );
  }
  if (value.includes('\0') || !value.isWellFormed()) {
    const found = value.includes('\0') ? 'a NUL character' : 'half a surrogate pair';
    throw new ConfigError(`${field}: must be text that UTF-8 can hold, but got ${found}. Remove it.`, {
      field,
    });
  }
  return value;
}

/**
 * The id of a run, which is also a folder's name.
 * @throws ConfigError for anything but 1 to 200 letters, digits, `_`, `-` and `.`, beginning with one of the first three
 */
export function checkRunId(field: string, value: string): string {
  if (typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/.test(value)) return value;
  throw new ConfigError(
    `${field}: must be 1 to 200 letters, digits, '_', '-' and '.', but got ${JSON.stringify(value)}. Put free text into the name.`,
    { field },
  );
}

/** @throws ConfigError when a key or a value is not text that can be stored */
export function checkTags(field: string, tags: Tags): Tags {
  checkObject(field, tags);
  for (const [key, value] of Object.entries(tags)) {
    checkName(`${field} ${JSON.stringify(key)}`, key);
    // Indexed together with its key.
    checkText(`${field} ${JSON.stringify(key)}`, value, 2000);
  }
  return tags;
}

/**
 * Text of a value as JSON.
 * @throws ConfigError when JSON would lose something: NaN, infinities, functions, classes, circles
 */
export function encodeJson(field: string, value: Json): string {
  checkJson(field, value, 0);
  return JSON.stringify(value);
}

/** The same for an object's values, naming the one that cannot be stored. */
export function encodeJsonObject(field: string, value: Readonly<Record<string, Json>>): string {
  checkObject(field, value);
  return encodeJson(field, value);
}

/** What `encodeJson` wrote. */
export function decodeJson<T extends Json>(text: string): T {
  return JSON.parse(text);
}

/** @throws ConfigError for anything but a whole number within bounds */
export function checkWhole(field: string, value: number, lowest: number, highest: number): number {
  if (Number.isSafeInteger(value) && value >= lowest && value <= highest) return value;
  throw new ConfigError(
    `${field}: must be a whole number from ${lowest} to ${highest}, but got ${JSON.stringify(value) ?? typeof value}. Correct it.`,
    { field },
  );
}

function checkObject(field: string, value: object): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new ConfigError(
    `${field}: must be an object of names and values, but got ${JSON.stringify(value) ?? typeof value}. Write { name: value }.`,
    { field },
  );
}

function checkJson(field: string, value: unknown, depth: number): void {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (depth >= MAX_DEPTH) {
    throw new ConfigError(
      `${field}: may be nested ${MAX_DEPTH} deep, but got more or a circle. Flatten it.`,
      {
        field,
      },
    );
  }
  if (Array.isArray(value)) {
    value.forEach((entry, i) => {
      checkJson(`${field}[${i}]`, entry, depth + 1);
    });
    return;
  }
  const prototype: unknown = typeof value === 'object' && value !== null && Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    for (const [key, entry] of Object.entries(value as object)) {
      if (entry !== undefined) checkJson(`${field}.${key}`, entry, depth + 1);
    }
    return;
  }
  const found = typeof value === 'object' ? (value?.constructor?.name ?? 'an object') : String(value);
  throw new ConfigError(
    `${field}: must be what JSON can hold, but got ${found}. Write it as text or a finite number.`,
    { field },
  );
}
