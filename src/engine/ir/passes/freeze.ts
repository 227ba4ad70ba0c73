import type { NumericArray } from '#core';
import * as build from '../build.ts';
import type { OpAttributes } from '../op-attributes.ts';
import { countUses, sortNodes, type Value, type Variable } from '../value.ts';
import { rewrite } from './rewrite.ts';

/** Replaces variables by constants of their contents. @param nameOf name of a variable in the exported model */
export function freezeVariables(outputs: readonly Value[], nameOf: (variable: Variable) => string): Value[] {
  return rewrite(outputs, (node) => {
    if (node.op !== 'variable') return undefined;
    const { variable } = node.attributes as OpAttributes['variable'];
    return [
      build.constant(variable.data.slice() as NumericArray, variable.shape, variable.dtype, nameOf(variable)),
    ];
  });
}

/**
 * Folds a scale and shift of channels into the convolution before it: (x∗W + b)·s + t = x∗(W·s) + (b·s + t). In
 * evaluation mode that is what batch normalisation is.
 */
export function foldChannelAffine(outputs: readonly Value[]): Value[] {
  const uses = countUses(sortNodes(outputs), outputs);
  return rewrite(outputs, (node, [x, scale, shift]) => {
    if (node.op !== 'channelAffine' || x.node.op !== 'conv2d' || uses.get(node.inputs[0]) !== 1)
      return undefined;
    const [image, weight, bias] = x.node.inputs;
    const vectors = [scale, shift, bias, weight].map((value) => value && constantOf(value));
    const [s, t, b, w] = vectors;
    if (scale.shape.length !== 1 || s === undefined || w === undefined) return undefined;
    if ((shift !== undefined && t === undefined) || (bias !== undefined && b === undefined)) return undefined;
    const perChannel = w.data.length / s.data.length;
    const folded = Float32Array.from(
      w.data as Float32Array,
      (value, i) => value * Number(s.data[Math.floor(i / perChannel)]),
    );
    const offset = Float32Array.from(
      s.data as Float32Array,
      (value, c) => Number(b?.data[c] ?? 0) * value + Number(t?.data[c] ?? 0),
    );
    const name = w.name ?? 'weight';
    const attributes = x.node.attributes as OpAttributes['conv2d'];
    return [
      build.conv2d(
        image,
        build.constant(folded, weight.shape, 'float32', name),
        attributes,
        build.constant(offset, scale.shape, 'float32', name.replace(/weight$/, 'bias')),
      ),
    ];
  });
}

function constantOf({ node, dtype }: Value): OpAttributes['constant'] | undefined {
  return node.op === 'constant' && dtype === 'float32'
    ? (node.attributes as OpAttributes['constant'])
    : undefined;
}
