import { DataError, DTypeError, type Shape, ShapeError, sizeOf, stridesOf } from '#core';
import type { OpTable, ReferenceTensor } from '../op-rule.ts';
import { formatShape, formatType, sameShape } from '../shapes.ts';
import type { TensorType } from '../value.ts';

function requireIndices(indices: TensorType, where: string): void {
  if (indices.dtype === 'int64' || indices.dtype === 'int32') return;
  throw new DTypeError(
    `${where}: indices must be int64 or int32, but got ${formatType(indices)}. Cast them to int64.`,
    { dtype: indices.dtype },
  );
}

function checkIndex(index: number, size: number): number {
  if (Number.isInteger(index) && index >= 0 && index < size) return index;
  throw new DataError(`gather: indices must lie in [0, ${size}), but got ${index}. Check the labels.`, {
    index,
    size,
  });
}

/** Calls `visit` with the position in a `[outer, size, inner]` tensor and in the one with indices in its middle. */
function visitGathered(
  shape: Shape,
  axis: number,
  indices: ReferenceTensor,
  visit: (whole: number, part: number) => void,
): void {
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  const count = indices.data.length;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const from = (o * shape[axis] + checkIndex(indices.data[i], shape[axis])) * inner;
      for (let k = 0; k < inner; k++) visit(from + k, (o * count + i) * inner + k);
    }
  }
}

/** The same where every element has an index of its own. */
function visitElements(
  shape: Shape,
  axis: number,
  indices: ReferenceTensor,
  visit: (whole: number, part: number) => void,
): void {
  const strides = stridesOf(shape);
  const own = stridesOf(indices.shape);
  for (let i = 0; i < indices.data.length; i++) {
    let whole = 0;
    for (let each = 0; each < shape.length; each++) {
      const position = Math.floor(i / own[each]) % indices.shape[each];
      whole += strides[each] * (each === axis ? checkIndex(indices.data[i], shape[axis]) : position);
    }
    visit(whole, i);
  }
}

const gatheredShape = (shape: Shape, indices: Shape, axis: number): Shape => [
  ...shape.slice(0, axis),
  ...indices,
  ...shape.slice(axis + 1),
];

function requireSameRank(x: Shape, indices: Shape, where: string): void {
  if (x.length === indices.length && indices.length > 0) return;
  throw new ShapeError(
    `${where}: indices must have as many axes as the tensor, but got ${formatShape(x)} and ${formatShape(indices)}. Unsqueeze them.`,
    { shape: [...x], indices: [...indices] },
  );
}

function requireShape(got: Shape, expected: Shape, where: string): void {
  if (sameShape(got, expected)) return;
  throw new ShapeError(
    `${where}: updates must be ${formatShape(expected)}, but got ${formatShape(got)}. Reshape them.`,
    { expected: [...expected], got: [...got] },
  );
}

/** Selecting by index, and adding up at indices: each is the other's gradient. */
export const indexingRules: Pick<
  OpTable,
  'gather' | 'scatterAdd' | 'gatherElements' | 'scatterElementsAdd' | 'oneHot'
