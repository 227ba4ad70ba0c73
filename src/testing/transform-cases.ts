import assert from 'node:assert/strict';
import { ConfigError, DataError, Rng } from '#core';
import type { Pixels } from '#data';
import {
  type Augmented,
  type AugmentedPlanes,
  augmentFromJson,
  Compose,
  type Mix,
  type MixInput,
  mapPoint,
  type Pipeline,
  type PipelineJson,
  type Transform,
  transformNames,
} from '#vision';
import { compareWithRamp, ramp } from './compare-with-ramp.ts';
import type { ConformanceCase } from './learner-conformance.ts';

export interface TransformConformanceOptions {
  /**
   * Moves pixels and leaves their colours, so that the matrix is compared with the picture, to ¾ of a pixel (the nearest
   * one may be farther, so let it interpolate); false by default.
   */
  readonly geometric?: boolean;
  /** Does the same to every picture that it is applied to; false by default. */
  readonly fixed?: boolean;
  /** Pictures, `[width, height]`, that it must take; by default from 1 × 1 to 1023 × 769. */
  readonly sizes?: readonly (readonly [width: number, height: number])[];
}

/** Makes the transform with these options beside its own. */
type CreateTransform = (options: { readonly p?: number }) => Transform | Mix;

/** Classes of 64 pictures: where a joining step takes partners from. */
const labels = Array.from({ length: 64 }, (_, index) => index % 3);
const someIndices = [0, 1, 2, 3, 4, 5];
const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const usualSizes = [
  [1, 1],
  [1, 7],
  [7, 1],
  [33, 17],
  [1023, 769],
] as const;

/** What the cases share: the transform in a pipeline, with a partner where it joins two pictures. */
class Suite {
  readonly create: CreateTransform;
  readonly options: TransformConformanceOptions;

  constructor(create: CreateTransform, options: TransformConformanceOptions) {
    this.create = create;
    this.options = options;
  }

  pipeline(p: number, seed = 5): Pipeline {
    return Compose([this.create({ p })], { seed });
  }

  /** A partner of another size than the cases' pictures: it must be resized. */
  partnerFor(pipeline: Pipeline, index: number, pixels = noise(21, 30, 77)): MixInput | undefined {
    const plan = pipeline.planMix({ index }, labels);
    return plan === undefined ? undefined : { ...plan, pixels };
  }

  apply(pipeline: Pipeline, pixels: Pixels, index = 0): Augmented {
    return pipeline.apply(pixels, { index }, this.partnerFor(pipeline, index));
  }

  planes(pipeline: Pipeline, pixels: Pixels, index = 0): AugmentedPlanes {
    return pipeline.applyToPlanes(pixels, { index }, this.partnerFor(pipeline, index));
  }
}

type Checks = Readonly<Record<string, (suite: Suite) => void>>;

const draws: Checks = {
  'makes the same picture for the same key, whatever was made before': (suite) => {
    const picture = noise(33, 17);
    const pipeline = suite.pipeline(1);
    const made = someIndices.map((index) => suite.apply(pipeline, picture, index));
    suite.apply(pipeline, noise(50, 60), 7);
    for (const index of [...someIndices].reverse()) {
      assert.deepEqual(suite.apply(pipeline, picture, index), made[index]);
      assert.deepEqual(suite.apply(suite.pipeline(1), picture, index), made[index]);
    }
  },
  'draws anew for another index and another seed, unless it is fixed': (suite) => {
    const picture = noise(33, 17);
    const make = (seed: number) =>
      someIndices.map((index) => String(suite.planes(suite.pipeline(1, seed), picture, index).planes));
    const made = make(5);
    const count = new Set(made).size;
    if (suite.options.fixed) return assert.equal(count, 1, `fixed, but made ${count} different pictures`);
    assert.ok(count > 1, 'made the same picture for every index');
    assert.notDeepEqual(make(6), made, 'made the same pictures with another seed');
  },
  'changes nothing with p = 0': (suite) => {
    const picture = noise(33, 17);
    for (const index of someIndices) {
      const { pixels, matrix, applied, mix } = suite.apply(suite.pipeline(0), picture, index);
      assert.deepEqual(pixels, picture);
      assert.deepEqual([...matrix], identity);
      assert.deepEqual([applied, mix], [[], undefined]);
    }
  },
  'is always applied with p = 1, and shows': (suite) => {
    const picture = noise(33, 17);
    const before = String(Compose([]).applyToPlanes(picture, { index: 0 }).planes);
    const made = someIndices.map((index) => suite.planes(suite.pipeline(1), picture, index));
    for (const { applied } of made) assert.ok(applied.length > 0, 'applied names nothing');
    assert.ok(
      made.some(({ planes }) => String(planes) !== before),
      'no picture was changed',
    );
  },
  'is applied to some pictures and not to others with p = 0.5': (suite) => {
    const picture = noise(5, 4);
    const pipeline = suite.pipeline(0.5);
    const count = labels.filter((_, index) => suite.apply(pipeline, picture, index).applied.length > 0);
    assert.ok(count.length > 0 && count.length < 64, `applied to ${count.length} of 64 pictures`);
  },
};

