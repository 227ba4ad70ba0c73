import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DataError } from '#core';
import { tableRecords } from '../format-table.ts';
import { readTable } from '../read-table.ts';
import { ImageFolderDataset } from '../samples/image-folder.ts';
import type { Table } from '../table.ts';

/** A labelled picture that is not read yet. */
export interface ImageItem {
  readonly path: string;
  /** Index into the classes, counted from 0. */
  readonly label: number;
  /** What must stay in one fold, such as a recording. */
  readonly group?: string;
  /** Fold the data names for it, counted from 0. */
  readonly fold?: number;
}

export interface ImageIndex {
  readonly items: readonly ImageItem[];
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
}

export interface ImageIndexOptions {
  /** Folder of relative paths; the table file's folder, or the current one for a `Table`, when absent. */
  readonly root?: string;
  /** Names of the classes by label; gathered from the data when absent. */
  readonly classes?: readonly string[];
}

type Row = Record<string, number | string | null>;

/**
 * Lists labelled pictures without reading them.
 *
 * @param source a folder with one folder per class; a table file, or a `Table`, with the columns `image_path`, `label`
 *   (index) or `label_name` (or both), and, if there are any, `group` and `fold`; `\` in a path is a separator unless
 *   a file is called so
 * @throws DataError for no pictures, fewer than two classes, and rows without path, class or a label in range
 */
export async function readImageIndex(
  source: string | Table,
  { root, classes }: ImageIndexOptions = {},
): Promise<ImageIndex> {
  if (typeof source === 'string' && (await stat(source).catch(() => undefined))?.isDirectory()) {
    const folder = await ImageFolderDataset.open(source);
    return checked(
      source,
      folder.files.map(([path, label]) => ({
        path,
        label: labelOf(label, folder.classes[label], classes, path),
      })),
      classes ?? folder.classes,
    );
  }
  const table = typeof source === 'string' ? await readTexts(source) : source;
  const name = typeof source === 'string' ? source : 'the table';
  if (!table.has('image_path') || !(table.has('label') || table.has('label_name'))) {
    throw new DataError(
      `readImageIndex: ${name} must have the columns image_path and label or label_name, but has ${table.columnNames.join(', ')}. Rename its columns.`,
      { columns: table.columnNames },
    );
  }
  const rows: Row[] = tableRecords(table);
  const names = classes ?? gatherClasses(name, rows);
  const base = root ?? (typeof source === 'string' ? dirname(source) : '.');
  const items = rows.map((row, i) => readRow(row, `${name} row ${i + 1}`, base, names));
  return checked(name, items, names);
}

/** Names stay as they are written: `007` and `1.0` too, whatever the other rows hold. */
async function readTexts(source: string): Promise<Table> {
  const { table } = await readTable(source);
  const names = ['image_path', 'label_name', 'group'].filter(
    (name) => table.has(name) && table.column(name).kind !== 'string',
  );
  if (names.length === 0) return table;
  const types = Object.fromEntries(names.map((name) => [name, 'string' as const]));
  return (await readTable(source, { types })).table;
}

/** A table may come from Windows: what is no file as it is written has its `\\` as separators. */
function placeOf(path: string, base: string): string {
  const place = resolve(base, path);
  return !path.includes('\\') || existsSync(place) ? place : resolve(base, path.replaceAll('\\', '/'));
}

function checked(name: string, items: readonly ImageItem[], classes: readonly string[]): ImageIndex {
  if (items.length > 0 && classes.length > 1) return { items, classes };
  throw new DataError(
    `readImageIndex: there must be pictures of at least two classes, but ${name} has ${items.length} of ${classes.length}. Add pictures of another class.`,
    { images: items.length, classes },
  );
}

function labelOf(label: number, name: string, classes: readonly string[] | undefined, where: string): number {
  if (classes === undefined) return label;
  const index = classes.indexOf(name);
  if (index >= 0) return index;
  throw new DataError(
    `readImageIndex: classes must be among the ${classes.length} given ones, but ${where} has "${name}". Mend it, or give its class.`,
    { class: name },
  );
}

/** Names by label where rows have both; names sorted by their code units, or the indices, where they have one. */
function gatherClasses(name: string, rows: readonly Row[]): string[] {
  if (rows.every((row) => (row.label ?? null) === null))
    return [
      ...new Set(rows.flatMap((row) => ((row.label_name ?? null) === null ? [] : [String(row.label_name)]))),
    ].sort();
  const classes: string[] = [];
  for (const [i, row] of rows.entries()) {
    const label = Number(row.label ?? Number.NaN);
    // At most one class per row: a stray large label must not make a list of that length.
    if (!Number.isInteger(label) || label < 0 || label >= Math.max(1000, rows.length)) continue;
    const called = String(row.label_name ?? label);
    if (classes[label] !== undefined && classes[label] !== called) {
      throw new DataError(
        `readImageIndex: a label must have one name, but label ${label} is "${classes[label]}" and, in ${name} row ${i + 1}, "${called}". Mend the column label_name.`,
        { label },
      );
    }
    classes[label] = called;
  }
  return Array.from(classes, (called, label) => called ?? String(label));
}

function readRow(row: Row, where: string, base: string, classes: readonly string[]): ImageItem {
  const { image_path: path, label, label_name: called, group, fold } = row;
  if ((path ?? null) === null) {
    throw new DataError(
      `readImageIndex: a row must have an image_path, but ${where} has none. Fill it or drop the row.`,
    );
  }
  const index = (label ?? null) !== null ? Number(label) : labelOf(0, String(called ?? ''), classes, where);
  if (!Number.isInteger(index) || index < 0 || index >= classes.length) {
    throw new DataError(
      `readImageIndex: labels must be whole numbers from 0 to ${Math.max(0, classes.length - 1)}, but ${where} has ${label}. Mend the column label; names belong into label_name.`,
      { label: index },
    );
  }
  const given = (fold ?? null) === null ? undefined : Number(fold);
  if (given !== undefined && !(Number.isInteger(given) && given >= 0)) {
    throw new DataError(
      `readImageIndex: folds must be whole numbers from 0, but ${where} has ${fold}. Mend the column fold.`,
    );
  }
  return {
    path: placeOf(String(path), base),
    label: index,
    ...((group ?? null) === null ? {} : { group: String(group) }),
    ...(given === undefined ? {} : { fold: given }),
  };
}
