import * as build from '../build.ts';
import type { OpAttributes } from '../op-attributes.ts';
import { countUses, sortNodes, type Value } from '../value.ts';
import { rewrite } from './rewrite.ts';

/**
 * Makes a linear layer, a·b + c for a row c, one `gemm`, where nothing else reads the product.
 *
 * Updates are not fused: with a beta, `Gemm` copies and scales the addend first, and a scaled addition as a depthwise
 * convolution needs a copy at its end; both take longer than two element-wise passes.
 */
export function fuseOps(outputs: readonly Value[]): Value[] {
  const uses = countUses(sortNodes(outputs), outputs);
  return rewrite(outputs, (node, [product, bias]) => {
    if (node.op !== 'add' || uses.get(node.inputs[0]) !== 1 || product.node.op !== 'matmul') return undefined;
    const [a, b] = product.node.inputs;
    const isMatrixProduct = a.shape.length === 2 && b.shape.length === 2;
    if (!isMatrixProduct || bias.shape.length !== 1 || bias.shape[0] !== product.shape[1]) return undefined;
    const { transposeA, transposeB } = product.node.attributes as OpAttributes['matmul'];
    return [build.gemm(a, b, bias, { transposeA, transposeB, beta: 1 })];
  });
}
