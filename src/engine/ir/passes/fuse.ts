import * as build from '../build.ts';
import type { OpAttributes } from '../op-attributes.ts';
import { sameShape } from '../shapes.ts';
import { countUses, sortNodes, type Value } from '../value.ts';
import { rewrite } from './rewrite.ts';

/**
 * Fuses what would take one pass over memory more:
 *
 * - a·b + c for a row c, a linear layer, becomes one `gemm`;
 * - x ± z·s for a scalar s (a momentum buffer with a new gradient, a step by the learning rate) becomes one `addScaled`.
 *
 * `Gemm` with a beta could take up the former too, but ONNX Runtime then copies and scales the addend first, which takes
 * longer than the pass that is saved.
 *
 * Only values that nothing else reads are fused.
 */
export function fuseOps(outputs: readonly Value[]): Value[] {
  const uses = countUses(sortNodes(outputs), outputs);
  // Asked of the value before the rewriting, of which the readers were counted.
  return rewrite(outputs, (node, inputs) => {
    if (node.op !== 'add' && node.op !== 'sub') return undefined;
    const isSingle = (index: number) => uses.get(node.inputs[index]) === 1;
    const [x, z] = inputs;
    if (node.op === 'add') {
      const made =
        (isSingle(0) ? fuseBias(x, z) : undefined) ??
        (isSingle(1) ? fuseScaled(x, z, 1) : undefined) ??
        (isSingle(0) ? fuseScaled(z, x, 1) : undefined);
      return made && [made];
    }
    const made = isSingle(1) ? fuseScaled(x, z, -1) : undefined;
    return made && [made];
  });
}

/** product + bias. */
function fuseBias(product: Value, bias: Value): Value | undefined {
  const isMatrixProduct =
    product.node.op === 'matmul' && product.node.inputs.every(({ shape }) => shape.length === 2);
  if (!isMatrixProduct || bias.shape.length !== 1 || bias.shape[0] !== product.shape[1]) return undefined;
  const { transposeA, transposeB } = product.node.attributes as OpAttributes['matmul'];
  const [a, b] = product.node.inputs;
  return build.gemm(a, b, bias, { transposeA, transposeB, beta: 1 });
}

/** x ± z·s. */
function fuseScaled(x: Value, scaled: Value, sign: 1 | -1): Value | undefined {
  if (scaled.node.op !== 'mul' || !sameShape(x.shape, scaled.shape) || x.dtype !== 'float32')
    return undefined;
  const [first, second] = scaled.node.inputs;
  for (const [z, factor] of [
    [first, second],
    [second, first],
  ]) {
    if (factor.shape.length > 0 || !sameShape(z.shape, x.shape)) continue;
    return build.addScaled(x, z, factor, sign);
  }
  return undefined;
}
