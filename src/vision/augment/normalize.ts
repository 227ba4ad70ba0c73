import { number, triple } from './fields.ts';
import { defineTransform } from './transform.ts';

/**
 * (value / maxPixelValue − mean) / std of each channel, in the planes that `applyToPlanes` gives; the usual mean and
 * deviation are ImageNet's. Pixels stay as they are.
 */
export const Normalize = defineTransform(
  'Normalize',
  1,
  {
    mean: triple([0.485, 0.456, 0.406]),
    std: triple([0.229, 0.224, 0.225], { min: 1e-6 }),
    maxPixelValue: number(255, { min: 1e-6 }),
  },
  (picture, _rng, { mean, std, maxPixelValue }) => {
    picture.levels = Float32Array.from({ length: 768 }, (_, i) => {
      const channel = i >> 8;
      return ((i & 255) / maxPixelValue - mean[channel]) / std[channel];
    });
  },
);
