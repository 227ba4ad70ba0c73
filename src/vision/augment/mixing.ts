import type { Rng } from '#core';
import type { Pixels } from '#data';
import { type Accepted, type Fields, number, settle } from './fields.ts';
import type { Picture } from './picture.ts';
import { drawBeta } from './random-draws.ts';
import type { TransformJson } from './transform.ts';

/** Which picture is to be joined with one, known before either is read. */
export interface MixPlan {
  /** Index of the other picture. */
  readonly partner: number;
  /** Share of the first picture, in [0, 1]; what CutMix's rectangle really leaves is in the result. */
  readonly lambda: number;
  /** The joining step's place in the pipeline. */
  readonly step: number;
}

/** A step that joins a picture with one of another class, before all other transforms. */
export interface Mix {
  readonly kind: 'mix';
  readonly name: string;
  readonly p: number;
  /** lambda ~ Beta(alpha, alpha) */
  readonly alpha: number;
  /**
   * @param partner is resized to the picture's size when its own differs
   * @returns share of the first picture, which is also the weight of its label
   */
  join(picture: Picture, partner: Pixels, lambda: number, rng: Rng): number;
  toJSON(): TransformJson;
}

const fields = { alpha: number(0.2, { min: 0.001, max: 1000 }), p: number(1, { min: 0, max: 1 }) };
type MixOptions = Accepted<typeof fields>;

function defineMix(name: string, initial: Fields, join: Mix['join']): (options?: MixOptions) => Mix {
  return (options = {}) => {
    const settled = settle(name, { ...fields, ...initial } as typeof fields, options);
    return {
      kind: 'mix',
      name,
      ...settled,
      join: (picture, partner, lambda, rng) => {
        picture.applied.push(name);
        const { width, height } = picture;
        const isSame = partner.width === width && partner.height === height;
        return join(picture, isSame ? partner : resized(picture, partner), lambda, rng);
      },
      toJSON: () => ({ transform: name, ...settled }),
    };
  };
}

/** `partner` in the size of `picture`; the canvas is lent for it. */
function resized({ canvas, width, height }: Picture, partner: Pixels): Pixels {
  const held = canvas.read();
  canvas.load(partner.data, partner.width, partner.height);
  canvas.resize(width, height, partner.width > width && partner.height > height ? 'area' : 'linear');
  const data = canvas.read();
  canvas.load(held, width, height);
  return { width, height, data };
}

/**
 * picture · λ + partner · (1 − λ), cut to whole levels (not rounded); λ ~ Beta(α, α).
 * @source Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018, https://arxiv.org/abs/1710.09412
 */
export const MixUp = defineMix('MixUp', {}, ({ canvas }, partner, lambda) => {
  canvas.mix(partner.data, lambda);
  return lambda;
});

/**
 * A rectangle of the partner in the picture, at its own place; it covers about 1 − λ of the picture.
 * @source Yun et al., "CutMix", 2019, https://arxiv.org/abs/1905.04899
 */
export const CutMix = defineMix(
  'CutMix',
  { alpha: number(1, { min: 0.001, max: 1000 }) },
  ({ canvas, width, height }, partner, lambda, rng) => {
    const share = Math.sqrt(1 - lambda);
    const [left, columns] = cutAround(rng.integer(width), share * width, width);
    const [top, rows] = cutAround(rng.integer(height), share * height, height);
    if (rows === 0 || columns === 0) return 1;
    canvas.paste(partner.data, left, top, columns, rows);
    return 1 - (rows * columns) / (width * height);
  },
);

function cutAround(middle: number, extent: number, size: number): [start: number, length: number] {
  const start = Math.max(0, Math.round(middle - extent / 2));
  return [start, Math.max(0, Math.min(size, Math.round(middle + extent / 2)) - start)];
}

/**
 * Whether and with which picture of another class `index` is joined: partners are drawn until the class differs.
 * Without a second class there is none.
 */
export function drawMix(
  mix: Mix,
  step: number,
  index: number,
  labels: ArrayLike<number>,
  rng: Rng,
): MixPlan | undefined {
  if (rng.uniform() >= mix.p) return undefined;
  const lambda = drawBeta(rng, mix.alpha);
  const own = labels[index];
  for (let attempt = 0; attempt < 64; attempt++) {
    const partner = rng.integer(labels.length);
    if (labels[partner] !== own) return { partner, lambda, step };
  }
  const start = rng.integer(labels.length);
  for (let offset = 0; offset < labels.length; offset++) {
    const partner = (start + offset) % labels.length;
    if (labels[partner] !== own) return { partner, lambda, step };
  }
  return undefined;
}