const results: Checks = {
  'gives valid pixels and planes for pictures of every size': (suite) => {
    const pipeline = suite.pipeline(1);
    for (const [width, height] of suite.options.sizes ?? usualSizes) {
      const picture = noise(width, height);
      const { pixels, matrix } = suite.apply(pipeline, picture, 1);
      assertPixels(pixels, `${width} × ${height}`);
      assert.ok(matrix.every(Number.isFinite), `the matrix has ${matrix.join(', ')}`);
      const planes = suite.planes(pipeline, picture, 1);
      assert.deepEqual([planes.width, planes.height], [pixels.width, pixels.height]);
      assert.equal(planes.planes.length, pixels.data.length);
      assert.ok(planes.planes.every(Number.isFinite), 'planes have numbers that are not finite');
    }
  },
  'leaves its input untouched': (suite) => {
    const picture = noise(33, 17);
    const partner = noise(33, 17, 2);
    const pipeline = suite.pipeline(1);
    const key = { index: 0 };
    pipeline.apply(picture, key, suite.partnerFor(pipeline, 0, partner));
    pipeline.applyToPlanes(picture, key, suite.partnerFor(pipeline, 0, partner));
    assert.deepEqual([picture, partner], [noise(33, 17), noise(33, 17, 2)]);
  },
  'writes to the beginning of `into`, and refuses one that is too short': (suite) => {
    const picture = noise(33, 17);
    const pipeline = suite.pipeline(1);
    const mix = suite.partnerFor(pipeline, 0);
    const { data } = pipeline.apply(picture, { index: 0 }, mix).pixels;
    const into = new Uint8Array(data.length + 5).fill(7);
    const written = pipeline.apply(picture, { index: 0 }, mix, into).pixels.data;
    assert.equal(written.buffer, into.buffer);
    assert.deepEqual(written, data);
    assert.deepEqual(into.subarray(data.length), Uint8Array.of(7, 7, 7, 7, 7));
    const short = data.length - 1;
    const key = { index: 0 };
    assert.throws(() => pipeline.apply(picture, key, mix, new Uint8Array(short)), DataError);
    assert.throws(() => pipeline.applyToPlanes(picture, key, mix, new Float32Array(short)), DataError);
  },
  'says in its matrix where the picture has gone': (suite) => {
    const picture = ramp(65, 49);
    let compared = 0;
    for (const index of someIndices) {
      const { pixels, matrix } = suite.apply(suite.pipeline(1), picture, index);
      if (!suite.options.geometric) {
        assert.deepEqual([...matrix], identity, 'the matrix moves places, but it is not geometric');
        assert.deepEqual([pixels.width, pixels.height], [65, 49], 'the size changed, but not the places');
        continue;
      }
      const [x, y] = mapPoint(matrix, 32, 24);
      const isNear =
        x >= -pixels.width / 2 &&
        x < 1.5 * pixels.width &&
        y >= -pixels.height / 2 &&
        y < 1.5 * pixels.height;
      assert.ok(isNear, `the middle went to ${x}, ${y} of ${pixels.width} × ${pixels.height}`);
      compared += compareWithRamp(pixels, matrix);
    }
    if (suite.options.geometric) assert.ok(compared >= 20, `only ${compared} places stayed in the picture`);
  },
};

