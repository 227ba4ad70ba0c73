import { ShapeError } from '#core';
import type { OpTable } from '../op-rule.ts';
import { commonDType, formatShape, sameShape } from '../shapes.ts';
import type { TensorType } from '../value.ts';
import { matmulRules, matrixProduct } from './matmul.ts';

function requireSame(a: TensorType, b: TensorType, where: string): void {
  if (sameShape(a.shape, b.shape)) return;
  throw new ShapeError(
    `${where}: operands must have one shape, but got ${formatShape(a.shape)} and ${formatShape(b.shape)}. Reshape one.`,
    { shapes: [[...a.shape], [...b.shape]] },
  );
}

/** Operations that passes put together from simpler ones, because they save passes over memory. */
export const fusedRules: Pick<OpTable, 'gemm'> = {
  gemm: {
    infer: ([a, b, c], attributes, where) => {
      const [product] = matmulRules.matmul.infer([a, b], attributes, where);
      commonDType([product, c], where);
      if (String(c.shape) !== String(product.shape.slice(1))) requireSame(product, c, where);
      return [product];
    },
    gradient: ({ build, node, inputs: [a, b], gradients: [dy], needs }) => {
      if (dy === undefined) return [undefined, undefined, undefined];
      const { transposeA, transposeB, beta } = node.attributes;
      const da = () =>
        transposeA
          ? build.matmul(b, dy, { transposeA: transposeB, transposeB: true })
          : build.matmul(dy, b, { transposeB: !transposeB });
      const db = () =>
        transposeB
          ? build.matmul(dy, a, { transposeA: true, transposeB: transposeA })
          : build.matmul(a, dy, { transposeA: !transposeA });
      return [
        needs[0] ? da() : undefined,
        needs[1] ? db() : undefined,
        needs[2] ? build.mul(dy, beta) : undefined,
      ];
    },
    reference: ([a, b, c], attributes, [{ shape }]) => [
      matrixProduct(a, b, attributes, shape).map(
        (value, i) => value + attributes.beta * c.data[i % c.data.length],
      ),
    ],
    lowerings: [
      {
        name: 'Gemm',
        emit: (e, { inputs, attributes: { transposeA, transposeB, beta } }) => [
          e.node('Gemm', inputs.map(e.plain, e), {
            attributes: {
              transA: { int: Number(transposeA) },
              transB: { int: Number(transposeB) },
              beta: { float: beta },
            },
          }),
        ],
      },
    ],
  },
};
