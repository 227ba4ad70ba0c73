import { ShapeError, sizeOf } from '#core';
import type { Lowering, OpTable } from '../op-rule.ts';
import { commonDType, formatShape, isFloat, requireDType, sameShape } from '../shapes.ts';
import type { TensorType } from '../value.ts';
import { blockedConv, hasBlocks } from './blocked-layout.ts';
import { matmulRules, matrixProduct } from './matmul.ts';

function requireSame(a: TensorType, b: TensorType, where: string): void {
  if (sameShape(a.shape, b.shape)) return;
  throw new ShapeError(
    `${where}: operands must have one shape, but got ${formatShape(a.shape)} and ${formatShape(b.shape)}. Reshape one.`,
    { shapes: [[...a.shape], [...b.shape]] },
  );
}

/** Fewer elements are not worth another layout. */
const MANY = 16_384;

/** Rows of channels that the elements are seen as; each thread gets whole blocks. */
function channelsFor(size: number, blockSize: number): number {
  for (let channels = blockSize * 16; channels >= blockSize; channels -= blockSize) {
    if (size % channels === 0) return channels;
  }
  return 0;
}

const inOnePass: Lowering<'addScaled'> = {
  name: 'blocked',
  applies: ({ inputs: [x] }, target) =>
    hasBlocks(target) &&
    x.dtype === 'float32' &&
    sizeOf(x.shape) >= MANY &&
    channelsFor(sizeOf(x.shape), target.blockSize) > 0,
  cost: () => 0,
  // A depthwise convolution with kernel 1×1 multiplies and adds in one pass; the layout does not matter here.
  emit: (e, { inputs: [x, z, factor], attributes: { sign } }) => {
    const channels = channelsFor(sizeOf(x.shape), e.target.blockSize);
    const image = (name: string) => e.reshape(name, [1, channels, 1, sizeOf(x.shape) / channels]);
    const signed = sign === 1 ? e.plain(factor) : e.node('Neg', [e.plain(factor)]);
    const filter = e.node('Expand', [signed, e.int64([channels, 1, 1, 1])]);
    const inputs = [image(e.plain(z)), filter, '', image(e.plain(x))];
    return [e.reshape(blockedConv(e, inputs, { groups: channels, kernel: [1, 1] }), x.shape)];
  },
};

/** Operations that passes put together from simpler ones, because they save passes over memory. */
export const fusedRules: Pick<OpTable, 'gemm' | 'addScaled'> = {
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
  addScaled: {
    infer: ([x, z, factor], _, where) => {
      const dtype = commonDType([x, z, factor], where);
      requireDType([x], isFloat, 'floating point numbers', where);
      requireSame(x, z, where);
      if (factor.shape.length > 0) requireSame({ dtype, shape: [] }, factor, where);
      return [x];
    },
    gradient: ({ build, node, inputs: [, z, factor], gradients: [dy], needs }) => {
      if (dy === undefined) return [undefined, undefined, undefined];
      const signed = (value: typeof dy) => (node.attributes.sign === 1 ? value : build.neg(value));
      return [
        dy,
        needs[1] ? signed(build.mul(dy, factor)) : undefined,
        needs[2] ? signed(build.mul(dy, z)) : undefined,
      ];
    },
    reference: ([x, z, factor], { sign }) => [
      x.data.map((value, i) => value + sign * z.data[i] * factor.data[0]),
    ],
    lowerings: [
      {
        name: 'Mul, Add',
        cost: () => 1,
        emit: (e, { inputs: [x, z, factor], attributes: { sign } }) => {
          const scaled = e.node('Mul', [e.plain(z), e.plain(factor)]);
          return [e.node(sign === 1 ? 'Add' : 'Sub', [e.plain(x), scaled])];
        },
      },
      inOnePass,
    ],
  },
};