const declarations: Checks = {
  'comes back from its JSON and makes the same pictures': (suite) => {
    const pipeline = suite.pipeline(0.8);
    const json = pipeline.toJSON();
    const written = JSON.parse(JSON.stringify(json)) as PipelineJson;
    assert.deepEqual(written, json);
    const { transform: name, ...options } = written.transforms[0];
    assert.equal(options['p'], 0.8);
    // Of others than the library's own only their factory knows.
    const isKnown = transformNames.includes(name);
    const read = isKnown
      ? augmentFromJson(written)
      : Compose([suite.create(options)], { seed: written.seed });
    assert.equal(name, suite.create({}).name);
    assert.deepEqual(read.toJSON(), json);
    const picture = noise(33, 17);
    for (const index of someIndices) {
      assert.deepEqual(suite.apply(read, picture, index), suite.apply(pipeline, picture, index));
    }
  },
  'refuses unknown options and probabilities outside [0, 1]': (suite) => {
    const unknown: { readonly p?: number } & Record<string, unknown> = { noSuchOption: 1 };
    assert.throws(
      () => suite.create(unknown),
      (error) => error instanceof ConfigError && error.message.includes('noSuchOption'),
    );
    for (const p of [-0.1, 1.1, Number.NaN])
      assert.throws(() => suite.create({ p }), ConfigError, `p = ${p}`);
  },
};

const joins: Checks = {
  'joins pictures of different classes only': (suite) => {
    const pipeline = suite.pipeline(1);
    for (const [index, label] of labels.entries()) {
      const plan = pipeline.planMix({ index }, labels);
      assert.ok(
        plan !== undefined && labels[plan.partner] !== label,
        `${index} got no partner of another class`,
      );
      assert.ok(plan.lambda >= 0 && plan.lambda <= 1, `lambda is ${plan.lambda}`);
    }
    assert.equal(pipeline.planMix({ index: 1 }, [4, 4, 4]), undefined);
  },
  'states the share of the first picture that is left': (suite) => {
    const pipeline = suite.pipeline(1);
    const [black, white] = [0, 255].map((level) => filled(64, 48, level));
    for (const index of someIndices) {
      const { pixels, mix } = pipeline.apply(black, { index }, suite.partnerFor(pipeline, index, white));
      assert.ok(mix !== undefined);
      const mean = pixels.data.reduce((sum, value) => sum + value, 0) / pixels.data.length;
      const share = 1 - mean / 255;
      assert.ok(Math.abs(share - mix.lambda) < 0.01, `lambda is ${mix.lambda}, but ${share} is left`);
    }
  },
};

/**
 * What every transform and every joining step must do, for any test runner.
 *
 * @param create makes it, with `p` and whatever else is given passed on to its factory
 * @example
 * for (const { name, run } of transformCases((options) => Blur({ blurLimit: 5, ...options }))) it(name, run);
 */
export function transformCases(
  create: CreateTransform,
  options: TransformConformanceOptions = {},
): ConformanceCase[] {
  const suite = new Suite(create, options);
  const checks = { ...draws, ...results, ...declarations, ...(create({}).kind === 'mix' ? joins : {}) };
  return Object.entries(checks).map(([name, check]) => ({ name, run: async () => check(suite) }));
}

function noise(width: number, height: number, seed = 1): Pixels {
  const rng = new Rng(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => rng.integer(256)) };
}

function filled(width: number, height: number, level: number): Pixels {
  return { width, height, data: new Uint8Array(width * height * 3).fill(level) };
}

function assertPixels({ width, height, data }: Pixels, from: string): void {
  assert.ok(width >= 1 && height >= 1, `a picture of ${from} became ${width} × ${height}`);
  assert.ok(Number.isInteger(width) && Number.isInteger(height));
  assert.ok(data instanceof Uint8Array);
  assert.equal(data.length, width * height * 3);
}
