import assert from 'node:assert/strict';
import { ConfigError, DataError } from '#core';
import type { Page, PageQuery, Store } from '#tracking';

/** Names that break what does not keep text and commands apart. */
export const strangeNames = [
  'Ünïcødé – 機械学習 🚂',
  `"double" 'single' \`back\``,
  `Robert'); DROP TABLE runs;--`,
  '<script>alert(1)</script> & <b>',
  '%_like?*[a]',
  '  spaces around  ',
  'line\nbreak\ttab',
  '__proto__',
] as const;

/** Text that no database keeps as it is. */
export const impossibleNames = ['', ' ', 'nul\0inside', 'half \ud83d surrogate', 'x'.repeat(501)] as const;

let counter = 0;

/** A name that no other check has. */
export function freshName(about: string): string {
  counter++;
  return `${about} ${globalThis.crypto.randomUUID()} ${counter}`;
}

/** A new run in an experiment of its own. */
export async function newRunId(store: Store, state: 'NotStarted' | 'Running' = 'Running'): Promise<string> {
  return (await store.createRun({ experimentName: freshName('experiment'), state })).id;
}

/** All pages of a list. */
export async function readAll<T>(list: (query: PageQuery) => Promise<Page<T>>, limit = 3): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await list({ limit, ...(cursor === undefined ? {} : { cursor }) });
    assert.ok(page.items.length <= limit, `a page of ${limit} has ${page.items.length} records`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return items;
}

/** Rejects with a `ConfigError` whose sentence names the field or rule. */
export function assertConfigError(promise: Promise<unknown>, part: RegExp): Promise<void> {
  return assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof ConfigError, `expected a ConfigError, but got ${String(error)}`);
    assert.match(error.message, part);
    assert.match(error.message, /^.+: .+, but .+\. .+\.$/s);
    return true;
  });
}

/** Rejects with a `DataError` whose sentence says what exists. */
export function assertDataError(promise: Promise<unknown>, part: RegExp): Promise<void> {
  return assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof DataError, `expected a DataError, but got ${String(error)}`);
    assert.match(error.message, part);
    return true;
  });
}
