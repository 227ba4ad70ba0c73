import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '#core';
import { type LabelledImages, type Mnist, writeFailure } from '#data';
import { jsonText } from './json-text.ts';

/** What a training was begun with, as `run.json` beside its checkpoints tells it. */
export interface MnistRun {
  readonly recipe: string;
  readonly seed: number;
  /** Where the recipe's learning rates depend on it. */
  readonly epochs?: number;
  readonly training: ImageSetDescription;
  readonly test: ImageSetDescription;
}

interface ImageSetDescription {
  readonly images: number;
  /** SHA-256 of pixels and labels. */
  readonly sha256: string;
}

const FILE = 'run.json';

export function describeRun(
  { train, test }: Mnist,
  { recipe, seed, epochs }: Pick<MnistRun, 'recipe' | 'seed' | 'epochs'>,
): MnistRun {
  return {
    recipe,
    seed,
    ...(epochs === undefined ? {} : { epochs }),
    training: describeImages(train),
    test: describeImages(test),
  };
}

function describeImages({ images, labels }: LabelledImages): ImageSetDescription {
  const hash = createHash('sha256').update(String(images.shape));
  for (const { data } of [images, labels]) hash.update(data as Uint8Array);
  return { images: images.shape[0], sha256: hash.digest('hex') };
}

/**
 * Compares a training that is to go on with what it was begun with. Checkpoints without a description pass.
 * @throws ConfigError naming what differs
 */
export function checkRun(folder: string, run: MnistRun): void {
  const held = readRun(folder);
  if (held === undefined) return;
  const changes = [
    ...(['recipe', 'seed', 'epochs'] as const)
      .filter((name) => held[name] !== undefined && run[name] !== undefined && held[name] !== run[name])
      .map((name) => `${name} (${held[name]}, now ${run[name]})`),
    ...(['training', 'test'] as const)
      .filter((name) => held[name].sha256 !== run[name].sha256)
      .map((name) => `${name} images (${compareImages(held[name], run[name])})`),
  ];
  if (changes.length === 0) return;
  throw new ConfigError(
    `train mnist: a training must go on with what it was begun with, but in "${folder}" there changed: ${changes.join(', ')}. Give the same as before, or name another folder.`,
    { folder, changes },
  );
}

const compareImages = (held: ImageSetDescription, now: ImageSetDescription): string =>
  held.images === now.images ? `${now.images} with other contents` : `${held.images}, now ${now.images}`;

function readRun(folder: string): MnistRun | undefined {
  const path = join(folder, FILE);
  if (!existsSync(path)) return undefined;
  try {
    const run = JSON.parse(readFileSync(path, 'utf8')) as Partial<MnistRun> | null;
    const isWhole = run?.training?.sha256 !== undefined && run.test?.sha256 !== undefined;
    return isWhole ? (run as MnistRun) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the description, which appears whole or not at all. */
export function writeRun(folder: string, run: MnistRun): void {
  const part = join(folder, `.${FILE}.${process.pid}.tmp`);
  try {
    writeFileSync(part, `${jsonText(run)}\n`);
    renameSync(part, join(folder, FILE));
  } catch (error) {
    throw writeFailure('train mnist', join(folder, FILE), error);
  }
}
