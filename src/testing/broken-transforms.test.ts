import { describe, expect, it } from 'vitest';
import {
  CutMix,
  defineTransform,
  GaussNoise,
  HorizontalFlip,
  type Mix,
  optionFields,
  type Transform,
} from '#vision';
import { type TransformConformanceOptions, transformCases } from './transform-cases.ts';

type Create = Parameters<typeof transformCases>[0];

/** The cases a transform fails. */
async function failures(create: Create, options: TransformConformanceOptions = {}): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of transformCases(create, options)) await run().catch(() => failed.push(name));
  return failed;
}

/** A sound transform with something changed. */
const changed =
  <Step extends Transform | Mix>(create: (options: object) => Step, change: (step: Step) => Partial<Step>) =>
  (options: object): Step => {
    const step = create(options);
    return { ...step, ...change(step) };
  };

const sameKey = 'makes the same picture for the same key, whatever was made before';
const otherKey = 'draws anew for another index and another seed, unless it is fixed';
const shows = 'is always applied with p = 1, and shows';
const places = 'says in its matrix where the picture has gone';

describe('transformCases', () => {
  it('finds nothing wrong with a transform that is made outside', async () => {
    const range = optionFields.range([0.3, 0.9], { min: 0, max: 1 });
    const Darken = defineTransform('Darken', 0.5, { range }, ({ canvas }, rng, { range: [low, high] }) => {
      const factor = low + (high - low) * rng.uniform();
      canvas.lookUp(Uint8Array.from({ length: 256 }, (_, level) => level * factor));
    });
    expect(await failures(Darken)).toEqual([]);
  });

  it('finds what remembers, what draws nothing, and what draws although it is fixed', async () => {
    let calls = 0;
    const forgetful = changed(GaussNoise, (step) => ({
      apply: (picture, rng) => {
        calls++;
        step.apply(picture, calls % 2 === 0 ? rng : rng.fork('odd'));
      },
    }));
    expect(await failures(forgetful)).toContain(sameKey);
    expect(await failures(HorizontalFlip, { geometric: true })).toEqual([otherKey]);
    expect(await failures(GaussNoise, { fixed: true })).toEqual([otherKey]);
  });

  it('finds what does nothing, and what ignores its options', async () => {
    const lazy = changed(GaussNoise, () => ({ apply: ({ applied }) => void applied.push('GaussNoise') }));
    expect(await failures(lazy)).toContain(shows);
    expect(await failures(() => GaussNoise())).toEqual([
      'changes nothing with p = 0',
      shows,
      'comes back from its JSON and makes the same pictures',
      'refuses unknown options and probabilities outside [0, 1]',
    ]);
  });

  it('finds a matrix that is absent, or a pixel off', async () => {
    const flip = (matrix: readonly [number, number]) =>
      changed(HorizontalFlip, (step) => ({
        apply: (picture, rng) => {
          step.apply(picture, rng);
          picture.matrix = [matrix[0], 0, matrix[1], 0, 1, 0, 0, 0, 1];
        },
      }));
    const options = { geometric: true, fixed: true };
    expect(await failures(flip([-1, 64]), options)).not.toContain(places);
    expect(await failures(flip([1, 0]), options)).toContain(places);
    expect(await failures(flip([-1, 65]), options)).toContain(places);
    expect(await failures(HorizontalFlip, { fixed: true })).toEqual([places]);
  });

  it('finds a joining step that states another share than it leaves', async () => {
    const off = changed(CutMix, (step) => ({
      join: (...picture) => {
        step.join(...picture);
        return 0.5;
      },
    }));
    expect(await failures(off)).toContain('states the share of the first picture that is left');
  });
});
