import type { Rng } from '#core';
import type { Parameters, SearchSpace } from './space.ts';
import { decodeParameters } from './unit-cube.ts';

/** A random point of a space: uniform in every dimension, in the logarithm where the dimension says so. */
export function sampleParameters(space: SearchSpace, rng: Rng): Parameters {
  return decodeParameters(
    space,
    Object.keys(space).map(() => rng.uniform()),
  );
}
