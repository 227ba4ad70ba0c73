import { sizeOf } from '#core';
import type { OpTable, ReferenceTensor } from '../op-rule.ts';
import { isFloat, requireDType } from '../shapes.ts';

/**
 * Calls `visit` for every row along `axis` with a reader and a writer of its elements.
 */
function mapRows(
  x: ReferenceTensor,
  axis: number,
  map: (row: Float64Array) => ArrayLike<number>,
): Float64Array {
  const length = x.shape[axis];
  const inner = sizeOf(x.shape.slice(axis + 1));
  const result = new Float64Array(x.data.length);
  const row = new Float64Array(length);
  for (let outer = 0; outer < sizeOf(x.shape.slice(0, axis)); outer++) {
    for (let k = 0; k < inner; k++) {
      const start = outer * length * inner + k;
      for (let i = 0; i < length; i++) row[i] = x.data[start + i * inner];
      const mapped = map(row);
      for (let i = 0; i < length; i++) result[start + i * inner] = mapped[i];
    }
  }
  return result;
}

function logSumExp(row: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of row) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of row) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}

const inferSame: OpTable['softmax']['infer'] = ([x], _, where) => {
  requireDType([x], isFloat, 'floating point numbers', where);
  return [x];
};

/** Softmax and its logarithm along one axis. */
export const softmaxRules: Pick<OpTable, 'softmax' | 'logSoftmax'> = {
  // dx = y·(dy − Σ dy·y)
  softmax: {
    infer: inferSame,
    gradient: ({ build, node, outputs: [y], gradients: [dy] }) => {
      if (dy === undefined) return [undefined];
      const inner = build.sum(build.mul(dy, y), [node.attributes.axis], true);
      return [build.mul(y, build.sub(dy, inner))];
    },
    reference: ([x], { axis }) => [
      mapRows(x, axis, (row) => {
        const total = logSumExp(row);
        return row.map((value) => Math.exp(value - total));
      }),
    ],
    lowerings: [
      {
        name: 'Softmax',
        emit: (e, { inputs: [x], attributes }) => [
          e.node('Softmax', [e.plain(x)], { attributes: { axis: { int: attributes.axis } } }),
        ],
      },
    ],
  },
  // dx = dy − softmax(x)·Σ dy
  logSoftmax: {
    infer: inferSame,
    gradient: ({ build, node, outputs: [y], gradients: [dy] }) => {
      if (dy === undefined) return [undefined];
      return [build.sub(dy, build.mul(build.exp(y), build.sum(dy, [node.attributes.axis], true)))];
    },
    reference: ([x], { axis }) => [
      mapRows(x, axis, (row) => {
        const total = logSumExp(row);
        return row.map((value) => value - total);
      }),
    ],
    lowerings: [
      {
        name: 'LogSoftmax',
        emit: (e, { inputs: [x], attributes }) => [
          e.node('LogSoftmax', [e.plain(x)], { attributes: { axis: { int: attributes.axis } } }),
        ],
      },
    ],
  },
};
