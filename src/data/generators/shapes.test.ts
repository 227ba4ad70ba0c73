import { expect, it } from 'vitest';
import { drawShapes, shapeClasses } from './shapes.ts';

it('draws every class in turn, the same for one seed and others for another', () => {
  const shapes = drawShapes({ count: 10, seed: 1, size: 32 });
  expect(shapes.map(({ label }) => label)).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  expect(shapeClasses).toHaveLength(5);
  expect(drawShapes({ count: 10, seed: 1, size: 32 })).toEqual(shapes);
  expect(drawShapes({ count: 10, seed: 2, size: 32 })).not.toEqual(shapes);
  expect(shapes[0].pixels.data).toHaveLength(32 * 32 * 3);
});
