import { sizeOf } from '#core';
import * as build from '../build.ts';
import { createNode } from '../create-node.ts';
import type { OpAttributes, OpName } from '../op-attributes.ts';
import { sameShape } from '../shapes.ts';
import { countUses, isRelu, sortNodes, type Value } from '../value.ts';
import { rewrite } from './rewrite.ts';

/** Linear in both operands. */
const productOps: ReadonlySet<OpName> = new Set<OpName>(['matmul', 'conv2dWeight']);

/**
 * Puts operations together that take fewer passes over memory as one, or other, operations:
 * - a linear layer, a·b + c for a row c, becomes one `gemm`, where nothing else reads the product, with ReLU behind it;
 * - scale and shift of an image's channels, a sum with another image and ReLU become one `affineSum`;
 * - in a squeeze-and-excitation's gradient, a sum spread over all pixels becomes the shift of the scaling it is
 *   added to;
 * - x − y + 1 of images, which is in the gradient of SiLU, becomes one pass;
 * - a matrix product or a weight gradient times a number takes the number at its smaller operand;
 * - the gradient of ReLU, a choice between dy and 0, becomes dy·sign(y), in a third of the time. Elsewhere a choice
 *   must hide infinities, which a product with zero does not.
 *
 * Updates are not fused: with a beta, `Gemm` copies and scales the addend first, and a scaled addition as a depthwise
 * convolution needs a copy at its end; both take longer than two element-wise passes.
 */
export function fuseOps(outputs: readonly Value[]): Value[] {
  const uses = countUses(sortNodes(outputs), outputs);
  return rewrite(outputs, (node, inputs) => {
    const isOnlyUse = (i: number) => uses.get(node.inputs[i]) === 1;
    if (node.op === 'add') {
      const linear = isOnlyUse(0) ? fuseLinear(inputs) : undefined;
      return (
        linear ??
        fuseShift(inputs, isOnlyUse) ??
        fuseDifference(inputs, isOnlyUse) ??
        fuseSum(inputs, isOnlyUse)
      );
    }
    if (node.op === 'relu') return isOnlyUse(0) ? fuseRelu(inputs[0]) : undefined;
    if (node.op === 'mul') return scaleOperand(inputs, isOnlyUse);
    return node.op === 'where' ? fuseReluGradient(inputs) : undefined;
  });
}

function fuseLinear([product, bias]: readonly Value[]): readonly Value[] | undefined {
  if (product.node.op !== 'matmul') return undefined;
  const [a, b] = product.node.inputs;
  const isMatrixProduct = a.shape.length === 2 && b.shape.length === 2;
  if (!isMatrixProduct || bias.shape.length !== 1 || bias.shape[0] !== product.shape[1]) return undefined;
  const { transposeA, transposeB } = product.node.attributes as OpAttributes['matmul'];
  return [build.gemm(a, b, bias, { transposeA, transposeB, beta: 1, relu: false })];
}

function scaleOperand(
  inputs: readonly Value[],
  isOnlyUse: (index: number) => boolean,
): readonly Value[] | undefined {
  const index = inputs.findIndex(({ node }, i) => productOps.has(node.op) && isOnlyUse(i));
  if (index < 0) return undefined;
  const [product, factor] = [inputs[index], inputs[1 - index]];
  if (factor.shape.length > 0) return undefined;
  const { op, attributes, inputs: operands } = product.node;
  const sizes = operands.map(({ shape }) => sizeOf(shape));
  const smaller = sizes[0] < sizes[1] ? 0 : 1;
  if (sizes[smaller] >= sizeOf(product.shape)) return undefined;
  return createNode(
    op,
    operands.map((operand, i) => (i === smaller ? build.mul(operand, factor) : operand)),
    attributes,
  );
}

function fuseReluGradient([mask, dy, other]: readonly Value[]): readonly Value[] | undefined {
  if (mask.node.op !== 'greater' || dy.dtype !== 'float32' || !isZero(other)) return undefined;
  const [y, bound] = mask.node.inputs;
  if (!isRelu(y) || !isZero(bound) || !sameShape(y.shape, dy.shape)) return undefined;
  return [build.mul(dy, build.sign(y))];
}

