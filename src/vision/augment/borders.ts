import { choice, triple } from './fields.ts';

/** OpenCV's `BORDER_*` modes. */
export const borderMode = choice('reflect101', 'constant', 'replicate', 'reflect', 'wrap');
/** Colour of a constant border. */
export const borderValue = triple([0, 0, 0], { min: 0, max: 255 });
