import * as build from '../../ir/build.ts';
import type { Value } from '../../ir/value.ts';
import { takeAxis } from './import-structure.ts';
import type { ImportTable, NodeReader } from './node-reader.ts';

interface Target {
  /** Height and width wanted. */
  readonly size: readonly [number, number];
  /** How many times as large, as the file says it. */
  readonly scales: readonly [number, number];
}

function targetOf(node: NodeReader, x: Value): Target {
  const isUpsample = node.op === 'Upsample';
  const scalesAt = isUpsample || node.opset < 11 ? 1 : 2;
  const sizes = isUpsample || node.opset < 11 || !node.has(3) ? undefined : node.numbers(3, 'sizes');
  const axes = node.ints('axes') ?? x.shape.map((_, axis) => axis);
  const byAxis = (numbers: readonly number[], otherwise: (axis: number) => number) =>
    x.shape.map((_, axis) => {
      const at = axes.findIndex((each) => (each < 0 ? each + x.shape.length : each) === axis);
      return at < 0 ? otherwise(axis) : numbers[at];
    });
  if (sizes !== undefined && sizes.length > 0) {
    const size = byAxis(sizes, (axis) => x.shape[axis]);
    return checked(node, x, size, size.map((dim, axis) => dim / x.shape[axis])); // biome-ignore format: short
  }
  const given = node.floats('scales') ?? node.numbers(scalesAt, 'scales');
  if (given === undefined || given.length === 0)
    throw node.fault('scales or sizes must be given, but got neither');
  const scales = byAxis(given, () => 1);
  return checked(node, x, x.shape.map((dim, axis) => Math.floor(dim * scales[axis])), scales); // biome-ignore format: short
}

function checked(node: NodeReader, x: Value, size: readonly number[], scales: readonly number[]): Target {
  const isImage = size.length === 4 && size[0] === x.shape[0] && size[1] === x.shape[1];
  if (!isImage || size.some((dim) => !(dim >= 1 && dim < 2 ** 31))) {
    throw node.unsupported(
      `only height and width of images can change, but got [${x.shape.join(', ')}] to [${size.join(', ')}]`,
    );
  }
  return { size: [size[2], size[3]], scales: [scales[2], scales[3]] };
}

/** Where the pixel `i` of the result lies in the image, by the name of the rule. */
function coordinate(node: NodeReader): (i: number, scale: number, from: number, to: number) => number {
  const isUpsample = node.op === 'Upsample' || node.opset < 11;
  const mode = node.string('coordinate_transformation_mode', isUpsample ? 'asymmetric' : 'half_pixel');
  switch (mode) {
    case 'half_pixel':
      return (i, scale) => (i + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return (i, scale, _, to) => (to > 1 ? (i + 0.5) / scale - 0.5 : 0);
    case 'asymmetric':
      return (i, scale) => i / scale;
    case 'align_corners':
      return (i, _, from, to) => (to > 1 ? (i * (from - 1)) / (to - 1) : 0);
    default:
      throw node.unsupported(
        `coordinate_transformation_mode must be half_pixel, pytorch_half_pixel, asymmetric or align_corners, but got ${mode}`,
      );
  }
}

const rounding: Readonly<Record<string, (point: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (point) => Math.ceil(point - 0.5),
  round_prefer_ceil: (point) => Math.floor(point + 0.5),
};

function nearest(node: NodeReader, x: Value, { size, scales }: Target): Value {
  const isOld = node.op === 'Upsample' || node.opset < 11;
  const round = rounding[node.string('nearest_mode', isOld ? 'floor' : 'round_prefer_floor')];
  const place = coordinate(node);
  const positions = size.map((to, axis) => {
    const from = x.shape[axis + 2];
    return Array.from({ length: to }, (_, i) =>
      Math.min(from - 1, Math.max(0, round(place(i, scales[axis], from, to)))),
    );
  });
  const isPlain = positions.every((at, axis) =>
    at.every((position, i) => position === Math.floor((i * x.shape[axis + 2]) / size[axis])),
  );
  if (isPlain) return build.resize2d(x, { size, mode: 'nearest', alignCorners: false });
  return positions.reduce((resized, at, axis) => takeAxis(resized, axis + 2, at), x);
}

/** One axis as a matrix `[to, from]` of the two neighbours' weights. */
function linearMatrix(from: number, to: number, place: (i: number) => number): Value {
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const point = Math.min(from - 1, Math.max(0, place(i)));
    const low = Math.floor(point);
    matrix[i * from + low] += 1 - (point - low);
    if (point > low) matrix[i * from + low + 1] += point - low;
  }
  return build.constant(matrix, [to, from], 'float32');
}

function linear(node: NodeReader, x: Value, { size, scales }: Target): Value {
  const mode = node.string('coordinate_transformation_mode', 'half_pixel');
  const isExact = size.every((to, axis) => to === x.shape[axis + 2] * scales[axis]);
  const isNew = node.op !== 'Upsample' && node.opset >= 11;
  if (isNew && mode === 'align_corners')
    return build.resize2d(x, { size, mode: 'bilinear', alignCorners: true });
  if (isNew && isExact && mode.endsWith('half_pixel') && size.every((dim) => dim > 1)) {
    return build.resize2d(x, { size, mode: 'bilinear', alignCorners: false });
  }
  const place = coordinate(node);
  const [rows, columns] = size.map((to, axis) => {
    const from = x.shape[axis + 2];
    return linearMatrix(from, to, (i) => place(i, scales[axis], from, to));
  });
  return build.matmul(build.matmul(rows, x), columns, { transposeB: true });
}

function resize(node: NodeReader): Value {
  const x = node.input(0);
  node.requireRank(x, [4]);
  if (node.int('antialias', 0) !== 0) throw node.unsupported('antialias must be 0, but got 1');
  const mode = node.string('mode', 'nearest');
  const target = targetOf(node, x);
  if (mode === 'nearest') return nearest(node, x, target);
  if (mode === 'linear' || mode === 'bilinear') return linear(node, x, target);
  throw node.unsupported(`the mode must be nearest or linear, but got ${mode}`);
}

export const resizeImports: ImportTable = { Resize: resize, Upsample: resize };
