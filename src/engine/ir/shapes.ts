import { type DType, DTypeError, type Shape, ShapeError, stridesOf } from '#core';
import { atUserLine } from './call-site.ts';
import type { TensorType } from './value.ts';

/** `[8, 3]` as text. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** `float32[8, 3]` as text. */
export function formatType(type: TensorType): string {
  return `${type.dtype}${formatShape(type.shape)}`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/**
 * The common shape of operands under NumPy's broadcasting rule: aligned at the last axis, sizes agree or are 1.
 * @throws ShapeError
 */
export function broadcastShapes(shapes: readonly Shape[], where: string): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    shape.forEach((dim, at) => {
      const axis = rank - shape.length + at;
      if (result[axis] === 1) result[axis] = dim;
      else if (dim !== 1 && dim !== result[axis]) {
        throw new ShapeError(
          `${where}: sizes must agree or be 1, counted from the last axis, but got ${shapes.map(formatShape).join(' and ')}. Reshape one of them.`,
          { shapes: shapes.map((each) => [...each]) },
        );
      }
    });
  }
  return result;
}

/** Strides that read `from` as if it had the shape `to`: 0 along broadcast axes. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const added = to.length - from.length;
  return to.map((_, axis) => (axis < added || from[axis - added] === 1 ? 0 : strides[axis - added]));
}

/**
 * Counts an axis from 0.
 * @throws ShapeError for an axis outside [−rank, rank)
 */
export function resolveAxis(axis: number, rank: number, where: string): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank) {
    throw new ShapeError(
      `${where}: axis must be a whole number in [${-rank}, ${rank}), but got ${axis}. Pass one of the tensor's ${rank} axes.${atUserLine()}`,
      { axis, rank },
    );
  }
  return resolved;
}

/**
 * Counts axes from 0, sorts them and refuses double ones; all axes when absent.
 * @throws ShapeError
 */
export function resolveAxes(
  axes: number | readonly number[] | undefined,
  rank: number,
  where: string,
): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const given = typeof axes === 'number' ? [axes] : axes;
  const resolved = given.map((axis) => resolveAxis(axis, rank, where)).sort((a, b) => a - b);
  if (new Set(resolved).size !== resolved.length) {
    throw new ShapeError(
      `${where}: axes must differ, but got [${given.join(', ')}]. Name each once.${atUserLine()}`,
      { axes: [...given] },
    );
  }
  return resolved;
}

/** Shape after reducing `axes`. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  if (keepDims) return shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return shape.filter((_, axis) => !axes.includes(axis));
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'float64';
}

/**
 * The element type that all operands share.
 * @throws DTypeError when they differ
 */
export function commonDType(types: readonly TensorType[], where: string): DType {
  const [first, ...rest] = types;
  if (rest.some((type) => type.dtype !== first.dtype)) {
    throw new DTypeError(
      `${where}: element types must agree, but got ${types.map(formatType).join(' and ')}. Cast one of them.`,
      { dtypes: types.map((type) => type.dtype) },
    );
  }
  return first.dtype;
}

/**
 * @throws DTypeError when one of the types is not among `allowed`
 */
export function requireDType(
  types: readonly TensorType[],
  allowed: (dtype: DType) => boolean,
  rule: string,
  where: string,
): void {
  if (types.every((type) => allowed(type.dtype))) return;
  throw new DTypeError(
    `${where}: elements must be ${rule}, but got ${types.map(formatType).join(' and ')}. Cast first.`,
    {
      dtypes: types.map((type) => type.dtype),
    },
  );
}
