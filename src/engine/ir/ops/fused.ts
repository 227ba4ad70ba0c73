import { ShapeError } from '#core';
import type { OpAttributes } from '../op-attributes.ts';
import type { OpTable, Target } from '../op-rule.ts';
import { commonDType, formatShape, sameShape } from '../shapes.ts';
import type { GraphNode, TensorType } from '../value.ts';
import { hasBlocks } from './blocked-layout.ts';
import { blockedAffine, channelRules, plainAffine } from './channels.ts';
import { matmulRules, matrixProduct } from './matmul.ts';

function requireSame(a: TensorType, b: TensorType, where: string): void {
  if (sameShape(a.shape, b.shape)) return;
  throw new ShapeError(
    `${where}: operands must have one shape, but got ${formatShape(a.shape)} and ${formatShape(b.shape)}. Reshape one.`,
    { shapes: [[...a.shape], [...b.shape]] },
  );
}

const gemmAttributes = ({ transposeA, transposeB, beta }: OpAttributes['gemm']) => ({
  transA: { int: Number(transposeA) },
  transB: { int: Number(transposeB) },
  beta: { float: beta },
});

/** Operations that passes put together from simpler ones, because they save passes over memory. */
export const fusedRules: Pick<OpTable, 'gemm' | 'affineSum'> = {
  gemm: {
    infer: ([a, b, c], attributes, where) => {
      const [product] = matmulRules.matmul.infer([a, b], attributes, where);
      commonDType([product, c], where);
      if (String(c.shape) !== String(product.shape.slice(1))) requireSame(product, c, where);
      return [product];
    },
    gradient: ({ build, node, inputs: [a, b], outputs: [y], gradients: [given], needs }) => {
      if (given === undefined) return [undefined, undefined, undefined];
      const { transposeA, transposeB, beta, relu } = node.attributes;
      const zero = build.scalar(0, y.dtype);
      const dy = relu ? build.where(build.greater(y, zero), given, zero) : given;
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
      matrixProduct(a, b, attributes, shape).map((value, i) => {
        const total = value + attributes.beta * c.data[i % c.data.length];
        return attributes.relu ? Math.max(0, total) : total;
      }),
    ],
    lowerings: [
      {
        name: 'Gemm',
        emit: (e, { inputs, attributes }) => {
          const sum = e.node('Gemm', inputs.map(e.plain, e), { attributes: gemmAttributes(attributes) });
          return [attributes.relu ? e.node('Relu', [sum]) : sum];
        },
      },
      {
        name: 'FusedGemm',
        applies: ({ attributes, inputs: [a] }, target) =>
          attributes.relu && target.device === 'cpu' && target.portable !== true && a.dtype === 'float32',
        cost: () => -1,
        emit: (e, { inputs, attributes }) => [
          e.node('FusedGemm', inputs.map(e.plain, e), {
            domain: 'com.microsoft',
            attributes: { ...gemmAttributes(attributes), activation: { string: 'Relu' } },
          }),
        ],
      },
    ],
  },
  affineSum: {
    infer: ([x, scale, shift, addend], _, where) => {
      const [result] = channelRules.channelAffine.infer([x, scale, shift], { perSample: false }, where);
      if (addend !== undefined) {
        commonDType([x, addend], where);
        requireSame(x, addend, where);
      }
      return [result];
    },
    gradient: ({ build, node, inputs: [x, scale], outputs: [y], gradients: [dy], needs }) => {
      if (dy === undefined) return [undefined, undefined, undefined, undefined];
      const zero = build.scalar(0, y.dtype);
      const passed = node.attributes.relu ? build.where(build.greater(y, zero), dy, zero) : dy;
      return [
        needs[0] ? build.channelAffine(passed, scale) : undefined,
        needs[1] ? build.channelDot(passed, x) : undefined,
        needs[2] ? build.channelSum(passed) : undefined,
        needs[3] ? passed : undefined,
      ];
    },
    reference: ([x, scale, shift, addend], { relu }, outputs) => {
      const [scaled] = channelRules.channelAffine.reference([x, scale, shift], { perSample: false }, outputs);
      return [
        scaled.map((value, i) => {
          const total = value + (addend?.data[i] ?? 0);
          return relu ? Math.max(0, total) : total;
        }),
      ];
    },
    lowerings: [
      {
        name: 'Mul, Add, Relu',
        emit: (e, node) => {
          const { inputs: [, , , addend], attributes: { relu } } = node; // biome-ignore format: one line
          const [scaled] = plainAffine.emit(e, affineOf(node)) as readonly string[];
          const total = addend === undefined ? scaled : e.node('Add', [scaled, e.plain(addend)]);
          return [relu ? e.node('Relu', [total]) : total];
        },
      },
      {
        name: 'blocked',
        applies: ({ inputs: [x] }, target) => isBlockedImage(x, target),
        cost: () => -1,
        emit: (e, { inputs: [x, scale, shift, addend], attributes: { relu } }) => [
          { blocked: blockedAffine(e, x, [scale, shift], { addend, relu }) },
        ],
      },
    ],
  },
};

/** The node's scaling alone, for the lowering that both share. */
function affineOf(node: GraphNode<'affineSum'>): GraphNode<'channelAffine'> {
  return { ...node, op: 'channelAffine', inputs: node.inputs.slice(0, 3), attributes: { perSample: false } };
}

const isBlockedImage = ({ shape, dtype }: TensorType, target: Target): boolean =>
  hasBlocks(target) && shape.length === 4 && dtype === 'float32' && shape[1] >= target.blockSize;
