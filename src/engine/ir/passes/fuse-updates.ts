import * as build from '../build.ts';
import type { OpAttributes } from '../op-attributes.ts';
import { sameShape } from '../shapes.ts';
import { countUses, sortNodes, type Value } from '../value.ts';
import { rewrite } from './rewrite.ts';

/**
 * Fuses what optimisers do with large tensors, which saves passes over memory:
 *
 * - a·b + c·β for a constant β (a momentum buffer and a weight's gradient) becomes one `gemm`;
 * - x ± z·s for a scalar s (a step by the learning rate) becomes one `addScaled`.
 *
 * Only values that nothing else reads are fused.
 */
export function fuseUpdates(outputs: readonly Value[]): Value[] {
  const uses = countUses(sortNodes(outputs), outputs);
  // Asked of the value before the rewriting, of which the readers were counted.
  return rewrite(outputs, (node, inputs) => {
    if (node.op !== 'add' && node.op !== 'sub') return undefined;
    const isSingle = (index: number) => uses.get(node.inputs[index]) === 1;
    const [x, z] = inputs;
    if (node.op === 'add') {
      const made =
        (isSingle(1) && isSingle(0) ? (fuseGemm(z, x) ?? fuseGemm(x, z)) : undefined) ??
        (isSingle(1) ? fuseScaled(x, z, 1) : undefined) ??
        (isSingle(0) ? fuseScaled(z, x, 1) : undefined);
      return made && [made];
    }
    const made = isSingle(1) ? fuseScaled(x, z, -1) : undefined;
    return made && [made];
  });
}

/** product + c·β. */
function fuseGemm(product: Value, addend: Value): Value | undefined {
  const isMatrixProduct =
    product.node.op === 'matmul' && product.node.inputs.every(({ shape }) => shape.length === 2);
  if (!isMatrixProduct || addend.node.op !== 'mul' || !sameShape(product.shape, addend.shape))
    return undefined;
  const [first, second] = addend.node.inputs;
  for (const [c, factor] of [
    [first, second],
    [second, first],
  ]) {
    const beta = build.constantValue(factor);
    if (beta === undefined || !sameShape(c.shape, product.shape)) continue;
    const { transposeA, transposeB } = product.node.attributes as OpAttributes['matmul'];
    const [a, b] = product.node.inputs;
    return build.gemm(a, b, c, { transposeA, transposeB, beta });
  }
  return undefined;
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
