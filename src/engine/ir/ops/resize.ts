import { ShapeError, sizeOf } from '#core';
import type { OpAttributes } from '../op-attributes.ts';
import type { OpTable } from '../op-rule.ts';
import { formatShape, isFloat, requireDType } from '../shapes.ts';

type Mode = Pick<OpAttributes['resize2d'], 'mode' | 'alignCorners'>;

/**
 * How one axis is resized, as a matrix `[to, from]` of interpolation weights.
 *
 * - nearest: element ⌊i·from/to⌋;
 * - bilinear: the point (i + ½)·from/to − ½, at least 0, between its two neighbours; with `alignCorners` the point
 *   i·(from − 1)/(to − 1).
 */
function interpolationMatrix(from: number, to: number, { mode, alignCorners }: Mode): Float64Array {
  const matrix = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    if (mode === 'nearest') {
      matrix[i * from + Math.min(from - 1, Math.floor((i * from) / to))] = 1;
      continue;
    }
    const corner = to > 1 ? (i * (from - 1)) / (to - 1) : 0;
    const point = alignCorners ? corner : Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(point));
    const weight = point - low;
    matrix[i * from + low] += 1 - weight;
    if (weight > 0) matrix[i * from + Math.min(from - 1, low + 1)] += weight;
  }
  return matrix;
}

/** Images of another size: Y = A·X·Bᵀ with one interpolation matrix per axis. */
export const resizeRules: Pick<OpTable, 'resize2d'> = {
  resize2d: {
    infer: ([x], { size }, where) => {
      requireDType([x], isFloat, 'floating point numbers', where);
      if (x.shape.length !== 4 || size.some((dim) => !Number.isInteger(dim) || dim < 1)) {
        throw new ShapeError(
          `${where}: the input must be [N, C, H, W] and the size two whole numbers above 0, but got ${formatShape(x.shape)} to [${size.join(', ')}]. Pass [height, width].`,
          { input: [...x.shape], size: [...size] },
        );
      }
      return [{ dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...size] }];
    },
    // dX = Aᵀ·dY·B
    gradient: ({ build, node, inputs: [x], gradients: [dy] }) => {
      if (dy === undefined) return [undefined];
      const { size } = node.attributes;
      const matrix = (axis: 0 | 1) => {
        const [from, to] = [x.shape[axis + 2], size[axis]];
        const weights = Float32Array.from(interpolationMatrix(from, to, node.attributes));
        return build.cast(build.constant(weights, [to, from], 'float32'), x.dtype);
      };
      return [build.matmul(build.matmul(matrix(0), dy, { transposeA: true }), matrix(1))];
    },
    reference: ([x], attributes, [{ shape }]) => {
      const [height, width] = x.shape.slice(2);
      const [outHeight, outWidth] = attributes.size;
      const rows = interpolationMatrix(height, outHeight, attributes);
      const columns = interpolationMatrix(width, outWidth, attributes);
      const result = new Float64Array(sizeOf(shape));
      for (let at = 0; at < result.length; at++) {
        const column = at % outWidth;
        const row = Math.floor(at / outWidth) % outHeight;
        const plane = Math.floor(at / outWidth / outHeight) * height * width;
        for (let i = 0; i < height; i++) {
          const weight = rows[row * height + i];
          if (weight === 0) continue;
          for (let j = 0; j < width; j++) {
            result[at] += weight * columns[column * width + j] * x.data[plane + i * width + j];
          }
        }
      }
      return [result];
    },
    lowerings: [
      {
        name: 'Resize',
        emit: (e, { inputs: [x], attributes: { mode, alignCorners }, outputs: [{ shape }] }) => {
          const coordinates = alignCorners ? 'align_corners' : 'half_pixel';
          const attributes = {
            mode: { string: mode === 'nearest' ? 'nearest' : 'linear' },
            coordinate_transformation_mode: { string: mode === 'nearest' ? 'asymmetric' : coordinates },
            nearest_mode: { string: 'floor' },
          };
          return [e.node('Resize', [e.plain(x), '', '', e.int64(shape)], { attributes })];
        },
      },
    ],
  },
};
