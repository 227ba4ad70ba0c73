import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, Rng } from '#core';
import type { Pixels } from '../images/pixels.ts';
import { numberColumn, stringColumn, Table } from '../table.ts';
import { writeTable } from '../table-writer.ts';
import { writeFailure } from '../write-failure.ts';
import { type DrawShapesOptions, eachShape, shapeClasses } from './shapes.ts';

export interface WriteShapesOptions extends DrawShapesOptions {
  /** `png` (default) keeps every pixel; `jpeg` is smaller. */
  readonly format?: 'png' | 'jpeg';
}

interface Row {
  readonly path: string;
  readonly label: number;
  readonly name: string;
  readonly group: string;
  readonly fold: number;
}

/** Folds that the pictures of each class are dealt to. */
const folds = 5;

/**
 * Writes drawn shapes into `FOLDER/CLASS/00000.png` and as rows `image_path,label,label_name,group,fold` into
 * `FOLDER/shapes.csv`, with paths that start at `FOLDER`. Numbers count all pictures; each is a group of its own, and
 * the pictures of a class are dealt to the folds 0 … 4.
 *
 * @throws ConfigError for options out of range; RuntimeFailure when a file cannot be written
 */
export async function writeShapes(
  folder: string,
  { format = 'png', ...options }: WriteShapesOptions,
): Promise<{ readonly csv: string; readonly classes: readonly string[] }> {
  if (format !== 'png' && format !== 'jpeg')
    throw new ConfigError(`writeShapes: format must be png or jpeg, but got ${format}. Use one of them.`);
  const rows: Row[] = [];
  const base = new Rng(options.seed).fork('folds');
  const dealt: Uint32Array[] = [];
  for (const { pixels, label } of eachShape('writeShapes', options)) {
    const [name, turn] = [shapeClasses[label], Math.floor(rows.length / shapeClasses.length)];
    if (turn === 0) {
      dealt[label] = base.fork(label).permutation(Math.ceil(options.count / shapeClasses.length));
      await makeFolder(join(folder, name));
    }
    const number = String(rows.length).padStart(5, '0');
    const path = `${name}/${number}.${format === 'png' ? 'png' : 'jpg'}`;
    await writePixels(join(folder, path), pixels, format);
    rows.push({ path, label, name, group: `shape-${number}`, fold: dealt[label][turn] % folds });
  }
  const csv = join(folder, 'shapes.csv');
  await writeTable(tableOf(rows), csv);
  return { csv, classes: shapeClasses };
}

function tableOf(rows: readonly Row[]): Table {
  const texts = (name: string, pick: (row: Row) => string) => stringColumn(name, rows.map(pick));
  const numbers = (name: string, pick: (row: Row) => number) => numberColumn(name, rows.map(pick));
  return new Table([
    texts('image_path', ({ path }) => path),
    numbers('label', ({ label }) => label),
    texts('label_name', ({ name }) => name),
    texts('group', ({ group }) => group),
    numbers('fold', ({ fold }) => fold),
  ]);
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw writeFailure('writeShapes', path, error);
  });
}

async function writePixels(
  path: string,
  { width, height, data }: Pixels,
  format: 'png' | 'jpeg',
): Promise<void> {
  const { default: sharp } = await import('sharp');
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  const encoded = format === 'png' ? image.png() : image.jpeg({ quality: 90 });
  await encoded.toFile(path).catch((error: unknown) => {
    throw writeFailure('writeShapes', path, error);
  });
}
