import { flag, range } from './fields.ts';
import { drawFrom } from './random-draws.ts';
import { defineTransform } from './transform.ts';

/**
 * value · (1 + contrast) + brightness, cut to whole levels. Brightness is a share of 255, or of the mean level when
 * `brightnessByMax` is false.
 */
export const RandomBrightnessContrast = defineTransform(
  'RandomBrightnessContrast',
  0.5,
  {
    brightnessLimit: range([-0.2, 0.2]),
    contrastLimit: range([-0.2, 0.2]),
    brightnessByMax: flag(true),
  },
  ({ canvas }, rng, { brightnessLimit, contrastLimit, brightnessByMax }) => {
    const alpha = 1 + drawFrom(rng, contrastLimit);
    const beta = drawFrom(rng, brightnessLimit);
    const shift = brightnessByMax ? beta * 255 : beta * alpha * canvas.mean();
    canvas.lookUp(levelTable((level) => level * alpha + shift));
  },
);

/** What each of the 256 levels becomes: clamped, cut to whole levels. */
export function levelTable(change: (level: number) => number): Uint8Array {
  const table = new Uint8Array(256);
  for (let level = 0; level < 256; level++) table[level] = Math.min(255, Math.max(0, change(level)));
  return table;
}
