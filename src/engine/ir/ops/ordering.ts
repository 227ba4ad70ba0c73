import { ShapeError, sizeOf } from '#core';
import type { OpTable, ReferenceTensor } from '../op-rule.ts';
import { formatShape, reducedShape, requireDType } from '../shapes.ts';

/** Calls `visit` with the elements of every row along an axis, and the position and distance of its results. */
function visitRows(
  x: ReferenceTensor,
  axis: number,
  visit: (row: Float64Array, outer: number, inner: number, innerSize: number) => void,
): void {
  const length = x.shape[axis];
  const innerSize = sizeOf(x.shape.slice(axis + 1));
  const row = new Float64Array(length);
  for (let outer = 0; outer < sizeOf(x.shape.slice(0, axis)); outer++) {
    for (let inner = 0; inner < innerSize; inner++) {
      for (let i = 0; i < length; i++) row[i] = x.data[(outer * length + i) * innerSize + inner];
      visit(row, outer, inner, innerSize);
    }
  }
}

/** Positions of a row's elements, best first; equal ones in their order. */
function rank(row: Float64Array, largest: boolean): number[] {
  const sign = largest ? -1 : 1;
  return Array.from(row.keys()).sort((a, b) => sign * (row[a] - row[b]) || a - b);
}

/** Ops that depend on the order of elements along an axis. */
export const orderingRules: Pick<OpTable, 'argMax' | 'topK' | 'cumSum'> = {
  argMax: {
    infer: ([x], { axis, keepDims }, where) => {
      requireDType([x], (dtype) => dtype !== 'bool', 'numbers', where);
      return [{ dtype: 'int64', shape: reducedShape(x.shape, [axis], keepDims) }];
    },
    gradient: 'none',
    reference: ([x], { axis }, [{ shape }]) => {
      const result = new Float64Array(sizeOf(shape));
      visitRows(x, axis, (row, outer, inner, innerSize) => {
        result[outer * innerSize + inner] = row.indexOf(row.reduce((a, b) => Math.max(a, b)));
      });
      return [result];
    },
    lowerings: [
      {
        name: 'ArgMax',
        emit: (e, { inputs: [x], attributes: { axis, keepDims } }) => [
          e.node('ArgMax', [e.plain(x)], {
            attributes: { axis: { int: axis }, keepdims: { int: Number(keepDims) } },
          }),
        ],
      },
    ],
  },
  topK: {
    infer: ([x], { axis, k }, where) => {
      requireDType([x], (dtype) => dtype !== 'bool', 'numbers', where);
      if (!Number.isInteger(k) || k < 1 || k > x.shape[axis]) {
        throw new ShapeError(
          `${where}: k must lie in [1, ${x.shape[axis]}], but got ${k} for axis ${axis} of ${formatShape(x.shape)}. Choose a smaller k.`,
          { shape: [...x.shape], axis, k },
        );
      }
      const shape = x.shape.map((dim, each) => (each === axis ? k : dim));
      return [
        { dtype: x.dtype, shape },
        { dtype: 'int64', shape },
      ];
    },
    gradient: ({ build, node, inputs: [x], outputs: [, indices], gradients: [dy] }) => [
      dy && build.scatterElementsAdd(dy, indices, node.attributes.axis, x.shape),
    ],
    reference: ([x], { axis, k, largest }, [{ shape }]) => {
      const values = new Float64Array(sizeOf(shape));
      const indices = new Float64Array(sizeOf(shape));
      visitRows(x, axis, (row, outer, inner, innerSize) => {
        rank(row, largest)
          .slice(0, k)
          .forEach((at, i) => {
            const target = (outer * k + i) * innerSize + inner;
            values[target] = row[at];
            indices[target] = at;
          });
      });
      return [values, indices];
    },
    lowerings: [
      {
        name: 'TopK',
        emit: (e, { inputs: [x], attributes: { axis, k, largest } }) =>
          e.nodes('TopK', [e.plain(x), e.int64([k])], {
            attributes: { axis: { int: axis }, largest: { int: Number(largest) }, sorted: { int: 1 } },
            outputs: 2,
          }),
      },
    ],
  },
  // The gradient of a running sum is the running sum from the other end.
  cumSum: {
    infer: ([x], _, where) => {
      requireDType([x], (dtype) => dtype !== 'bool' && dtype !== 'uint8', 'numbers', where);
      return [x];
    },
    gradient: ({ build, node, gradients: [dy] }) => {
      const { axis, exclusive, reverse } = node.attributes;
      return [dy && build.cumSum(dy, axis, { exclusive, reverse: !reverse })];
    },
    reference: ([x], { axis, exclusive, reverse }) => {
      const result = new Float64Array(x.data.length);
      const length = x.shape[axis];
      visitRows(x, axis, (row, outer, inner, innerSize) => {
        let total = 0;
        for (let i = 0; i < length; i++) {
          const at = reverse ? length - 1 - i : i;
          const before = total;
          total += row[at];
          result[(outer * length + at) * innerSize + inner] = exclusive ? before : total;
        }
      });
      return [result];
    },
    lowerings: [
      {
        name: 'CumSum',
        emit: (e, { inputs: [x], attributes: { axis, exclusive, reverse } }) => [
          e.node('CumSum', [e.plain(x), e.int64(axis)], {
            attributes: { exclusive: { int: Number(exclusive) }, reverse: { int: Number(reverse) } },
          }),
        ],
      },
    ],
  },
};
