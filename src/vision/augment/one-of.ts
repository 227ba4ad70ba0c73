import { ConfigError } from '#core';
import { number, settle } from './fields.ts';
import { applyMaybe, type Transform } from './transform.ts';

const fields = { p: number(0.5, { min: 0, max: 1 }) };

/**
 * Applies one of `transforms`; their own `p` are the weights of the choice.
 * @throws ConfigError when none can be chosen
 */
export function OneOf(transforms: readonly Transform[], options: { readonly p?: number } = {}): Transform {
  const { p } = settle('OneOf', fields, options);
  const total = transforms.reduce((sum, transform) => sum + transform.p, 0);
  if (!(total > 0)) {
    throw new ConfigError(
      `OneOf: some transform must have a p above 0, but got ${transforms.map(({ p }) => p).join(', ') || 'none'}. Add one.`,
    );
  }
  return {
    kind: 'transform',
    name: 'OneOf',
    p,
    apply: (picture, rng) => {
      let left = rng.uniform() * total;
      const chosen = transforms.find((transform) => {
        left -= transform.p;
        return left < 0;
      });
      (chosen ?? (transforms.at(-1) as Transform)).apply(picture, rng);
    },
    toJSON: () => ({ transform: 'OneOf', p, transforms: transforms.map((transform) => transform.toJSON()) }),
  };
}

/** Applies all `transforms` in order, each with its own `p`: a chain inside OneOf. */
export function Sequential(
  transforms: readonly Transform[],
  options: { readonly p?: number } = {},
): Transform {
  const { p } = settle('Sequential', fields, options);
  return {
    kind: 'transform',
    name: 'Sequential',
    p,
    apply: (picture, rng) => {
      transforms.forEach((transform, step) => {
        applyMaybe(transform, picture, rng.fork(step));
      });
    },
    toJSON: () => ({
      transform: 'Sequential',
      p,
      transforms: transforms.map((transform) => transform.toJSON()),
    }),
  };
}