/** Scale and shift of an image's channels, which can be part of a larger operation. */
function isAffine({ node, shape, dtype }: Value): boolean {
  if (node.op !== 'channelAffine' || shape.length !== 4 || dtype !== 'float32') return false;
  return !(node.attributes as OpAttributes['channelAffine']).perSample;
}

function affineOperands({ node }: Value): { x: Value; scale: Value; shift: Value } {
  const [x, scale, shift] = node.inputs;
  const zeros = () => build.constant(new Float32Array(scale.shape[0]), scale.shape, 'float32');
  return { x, scale, shift: shift ?? zeros() };
}

/** What every pixel of a sample and channel gets the same of, `[N, C]`. */
function perSampleShift({ node, shape }: Value): Value | undefined {
  const [spread] = node.inputs;
  if (node.op !== 'expand' || spread.node.op !== 'reshape' || shape.length < 3) return undefined;
  const [vector] = spread.node.inputs;
  const ofChannels = String(vector.shape) === String(shape.slice(0, 2));
  return ofChannels && String(spread.shape) === String([...vector.shape, ...shape.slice(2).fill(1)])
    ? vector
    : undefined;
}

/** The gradients of a scaling of every sample's channels, and of their sums, in one pass. */
function fuseShift(
  inputs: readonly Value[],
  isOnlyUse: (index: number) => boolean,
): readonly Value[] | undefined {
  const index = inputs.findIndex(
    ({ node: { op, inputs: operands } }, i) =>
      op === 'channelAffine' && operands.length === 2 && operands[1].shape.length === 2 && isOnlyUse(i),
  );
  const shift = index < 0 ? undefined : perSampleShift(inputs[1 - index]);
  if (shift === undefined) return undefined;
  const [x, scale] = inputs[index].node.inputs;
  return [build.channelAffine(x, scale, shift)];
}

/** Channels from which an image is worth taking in blocks. */
const WIDE = 16;

/** x − y + number, which is in the gradient of SiLU: one pass over images in blocks. */
function fuseDifference(
  inputs: readonly Value[],
  isOnlyUse: (index: number) => boolean,
): readonly Value[] | undefined {
  const index = inputs.findIndex(({ node }, i) => node.op === 'sub' && isOnlyUse(i));
  const number = inputs[1 - index];
  if (index < 0 || number.node.op !== 'constant' || number.shape.length > 0) return undefined;
  const [x, y] = inputs[index].node.inputs;
  const isImage = x.shape.length === 4 && x.dtype === 'float32' && x.shape[1] >= WIDE;
  if (!isImage || !sameShape(x.shape, y.shape)) return undefined;
  const channels = (value: number) =>
    build.constant(new Float32Array(x.shape[1]).fill(value), [x.shape[1]], 'float32');
  const shift = channels(Number((number.node.attributes as OpAttributes['constant']).data[0]));
  return [build.affineSum({ x: y, scale: channels(-1), shift, addend: x }, false)];
}

function fuseSum(
  inputs: readonly Value[],
  isOnlyUse: (index: number) => boolean,
): readonly Value[] | undefined {
  const found = [0, 1].filter((i) => isAffine(inputs[i]) && isOnlyUse(i));
  if (found.length === 0 || !sameShape(inputs[0].shape, inputs[1].shape)) return undefined;
  // Of two, the one that has a shift already.
  const index = found.find((i) => inputs[i].node.inputs.length === 3) ?? found[0];
  return [build.affineSum({ ...affineOperands(inputs[index]), addend: inputs[1 - index] }, false)];
}

function fuseRelu(x: Value): readonly Value[] | undefined {
  if (isAffine(x)) return [build.affineSum(affineOperands(x), true)];
  if (x.node.op === 'gemm') {
    const [a, b, c] = x.node.inputs;
    return [build.gemm(a, b, c, { ...(x.node.attributes as OpAttributes['gemm']), relu: true })];
  }
  if (x.node.op !== 'affineSum' || isRelu(x)) return undefined;
  const [image, scale, shift, addend] = x.node.inputs;
  return [build.affineSum({ x: image, scale, shift, addend }, true)];
}

function isZero({ node, shape }: Value): boolean {
  return (
    node.op === 'constant' &&
    shape.length === 0 &&
    Number((node.attributes as OpAttributes['constant']).data[0]) === 0
  );
}
