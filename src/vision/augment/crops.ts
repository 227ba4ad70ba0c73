import { borderMode, borderValue } from './borders.ts';
import { range, wholeNumber } from './fields.ts';
import { translation } from './matrix.ts';
import type { Picture } from './picture.ts';
import { drawFrom, drawWhole } from './random-draws.ts';
import { interpolation } from './resizing.ts';
import { defineTransform } from './transform.ts';

const size = (initial?: number) => wholeNumber(initial, { min: 1, max: 65_536 });

/** Adds a border where a side is shorter than asked: half of it before, the larger half behind. */
export const PadIfNeeded = defineTransform(
  'PadIfNeeded',
  1,
  { minHeight: size(1024), minWidth: size(1024), borderMode, value: borderValue },
  (picture, _rng, { minHeight, minWidth, borderMode, value }) => {
    const width = Math.max(picture.width, minWidth);
    const height = Math.max(picture.height, minHeight);
    if (width === picture.width && height === picture.height) return;
    const left = Math.floor((width - picture.width) / 2);
    const top = Math.floor((height - picture.height) / 2);
    const options = { interpolation: 'nearest', border: borderMode, fill: value } as const;
    picture.warp(translation(left, top), width, height, options);
  },
);

/** The middle of the picture; where a side is too short it is padded with black, so that the size is always met. */
export const CenterCrop = defineTransform(
  'CenterCrop',
  1,
  { height: size(), width: size() },
  (picture, _rng, { height, width }) => {
    const columns = Math.min(width, picture.width);
    const rows = Math.min(height, picture.height);
    const left = Math.floor((picture.width - columns) / 2);
    const top = Math.floor((picture.height - rows) / 2);
    picture.crop(left, top, columns, rows);
    if (columns === width && rows === height) return;
    const shift = translation(Math.floor((width - columns) / 2), Math.floor((height - rows) / 2));
    picture.warp(shift, width, height, { interpolation: 'nearest', border: 'constant' });
  },
);

/**
 * A random part of the picture, resized: `scale` is its share of the area, `ratio` its width by its height. After ten
 * attempts that do not fit, the largest middle part with an allowed ratio.
 */
export const RandomResizedCrop = defineTransform(
  'RandomResizedCrop',
  1,
  {
    height: size(),
    width: size(),
    scale: range([0.08, 1], { min: 1e-6, max: 1, from: 1e-6 }),
    ratio: range([3 / 4, 4 / 3], { min: 1e-3, max: 1e3, from: 1 }),
    interpolation,
  },
  (picture, rng, { height, width, scale, ratio, interpolation }) => {
    const logRatio = [Math.log(ratio[0]), Math.log(ratio[1])] as const;
    const area = picture.width * picture.height;
    let isDone = false;
    for (let attempt = 0; attempt < 10 && !isDone; attempt++) {
      const target = area * drawFrom(rng, scale);
      const shape = Math.exp(drawFrom(rng, logRatio));
      const columns = Math.round(Math.sqrt(target * shape));
      const rows = Math.round(Math.sqrt(target / shape));
      if (columns < 1 || rows < 1 || columns > picture.width || rows > picture.height) continue;
      picture.crop(
        drawWhole(rng, 0, picture.width - columns),
        drawWhole(rng, 0, picture.height - rows),
        columns,
        rows,
      );
      isDone = true;
    }
    if (!isDone) cropMiddle(picture, ratio);
    picture.resize(width, height, interpolation);
  },
);

function cropMiddle(picture: Picture, [least, most]: readonly [number, number]): void {
  const shape = picture.width / picture.height;
  const columns = shape > most ? Math.max(1, Math.round(picture.height * most)) : picture.width;
  const rows = shape < least ? Math.max(1, Math.round(picture.width / least)) : picture.height;
  const left = Math.floor((picture.width - columns) / 2);
  picture.crop(left, Math.floor((picture.height - rows) / 2), columns, rows);
}
