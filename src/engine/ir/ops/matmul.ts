import { type Shape, ShapeError, sizeOf } from '#core';
import type { OpAttributes } from '../op-attributes.ts';
import type { OpTable, ReferenceTensor } from '../op-rule.ts';
import {
  broadcastShapes,
  broadcastStrides,
  commonDType,
  formatShape,
  isFloat,
  requireDType,
} from '../shapes.ts';

const swapLast = (shape: Shape): Shape => [
  ...shape.slice(0, -2),
  shape[shape.length - 1],
  shape[shape.length - 2],
];

interface Operand {
  readonly data: Float64Array;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Adds a[M, P] · b[P, N] at an offset of each array. */
function multiply(
  a: Operand,
  b: Operand,
  result: Float64Array,
  sizes: { readonly m: number; readonly n: number; readonly p: number },
  offsets: readonly [number, number, number],
): void {
  const { m, n, p } = sizes;
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < p; k++) {
      const factor = a.data[offsets[0] + i * a.rowStride + k * a.columnStride];
      const row = offsets[1] + k * b.rowStride;
      for (let j = 0; j < n; j++) result[offsets[2] + i * n + j] += factor * b.data[row + j * b.columnStride];
    }
  }
}

function asOperand({ data, shape }: ReferenceTensor, transposed: boolean): Operand {
  const width = shape[shape.length - 1];
  return transposed
    ? { data, rowStride: 1, columnStride: width }
    : { data, rowStride: width, columnStride: 1 };
}

/** Offsets of the matrices of `shape` for every batch element of the broadcast `batch`. */
function batchOffsets(shape: Shape, batch: Shape): number[] {
  const matrix = shape[shape.length - 1] * shape[shape.length - 2];
  const strides = broadcastStrides(shape.slice(0, -2), batch);
  return Array.from({ length: sizeOf(batch) }, (_, index) => {
    let rest = index;
    let offset = 0;
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      offset += (rest % batch[axis]) * strides[axis];
      rest = Math.floor(rest / batch[axis]);
    }
    return offset * matrix;
  });
}

/** The product by its definition, batches included. */
export function matrixProduct(
  a: ReferenceTensor,
  b: ReferenceTensor,
  { transposeA, transposeB }: OpAttributes['matmul'],
  shape: Shape,
): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  const [m, n] = shape.slice(-2);
  const p = transposeA ? a.shape[a.shape.length - 2] : a.shape[a.shape.length - 1];
  const batch = shape.slice(0, -2);
  const [left, right] = [batchOffsets(a.shape, batch), batchOffsets(b.shape, batch)];
  const operands = [asOperand(a, transposeA), asOperand(b, transposeB)] as const;
  for (let i = 0; i < left.length; i++) {
    multiply(...operands, result, { m, n, p }, [left[i], right[i], i * m * n]);
  }
  return result;
}

/** Matrix product over the last two axes; leading axes are batches that broadcast. */
export const matmulRules: Pick<OpTable, 'matmul'> = {
  matmul: {
    infer: ([a, b], { transposeA, transposeB }, where) => {
      const dtype = commonDType([a, b], where);
      requireDType([a, b], isFloat, 'floating point numbers', where);
      const left = transposeA ? swapLast(a.shape) : a.shape;
      const right = transposeB ? swapLast(b.shape) : b.shape;
      if (a.shape.length < 2 || b.shape.length < 2 || left[left.length - 1] !== right[right.length - 2]) {
        const note = `${transposeA ? ' with the first transposed' : ''}${transposeB ? ' with the second transposed' : ''}`;
        throw new ShapeError(
          `${where}: columns of the first must equal rows of the second, but got ${formatShape(a.shape)} and ${formatShape(b.shape)}${note}. Transpose or reshape one of them.`,
          { a: [...a.shape], b: [...b.shape], transposeA, transposeB },
        );
      }
      const batch = broadcastShapes([left.slice(0, -2), right.slice(0, -2)], where);
      return [{ dtype, shape: [...batch, left[left.length - 2], right[right.length - 1]] }];
    },
    // Y = A·B: dA = dY·Bᵀ, dB = Aᵀ·dY; a transposed operand gets the transposed product.
    gradient: ({ build, node, inputs: [a, b], gradients: [dy], needs }) => {
      if (dy === undefined) return [undefined, undefined];
      const { transposeA, transposeB } = node.attributes;
      const da = () =>
        transposeA
          ? build.matmul(b, dy, { transposeA: transposeB, transposeB: true })
          : build.matmul(dy, b, { transposeB: !transposeB });
      const db = () =>
        transposeB
          ? build.matmul(dy, a, { transposeA: true, transposeB: transposeA })
          : build.matmul(a, dy, { transposeA: !transposeA });
      return [needs[0] ? da() : undefined, needs[1] ? db() : undefined];
    },
    reference: ([a, b], attributes, [{ shape }]) => [matrixProduct(a, b, attributes, shape)],
    lowerings: [
      {
        name: 'MatMul',
        applies: ({ attributes }) => !attributes.transposeA && !attributes.transposeB,
        emit: (e, { inputs }) => [e.node('MatMul', inputs.map(e.plain, e))],
      },
      {
        name: 'Gemm',
        applies: ({ inputs }) => inputs.every(({ shape }) => shape.length === 2),
        emit: (e, { inputs, attributes: { transposeA, transposeB } }) => [
          e.node('Gemm', inputs.map(e.plain, e), {
            attributes: { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } },
          }),
        ],
      },
      {
        name: 'FusedMatMul',
        applies: (_, target) => target.device === 'cpu' && target.portable !== true,
        emit: (e, { inputs, attributes: { transposeA, transposeB } }) => [
          e.node('FusedMatMul', inputs.map(e.plain, e), {
            domain: 'com.microsoft',
            attributes: { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } },
          }),
        ],
      },
      {
        name: 'Transpose, MatMul',
        emit: (e, { inputs, attributes: { transposeA, transposeB } }) => {
          const flags = [transposeA, transposeB];
          const operands = inputs.map((input, i) => {
            if (!flags[i]) return e.plain(input);
            const axes = input.shape.map((_, axis) => axis);
            return e.node('Transpose', [e.plain(input)], { attributes: { perm: { ints: swapLast(axes) } } });
          });
          return [e.node('MatMul', operands)];
        },
      },
    ],
  },
};
