import { ConfigError, DataError } from '#core';
import type { Pixels } from '#data';
import { type Matrix3, PixelCanvas } from '#kernels';
import { drawMix, type Mix, type MixPlan } from './mixing.ts';
import { Picture } from './picture.ts';
import { counterRng } from './random-draws.ts';
import { applyMaybe, type Transform, type TransformJson } from './transform.ts';

/** A pipeline as plain JSON, which `augmentFromJson` makes a pipeline of. */
export interface PipelineJson {
  readonly seed: number;
  readonly transforms: readonly TransformJson[];
}

/** Which picture is made: results depend on the pipeline's seed, these two and the pixels alone. */
export interface SampleKey {
  /** From 0; default 0. */
  readonly epoch?: number;
  /** Place of the picture in the data. */
  readonly index: number;
}

export interface Augmented {
  readonly pixels: Pixels;
  /** From places of the original to places of the result; whole numbers are the centres of pixels. */
  readonly matrix: Matrix3;
  /** Names of the transforms that were applied, in order. */
  readonly applied: readonly string[];
  /** The partner's index and the weight of the first picture's label, where two were joined. */
  readonly mix?: { readonly partner: number; readonly lambda: number };
}

/** `[3, H, W]`, as Normalize asks, else value / 255. */
export interface AugmentedPlanes extends Omit<Augmented, 'pixels'> {
  readonly width: number;
  readonly height: number;
  readonly planes: Float32Array;
}

/** A plan with its partner's pixels. */
export interface MixInput extends MixPlan {
  readonly pixels: Pixels;
}

/** Transforms applied one after the other. */
export interface Pipeline {
  /**
   * With which picture `index` is to be joined, before either is read; undefined: with none.
   * @param labels class of every picture
   */
  planMix(key: SampleKey, labels: ArrayLike<number>): MixPlan | undefined;
  /**
   * @param into the result is written to its beginning, and `data` is that part of it; new memory by default, which
   *   for large pictures costs more than the transforms
   * @throws DataError when the pixels do not have the size they state, or `into` is too short
   */
  apply(pixels: Pixels, key: SampleKey, mix?: MixInput, into?: Uint8Array): Augmented;
  /** As `apply`, but channels first and in float32: what a network is fed with. */
  applyToPlanes(pixels: Pixels, key: SampleKey, mix?: MixInput, into?: Float32Array): AugmentedPlanes;
  toJSON(): PipelineJson;
}

const KEPT_BYTES = 268_435_456;
let idle: PixelCanvas | undefined;

/**
 * A pipeline of transforms. Joining ones (MixUp, CutMix) come first; of several at most one is used, each with its
 * own p in turn.
 *
 * Randomness depends on (seed, epoch, index) alone: any number of workers makes the same pictures.
 *
 * @param options.seed whole number; default 0
 * @throws ConfigError when a joining step follows another transform
 * @example
 * const train = Compose([SmallestMaxSize({ maxSize: 128, interpolation: 'area' }), HorizontalFlip()], { seed: 1 });
 * const { pixels } = train.apply(original, { epoch: 0, index: 17 });
 */
export function Compose(
  steps: readonly (Transform | Mix)[],
  { seed = 0 }: { readonly seed?: number } = {},
): Pipeline {
  if (!Number.isSafeInteger(seed)) {
    throw new ConfigError(`Compose.seed: must be a whole number, but got ${seed}. Change it.`, { seed });
  }
  const mixes = steps.filter((step) => step.kind === 'mix');
  const transforms = steps.filter((step) => step.kind === 'transform');
  if (steps.slice(0, mixes.length).some((step) => step.kind !== 'mix')) {
    throw new ConfigError(
      `Compose: steps that join two pictures must come first, but got ${steps.map(({ name }) => name).join(', ')}. Move ${mixes.map(({ name }) => name).join(' and ')} to the front.`,
    );
  }
  const withPicture = <Result>(
    pixels: Pixels,
    key: SampleKey,
    mix: MixInput | undefined,
    read: (picture: Picture, facts: Omit<Augmented, 'pixels'>) => Result,
  ): Result => {
    checkPixels(pixels);
    const canvas = idle ?? new PixelCanvas();
    idle = undefined;
    canvas.load(pixels.data, pixels.width, pixels.height);
    const picture = new Picture(canvas);
    const { epoch = 0, index } = key;
    let joined: Augmented['mix'];
    if (mix !== undefined) {
      checkPixels(mix.pixels);
      const rng = counterRng(seed, epoch, index, 'join');
      const lambda = mixes[mix.step].join(picture, mix.pixels, mix.lambda, rng);
      joined = { partner: mix.partner, lambda };
    }
    transforms.forEach((transform, step) => {
      applyMaybe(transform, picture, counterRng(seed, epoch, index, step));
    });
    const facts = {
      matrix: picture.matrix,
      applied: picture.applied,
      ...(joined === undefined ? {} : { mix: joined }),
    };
    const result = read(picture, facts);
    if (canvas.memoryBytes <= KEPT_BYTES) idle = canvas;
    return result;
  };
  return {
    planMix: ({ epoch = 0, index }, labels) => {
      for (const [step, mix] of mixes.entries()) {
        const plan = drawMix(mix, step, index, labels, counterRng(seed, epoch, index, 'mix', step));
        if (plan !== undefined) return plan;
      }
      return undefined;
    },
    apply: (pixels, key, mix, into) =>
      withPicture(pixels, key, mix, ({ canvas, width, height }, facts) => {
        checkRoom(into, width, height);
        return { pixels: { width, height, data: canvas.read(into) }, ...facts };
      }),
    applyToPlanes: (pixels, key, mix, into) =>
      withPicture(pixels, key, mix, ({ canvas, width, height, levels = sharesOf255 }, facts) => {
        checkRoom(into, width, height);
        return { width, height, planes: canvas.readPlanes(levels, into), ...facts };
      }),
    toJSON: () => ({ seed, transforms: steps.map((step) => step.toJSON()) }),
  };
}

const sharesOf255 = Float32Array.from({ length: 768 }, (_, i) => (i % 256) / 255);

function checkRoom(into: { readonly length: number } | undefined, width: number, height: number): void {
  if (into === undefined || into.length >= width * height * 3) return;
  throw new DataError(
    `Compose: the array to write to must hold ${height} × ${width} × 3 values, but has room for ${into.length}. Give a larger one, or resize to a fixed size.`,
    { width, height, length: into.length },
  );
}

function checkPixels({ width, height, data }: Pixels): void {
  if (width >= 1 && height >= 1 && data.length === width * height * 3) return;
  throw new DataError(
    `Compose: pixels must hold height × width × 3 values, but got ${data.length} for ${height} × ${width}. Decode the picture as RGB.`,
    { width, height, length: data.length },
  );
}
