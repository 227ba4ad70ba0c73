import { pathToFileURL } from 'node:url';
import { distFile } from '#core';
import { checkIndex, type Dataset, type Sample } from './dataset.ts';
import { type DatasetDescription, openDataset } from './open-dataset.ts';

/** One data set behind another. */
export class ConcatDataset implements Dataset {
  readonly parts: readonly Dataset[];
  readonly length: number;

  constructor(parts: readonly Dataset[]) {
    this.parts = parts;
    this.length = parts.reduce((total, part) => total + part.length, 0);
  }

  get worker(): DatasetDescription | undefined {
    const settings = this.parts.flatMap((part) => part.worker ?? []);
    if (settings.length < this.parts.length) return undefined;
    const module = pathToFileURL(distFile('data', 'samples', 'concat-dataset.js')).href;
    return { module, create: 'openConcatDataset', settings };
  }

  get(index: number): Sample | Promise<Sample> {
    checkIndex(index, this.length);
    let rest = index;
    let position = 0;
    while (rest >= this.parts[position].length) rest -= this.parts[position++].length;
    return this.parts[position].get(rest);
  }
}

/** @public Called by its name in worker threads. */
export async function openConcatDataset(parts: readonly DatasetDescription[]): Promise<ConcatDataset> {
  return new ConcatDataset(await Promise.all(parts.map(openDataset)));
}
