import { ConfigError } from '#core';
import { checkWhole } from './check-fields.ts';
import type { Page, PageQuery } from './records.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;

/** Where a page begins, and how long it is. */
export interface PagePlace<K extends number | string> {
  readonly limit: number;
  /** Key of the last record of the page before. */
  readonly after: K | undefined;
}

/**
 * Reads a query whose cursor holds a sequence number or a name. A cursor names the record it comes after and not a
 * count of records, so that what is inserted or deleted meanwhile shifts nothing.
 * @throws ConfigError for a limit outside 1 to 1000 and a cursor that no list gave
 */
export function parsePage(where: string, query: PageQuery, key: 'number'): PagePlace<number>;
export function parsePage(where: string, query: PageQuery, key: 'string'): PagePlace<string>;
export function parsePage(where: string, query: PageQuery, key: string): PagePlace<number | string> {
  const limit = checkWhole(`${where} limit`, query.limit ?? DEFAULT_LIMIT, 1, MAX_LIMIT);
  if (query.cursor === undefined) return { limit, after: undefined };
  try {
    const after: unknown = JSON.parse(Buffer.from(query.cursor, 'base64url').toString());
    const isUsable = typeof after === 'string' ? !after.includes('\0') : Number.isSafeInteger(after);
    if (typeof after === key && isUsable) return { limit, after: after as number | string };
  } catch {
    // Not one of ours: said below.
  }
  throw new ConfigError(
    `${where} cursor: must be the 'next' of a page of this list, but got ${JSON.stringify(query.cursor)}. Begin without one.`,
  );
}

/** Makes a page of `limit` + 1 rows or fewer: the row too many says that there is a next page. */
export function createPage<R, T>(
  rows: readonly R[],
  limit: number,
  record: (row: R) => T,
  key: (row: R) => number | string,
): Page<T> {
  const shown = rows.slice(0, limit);
  const items = shown.map(record);
  const last = shown.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, next: Buffer.from(JSON.stringify(key(last))).toString('base64url') };
}
