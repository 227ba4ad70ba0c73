import { DataError, type HostTensor, hostTensor, type Shape, sizeOf } from '#core';
import * as build from '../../ir/build.ts';
import { broadcastShapes, resolveAxes, resolveAxis } from '../../ir/shapes.ts';
import type { Value } from '../../ir/value.ts';
import { SYMBOLIC_SIZE } from '../export-values.ts';
import { constantNumbers } from './fold-constant.ts';
import type { ImportNode, ImportTable, NodeReader } from './node-reader.ts';

const int64 = (numbers: readonly number[], shape: Shape = [numbers.length]): Value =>
  build.constant(BigInt64Array.from(numbers, BigInt), shape, 'int64');

export const hostConstant = ({ data, shape, dtype }: HostTensor): Value => build.constant(data, shape, dtype);

/** No real model makes a tensor this large; the free number of samples counts once. */
const LARGEST_TENSOR = 2 ** 31;

/** @throws DataError for sizes that only a broken or hostile file declares */
function checked(node: NodeReader, shape: readonly number[]): readonly number[] {
  const size = sizeOf(shape.map((dim) => (dim > 0 && dim % SYMBOLIC_SIZE === 0 ? dim / SYMBOLIC_SIZE : dim)));
  if (shape.every((dim) => Number.isInteger(dim) && dim >= 0) && size <= LARGEST_TENSOR) return shape;
  throw new DataError(
    `importOnnx: ${node.where}: sizes must be whole numbers of at most ${LARGEST_TENSOR} elements together, but got [${shape.join(', ')}]. Export the model again.`,
    { node: node.where, shape: [...shape] },
  );
}

function reshape(node: NodeReader): Value {
  const x = node.input(0);
  const wanted = node.numbersOf('shape', 1) ?? [];
  const keepsZero = node.int('allowzero', 0) !== 0;
  return build.reshape(
    x,
    wanted.map((dim, axis) => (dim === 0 && !keepsZero ? x.shape[axis] : dim)),
  );
}

function flatten(node: NodeReader): Value {
  const x = node.input(0);
  const axis = node.int('axis', 1);
  const at = axis < 0 ? axis + x.shape.length : axis;
  return build.reshape(x, [sizeOf(x.shape.slice(0, at)), sizeOf(x.shape.slice(at))]);
}

function squeeze(node: NodeReader): Value {
  const x = node.input(0);
  const given = node.numbersOf('axes', 1);
  const axes = given && resolveAxes(given, x.shape.length, node.where);
  if (axes?.some((axis) => x.shape[axis] !== 1)) {
    throw node.fault(
      `squeezed axes must have size 1, but got [${x.shape.join(', ')}] and axes [${axes.join(', ')}]`,
    );
  }
  return build.reshape(x, x.shape.filter((dim, axis) => (axes === undefined ? dim !== 1 : !axes.includes(axis)))); // biome-ignore format: short
}

function unsqueeze(node: NodeReader): Value {
  const x = node.input(0);
  const given = node.numbersOf('axes', 1) ?? [];
  const rank = x.shape.length + given.length;
  const axes = resolveAxes(given, rank, node.where);
  const rest = [...x.shape];
  return build.reshape(
    x,
    Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!)),
  );
}

function split(node: NodeReader): readonly Value[] {
  const x = node.input(0);
  const axis = resolveAxis(node.int('axis', 0), x.shape.length, node.where);
  const size = x.shape[axis];
  const count = node.int('num_outputs', node.outputCount);
  const part = Math.ceil(size / count);
  const even = Array.from({ length: count }, (_, i) => Math.max(0, Math.min(part, size - i * part)));
  const sizes = node.numbersOf('split', 1) ?? even;
  return sizes.length === 1 ? [x] : build.split(x, sizes, axis);
}

