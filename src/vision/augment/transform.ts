import type { Rng } from '#core';
import { type Accepted, type Fields, number, type Settled, settle } from './fields.ts';
import type { Picture } from './picture.ts';

/** A transform as plain JSON: its name under `transform`, its options beside it. */
export interface TransformJson {
  readonly transform: string;
  readonly [option: string]: unknown;
}

/** One step of a pipeline. */
export interface Transform {
  readonly kind: 'transform';
  readonly name: string;
  /** Probability of being applied. */
  readonly p: number;
  /** Changes the picture; everything random comes from `rng`. Whether it is called at all, `p` decides elsewhere. */
  apply(picture: Picture, rng: Rng): void;
  toJSON(): TransformJson;
}

/**
 * A transform's factory: checks its options and settles what is absent.
 *
 * @param p the usual probability
 * @param apply what it does with settled options
 */
export function defineTransform<F extends Fields>(
  name: string,
  p: number,
  fields: F,
  apply: (picture: Picture, rng: Rng, options: Settled<F>) => void,
): (options?: Accepted<F> & { readonly p?: number }) => Transform {
  const all = { ...fields, p: number(p, { min: 0, max: 1 }) };
  return (options = {}) => {
    const settled = settle(name, all, options) as Settled<F> & { readonly p: number };
    return {
      kind: 'transform',
      name,
      p: settled.p,
      apply: (picture, rng) => {
        picture.applied.push(name);
        apply(picture, rng, settled);
      },
      toJSON: () => ({ transform: name, ...settled }),
    };
  };
}

/** Applies `transform` with its probability. */
export function applyMaybe(transform: Transform, picture: Picture, rng: Rng): void {
  if (rng.uniform() < transform.p) transform.apply(picture, rng);
}
