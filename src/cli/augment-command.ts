import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { ConfigError, Rng } from '#core';
import { decodeImage, encodePng, type Pixels, writeFailure } from '#data';
import {
  type Augmented,
  augmentFromJson,
  type Pipeline,
  type PipelineJson,
  presetNames,
  presetPipeline,
} from '#vision';
import { drawGrid, type GridCell } from './augment-grid.ts';
import { jsonText } from './json-text.ts';
import { listImages } from './list-images.ts';
import { wholeNumber } from './parse-options.ts';
import type { Terminal } from './terminal.ts';

interface PreviewFlags {
  readonly out: string;
  readonly preset: string;
  readonly config?: string;
  readonly imageSize: number;
  readonly rows: number;
  readonly columns: number;
  readonly seed?: number;
  readonly json?: boolean;
}

interface PreviewRow {
  readonly file: string;
  readonly variants: readonly (Pick<Augmented, 'applied' | 'mix'> & { readonly epoch: number })[];
}

/** `trainyard augment` */
export function augmentCommand(terminal: Terminal): Command {
  return new Command('augment')
    .description('Look at what augmentation makes of images.')
    .addCommand(previewCommand(terminal));
}

function previewCommand(terminal: Terminal): Command {
  return new Command('preview')
    .description('Write a grid of images beside what training would see of them, one column an epoch.')
    .argument('<data>', 'an image, or a folder of images; their folders are their classes')
    .requiredOption('--out <file>', 'PNG file to write')
    .addOption(
      new Option('--preset <name>', 'ready-made pipeline').choices(presetNames).default('image-medium'),
    )
    .option('--config <file>', 'a pipeline as JSON instead: { "transforms": [{ "transform": "…", … }] }')
    .option('--image-size <pixels>', 'size that the preset makes', wholeNumber(1), 128)
    .option('--rows <n>', 'number of images', wholeNumber(1), 4)
    .option('--columns <n>', 'variants of each image', wholeNumber(1), 5)
    .option('--seed <n>', 'same seed, same grid (default: 0, or that of the configuration)', wholeNumber(0))
    .option('--json', 'print one JSON document about the grid')
    .addHelpText(
      'after',
      '\nExample:\n  $ trainyard augment preview songs/ --preset spectrogram-train --out grid.png',
    )
    .action(async (data: string, flags: PreviewFlags) => {
      const pipeline = await readPipeline(flags);
      const images = await listImages(data);
      const { grid, rows } = await drawPreview(images, pipeline, flags);
      await writeFile(flags.out, encodePng(grid.width, grid.height, grid.data)).catch((error: unknown) => {
        throw writeFailure('augment preview', flags.out, error);
      });
      const { width, height } = grid;
      const facts = { out: flags.out, width, height, images: images.length, pipeline, rows };
      const variants = `${rows.length} of ${images.length} images × ${flags.columns} variants`;
      terminal.out(flags.json ? jsonText(facts) : `${flags.out}: ${variants}, ${width} × ${height} pixels`);
    });
}

async function readPipeline({ preset, config, imageSize, seed }: PreviewFlags): Promise<Pipeline> {
  const seeded = seed === undefined ? {} : { seed };
  if (config === undefined) return presetPipeline(preset, imageSize, seeded);
  const text = await readFile(config, 'utf8').catch((cause: Error) => {
    throw new ConfigError(
      `augment preview: --config must be a readable file, but "${config}" is not: ${cause.message}. Check the path.`,
    );
  });
  let json: PipelineJson;
  try {
    json = JSON.parse(text) as PipelineJson;
  } catch (cause) {
    throw new ConfigError(
      `augment preview: --config must be JSON, but "${config}" is not: ${(cause as Error).message}. Mend the file.`,
    );
  }
  const pipeline = augmentFromJson(json);
  return seed === undefined ? pipeline : augmentFromJson({ ...pipeline.toJSON(), seed });
}

async function drawPreview(
  images: Awaited<ReturnType<typeof listImages>>,
  pipeline: Pipeline,
  { rows, columns }: PreviewFlags,
): Promise<{ grid: Pixels; rows: PreviewRow[] }> {
  const names = [...new Set(images.map(({ label }) => label))];
  const labels = images.map(({ label }) => names.indexOf(label));
  const order = new Rng(pipeline.toJSON().seed).permutation(images.length).slice(0, rows).sort();
  const cells: GridCell[][] = [];
  const facts: PreviewRow[] = [];
  for (const index of order) {
    const { file, label } = images[index];
    const original = await readPixels(file);
    const row: GridCell[] = [
      { pixels: original, label: [basename(file), label, `${original.width}x${original.height}`] },
    ];
    const variants: PreviewRow['variants'][number][] = [];
    for (let epoch = 0; epoch < columns; epoch++) {
      const key = { epoch, index };
      const plan = pipeline.planMix(key, labels);
      const partner =
        plan === undefined ? undefined : { ...plan, pixels: await readPixels(images[plan.partner].file) };
      const { pixels, applied, mix } = pipeline.apply(original, key, partner);
      row.push({ pixels, label: describe(applied, mix, images) });
      variants.push({ epoch, applied, ...(mix === undefined ? {} : { mix }) });
    }
    cells.push(row);
    facts.push({ file, variants });
  }
  return { grid: drawGrid(cells), rows: facts };
}

function describe(
  applied: readonly string[],
  mix: Augmented['mix'],
  images: readonly { readonly label: string }[],
): string[] {
  const joined = (name: string) =>
    mix !== undefined && (name === 'MixUp' || name === 'CutMix')
      ? `${name}(${mix.lambda.toFixed(2)} ${images[mix.partner].label})`
      : name;
  return applied.length === 0 ? ['unchanged'] : applied.map(joined);
}

/** Channels last, as augmentation wants them. */
async function readPixels(file: string): Promise<Pixels> {
  const { shape, data } = await decodeImage(file);
  const [, height, width] = shape;
  const pixels = new Uint8Array(data.length);
  const plane = height * width;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = data[c * plane + i];
  }
  return { width, height, data: pixels };
}