function slice(node: NodeReader): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const starts = node.numbersOf('starts', 1) ?? [];
  const ends = node.numbersOf('ends', 2) ?? [];
  const axes = node.numbersOf('axes', 3) ?? starts.map((_, i) => i);
  const steps = node.numbers(4, 'steps') ?? starts.map(() => 1);
  const [from, to, by] = [x.shape.map(() => 0), [...x.shape], x.shape.map(() => 1)];
  axes.forEach((given, i) => {
    const axis = resolveAxis(given, rank, node.where);
    const dim = x.shape[axis];
    const backwards = steps[i] < 0;
    const place = (at: number) => (at < 0 ? at + dim : at);
    const clamp = (at: number, low: number, high: number) => Math.min(high, Math.max(low, at));
    from[axis] = clamp(place(starts[i]), 0, backwards ? dim - 1 : dim);
    to[axis] = clamp(place(ends[i]), backwards ? -1 : 0, backwards ? dim - 1 : dim);
    by[axis] = steps[i];
    if (!backwards) to[axis] = Math.max(from[axis], to[axis]);
  });
  return build.slice(x, from, to, by);
}

/** Elements along one axis by their positions, which are known. */
export function takeAxis(x: Value, axis: number, positions: readonly number[]): Value {
  return build.gather(x, int64(positions), axis);
}

/** Position in [0, size) that the padded position `at` shows. */
const paddedPositions: Readonly<Record<string, (at: number, size: number) => number>> = {
  edge: (at, size) => Math.min(size - 1, Math.max(0, at)),
  reflect: (at, size) => {
    const period = Math.max(1, 2 * (size - 1));
    const inside = ((at % period) + period) % period;
    return inside < size ? inside : period - inside;
  },
  wrap: (at, size) => ((at % size) + size) % size,
};

function pad(node: NodeReader): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const pads = node.ints('paddings') ?? node.numbersOf('pads', 1) ?? [];
  const axes =
    node.numbers(3, 'axes')?.map((axis) => resolveAxis(axis, rank, node.where)) ?? x.shape.map((_, i) => i);
  const [before, after] = [x.shape.map(() => 0), x.shape.map(() => 0)];
  axes.forEach((axis, i) => {
    before[axis] = pads[i];
    after[axis] = pads[i + axes.length];
  });
  checked(node, x.shape.map((dim, axis) => dim + before[axis] + after[axis])); // biome-ignore format: short
  const mode = node.string('mode', 'constant');
  if (mode !== 'constant') {
    const position = paddedPositions[mode];
    if (position === undefined)
      throw node.unsupported(`the mode must be constant, reflect, edge or wrap, but got ${mode}`);
    return x.shape.reduce((padded, dim, axis) => {
      if (before[axis] === 0 && after[axis] === 0) return padded;
      const count = dim + before[axis] + after[axis];
      return takeAxis(
        padded,
        axis,
        Array.from({ length: count }, (_, i) => position(i - before[axis], dim)),
      );
    }, x);
  }
  // Negative sizes cut.
  const cut = build.slice(
    x,
    before.map((count) => Math.max(0, -count)),
    x.shape.map((dim, axis) => dim - Math.max(0, -after[axis])),
  );
  const added = (counts: readonly number[]) => counts.map((count) => Math.max(0, count));
  return build.pad(cut, added(before), added(after), node.numberOf('value', 2) ?? 0);
}

function gather(node: NodeReader): Value {
  const [x, indices] = [node.input(0), node.input(1)];
  const axis = resolveAxis(node.int('axis', 0), x.shape.length, node.where);
  const dim = x.shape[axis];
  const known = constantNumbers(indices);
  if (known === undefined) {
    const wide = build.cast(indices, 'int64');
    return build.gather(x, build.where(build.less(wide, 0), build.add(wide, dim), wide), axis);
  }
  const positions = known.map((index) => (index < 0 ? index + dim : index));
  const outside = known.find((_, i) => positions[i] < 0 || positions[i] >= dim);
  if (outside !== undefined) throw node.fault(`indices must lie in [${-dim}, ${dim}), but got ${outside}`);
  if (indices.shape.length > 0) return build.gather(x, int64(positions, indices.shape), axis);
  // One position: a part and no lookup.
  const part = build.sliceAxis(x, axis, positions[0], positions[0] + 1);
  return build.reshape(part, x.shape.filter((_, each) => each !== axis)); // biome-ignore format: short
}

function expand(node: NodeReader): Value {
  const x = node.input(0);
  const wanted = node.numbers(1, 'shape') ?? [];
  return build.expand(x, checked(node, broadcastShapes([x.shape, wanted], node.where)));
}

