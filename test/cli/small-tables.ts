import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rng } from '#core';

export type Cell = string | number;

/** Writes a file into a folder and returns its name. */
export function write(folder: string, name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return name;
}

/** RFC 4180 text. */
export function csvText(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  delimiter = ',',
): string {
  const field = (cell: Cell) => {
    const text = String(cell);
    return /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[header, ...rows].map((row) => row.map(field).join(delimiter)).join('\n')}\n`;
}

export interface Example {
  readonly a: number;
  readonly b: string;
  readonly y: 'no' | 'yes';
}

/** Rows whose label follows from the number `a` and the category `b`, with some noise. */
export function examples(n: number, seed = 1): Example[] {
  const rng = new Rng(seed);
  return Array.from({ length: n }, () => {
    const a = Math.round(1e4 * rng.uniform()) / 1e4;
    const b = 'uvw'[Math.floor(3 * rng.uniform())];
    return { a, b, y: a + (b === 'u' ? 0.3 : 0) + 0.2 * rng.uniform() > 0.7 ? 'yes' : 'no' };
  });
}

/** `examples` as CSV. */
export function exampleCsv(n: number, seed = 1): string {
  return csvText(
    ['a', 'b', 'y'],
    examples(n, seed).map(({ a, b, y }) => [a, b, y]),
  );
}