> = {
  gather: {
    infer: ([x, indices], { axis }, where) => {
      requireIndices(indices, where);
      return [{ dtype: x.dtype, shape: gatheredShape(x.shape, indices.shape, axis) }];
    },
    gradient: ({ build, node, inputs: [x, indices], gradients: [dy] }) => [
      dy && build.scatterAdd(dy, indices, node.attributes.axis, x.shape),
      undefined,
    ],
    reference: ([x, indices], { axis }, [{ shape }]) => {
      const result = new Float64Array(sizeOf(shape));
      visitGathered(x.shape, axis, indices, (whole, part) => {
        result[part] = x.data[whole];
      });
      return [result];
    },
    lowerings: [
      {
        name: 'Gather',
        emit: (e, { inputs, attributes }) => [
          e.node('Gather', inputs.map(e.plain, e), { attributes: { axis: { int: attributes.axis } } }),
        ],
      },
    ],
  },
  scatterAdd: {
    infer: ([updates, indices], { axis, shape }, where) => {
      requireIndices(indices, where);
      requireShape(updates.shape, gatheredShape(shape, indices.shape, axis), where);
      return [{ dtype: updates.dtype, shape }];
    },
    gradient: ({ build, node, inputs: [, indices], gradients: [g] }) => [
      g && build.gather(g, indices, node.attributes.axis),
      undefined,
    ],
    reference: ([updates, indices], { axis, shape }) => {
      const result = new Float64Array(sizeOf(shape));
      visitGathered(shape, axis, indices, (whole, part) => {
        result[whole] += updates.data[part];
      });
      return [result];
    },
    lowerings: [
      {
        name: 'ScatterND',
        emit: (e, { inputs: [updates, indices], attributes: { axis, shape } }) => {
          const rank = indices.shape.length;
          const count = sizeOf(indices.shape);
          // The indexed axis comes first, so that each index addresses a whole slice.
          const order = [axis, ...shape.map((_, each) => each).filter((each) => each !== axis)];
          const target = order.map((each) => shape[each]);
          const axes = updates.shape.map((_, each) => each);
          const moved = [
            ...axes.slice(axis, axis + rank),
            ...axes.slice(0, axis),
            ...axes.slice(axis + rank),
          ];
          const rows = e.reshape(
            e.node('Transpose', [e.plain(updates)], { attributes: { perm: { ints: moved } } }),
            [count, ...target.slice(1)],
          );
          const zeros = e.node('Expand', [e.scalar(0, updates.dtype), e.int64(target)]);
          const at = e.reshape(e.cast(e.plain(indices), 'int64'), [count, 1]);
          const total = e.node('ScatterND', [zeros, at, rows], {
            attributes: { reduction: { string: 'add' } },
          });
          const back = shape.map((_, each) => order.indexOf(each));
          return [e.node('Transpose', [total], { attributes: { perm: { ints: back } } })];
        },
      },
    ],
  },
  gatherElements: {
    infer: ([x, indices], { axis }, where) => {
      requireIndices(indices, where);
      requireSameRank(x.shape, indices.shape, where);
      const fits = indices.shape.every((dim, each) => each === axis || dim <= x.shape[each]);
      if (!fits) requireShape(indices.shape, x.shape, where);
      return [{ dtype: x.dtype, shape: indices.shape }];
    },
    gradient: ({ build, node, inputs: [x, indices], gradients: [dy] }) => [
      dy && build.scatterElementsAdd(dy, indices, node.attributes.axis, x.shape),
      undefined,
    ],
    reference: ([x, indices], { axis }) => {
      const result = new Float64Array(indices.data.length);
      visitElements(x.shape, axis, indices, (whole, part) => {
        result[part] = x.data[whole];
      });
      return [result];
    },
    lowerings: [
      {
        name: 'GatherElements',
        emit: (e, { inputs, attributes }) => [
          e.node('GatherElements', inputs.map(e.plain, e), {
            attributes: { axis: { int: attributes.axis } },
          }),
        ],
      },
    ],
  },
  scatterElementsAdd: {
    infer: ([updates, indices], { shape }, where) => {
      requireIndices(indices, where);
      requireSameRank(shape, indices.shape, where);
      requireShape(updates.shape, indices.shape, where);
      return [{ dtype: updates.dtype, shape }];
    },
    gradient: ({ build, node, inputs: [, indices], gradients: [g] }) => [
      g && build.gatherElements(g, indices, node.attributes.axis),
      undefined,
    ],
    reference: ([updates, indices], { axis, shape }) => {
      const result = new Float64Array(sizeOf(shape));
      visitElements(shape, axis, indices, (whole, part) => {
        result[whole] += updates.data[part];
      });
      return [result];
    },
    lowerings: [
      {
        name: 'ScatterElements',
        emit: (e, { inputs: [updates, indices], attributes: { axis, shape } }) => {
          const zeros = e.node('Expand', [e.scalar(0, updates.dtype), e.int64(shape)]);
          return [
            e.node('ScatterElements', [zeros, e.plain(indices), e.plain(updates)], {
              attributes: { axis: { int: axis }, reduction: { string: 'add' } },
            }),
          ];
        },
      },
    ],
  },
  oneHot: {
    infer: ([indices], { depth }, where) => {
      requireIndices(indices, where);
      return [{ dtype: 'float32', shape: [...indices.shape, depth] }];
    },
    gradient: 'none',
    reference: ([indices], { depth }, [{ shape }]) => {
      const result = new Float64Array(sizeOf(shape));
      indices.data.forEach((index, i) => {
        if (index >= 0 && index < depth) result[i * depth + index] = 1;
      });
      return [result];
    },
    lowerings: [
      {
        name: 'Equal, Cast',
        emit: (e, { inputs: [indices], attributes: { depth } }) => {
          const classes = BigInt64Array.from({ length: depth }, (_, i) => BigInt(i));
          const column = e.reshape(e.cast(e.plain(indices), 'int64'), [...indices.shape, 1]);
          return [e.cast(e.node('Equal', [column, e.constant(classes, [depth], 'int64')]), 'float32')];
        },
      },
    ],
  },
};
