import { levelTable } from './brightness.ts';
import { range } from './fields.ts';
import type { Picture } from './picture.ts';
import { drawFrom } from './random-draws.ts';
import { defineTransform } from './transform.ts';

/** Remainder that is never negative. */
const modulo = (value: number, by: number) => ((value % by) + by) % by;

function hsvTables(change: {
  readonly hue?: number;
  readonly saturation?: number;
  readonly value?: number;
}): Uint8Array {
  const { hue = 0, saturation = 0, value = 0 } = change;
  const tables = new Uint8Array(768);
  for (let level = 0; level < 180; level++) tables[level] = modulo(level + hue, 180);
  tables.set(
    levelTable((level) => level + saturation),
    256,
  );
  tables.set(
    levelTable((level) => level + value),
    512,
  );
  return tables;
}

/** Shifts hue (180 is the whole circle), saturation and value (both 0 to 255). */
export const HueSaturationValue = defineTransform(
  'HueSaturationValue',
  0.5,
  { hueShiftLimit: range([-20, 20]), satShiftLimit: range([-30, 30]), valShiftLimit: range([-20, 20]) },
  ({ canvas }, rng, { hueShiftLimit, satShiftLimit, valShiftLimit }) => {
    const hue = drawFrom(rng, hueShiftLimit);
    const saturation = drawFrom(rng, satShiftLimit);
    const value = drawFrom(rng, valShiftLimit);
    canvas.shiftHsv(hsvTables({ hue, saturation, value }));
  },
);

const factor = () => range([-0.2, 0.2], { min: -1 });

/**
 * Brightness (factor of all levels), contrast (distance from the mean grey), saturation (distance from grey) and hue
 * (share of the circle) in random order; limits are around no change: 0.2 draws factors from 0.8 to 1.2.
 */
export const ColorJitter = defineTransform(
  'ColorJitter',
  0.5,
  {
    brightness: factor(),
    contrast: factor(),
    saturation: factor(),
    hue: range([-0.2, 0.2], { min: -0.5, max: 0.5 }),
  },
  ({ canvas }: Picture, rng, limits) => {
    const brightness = 1 + drawFrom(rng, limits.brightness);
    const contrast = 1 + drawFrom(rng, limits.contrast);
    const saturation = 1 + drawFrom(rng, limits.saturation);
    const hue = 180 * drawFrom(rng, limits.hue);
    const changes = [
      () => canvas.lookUp(levelTable((level) => level * brightness)),
      () => {
        const mean = Math.floor(canvas.greyMean() + 0.5);
        canvas.lookUp(levelTable((level) => (level - mean) * contrast + mean));
      },
      () => canvas.blendGrey(saturation),
      () => canvas.shiftHsv(hsvTables({ hue })),
    ];
    for (const change of rng.shuffle(changes)) change();
  },
);

/** All channels become the grey level 0.299 R + 0.587 G + 0.114 B. */
export const ToGray = defineTransform('ToGray', 0.5, {}, ({ canvas }) => canvas.blendGrey(0));