/** Repeats along every axis: a new axis before each, expanded and joined with it. */
function tile(node: NodeReader): Value {
  const x = node.input(0);
  const repeats = node.numbers(1, 'repeats') ?? [];
  const shape = x.shape.map((dim, axis) => dim * repeats[axis]);
  checked(node, shape);
  const apart = build.reshape(x, x.shape.flatMap((dim) => [1, dim])); // biome-ignore format: short
  return build.reshape(
    build.expand(
      apart,
      x.shape.flatMap((dim, axis) => [repeats[axis], dim]),
    ),
    shape,
  );
}

function range(node: NodeReader): Value {
  const [[start], [limit], [delta]] = [0, 1, 2].map((i) => node.numbers(i, 'the range') ?? [0]);
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!(count <= 2 ** 24))
    throw node.fault(`a range must have at most ${2 ** 24} elements, but got ${count}`);
  const { dtype } = node.input(0);
  const numbers = Array.from({ length: count }, (_, i) => start + i * delta);
  return build.cast(
    dtype === 'int64' ? int64(numbers) : build.constant(Float64Array.from(numbers), [count], 'float64'),
    dtype,
  );
}

function shapeOf(node: NodeReader): Value {
  const { shape } = node.input(0);
  const start = node.int('start', 0);
  return int64(node.hasAttribute('end') ? shape.slice(start, node.int('end', 0)) : shape.slice(start));
}

function constant(node: NodeReader): Value {
  const tensor = node.tensor('value');
  if (tensor !== undefined) return hostConstant(tensor);
  if (node.hasAttribute('value_float')) return build.scalar(node.float('value_float', 0), 'float32');
  if (node.hasAttribute('value_int')) return int64([node.int('value_int', 0)], []);
  const floats = node.floats('value_floats');
  if (node.hasAttribute('value_floats') && floats !== undefined)
    return build.constant(Float32Array.from(floats), [floats.length], 'float32');
  if (node.hasAttribute('value_ints')) return int64(node.ints('value_ints') ?? []);
  throw node.unsupported('a constant must be a tensor, a number or a list of numbers, but got another kind');
}

function constantOfShape(node: NodeReader): Value {
  const shape = checked(node, node.numbers(0, 'the shape') ?? []);
  const value = node.tensor('value') ?? hostTensor('float32', Float32Array.of(0));
  return build.expand(build.reshape(hostConstant(value), []), shape);
}

/** Blocks of pixels and channels change places. */
function blocks(toDepth: boolean): ImportNode {
  return (node) => {
    const x = node.input(0);
    node.requireRank(x, [4]);
    const [n, c, h, w] = x.shape;
    const b = node.int('blocksize', 1);
    if (toDepth) {
      const apart = build.reshape(x, [n, c, h / b, b, w / b, b]);
      return build.reshape(build.transpose(apart, [0, 3, 5, 1, 2, 4]), [n, c * b * b, h / b, w / b]);
    }
    const isRowMajor = node.string('mode', 'DCR') === 'CRD';
    const apart = build.reshape(x, isRowMajor ? [n, c / b / b, b, b, h, w] : [n, b, b, c / b / b, h, w]);
    const order = isRowMajor ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
    return build.reshape(build.transpose(apart, order), [n, c / b / b, h * b, w * b]);
  };
}

/** Operators that move elements, and those that compute with shapes. */
export const structureImports: ImportTable = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: (node) => build.transpose(node.input(0), node.ints('perm')),
  Concat: (node) => build.concat(node.inputs(), node.int('axis', 1)),
  Split: split,
  Slice: slice,
  Pad: pad,
  Gather: gather,
  GatherElements: (node) => build.gatherElements(node.input(0), node.input(1), node.int('axis', 0)),
  Expand: expand,
  Tile: tile,
  Range: range,
  Shape: shapeOf,
  Size: (node) => int64([sizeOf(node.input(0).shape)], []),
  Constant: constant,
  ConstantOfShape: constantOfShape,
  DepthToSpace: blocks(false),
  SpaceToDepth: blocks(true),
};
