import { sizeOf } from '#core';
import { convShape, requireShape, visitConvolution } from '../conv-geometry.ts';
import type { ConvAttributes } from '../op-attributes.ts';
import type { OpTable } from '../op-rule.ts';
import { commonDType, isFloat, requireDType } from '../shapes.ts';
import type { TensorType } from '../value.ts';
import { convForwardLowerings } from './conv-forward-lowerings.ts';
import { convInputLowerings } from './conv-input-lowerings.ts';
import { convWeightLowerings } from './conv-weight-lowerings.ts';

function checkOperands(types: readonly TensorType[], where: string): void {
  commonDType(types, where);
  requireDType(types, isFloat, 'floating point numbers', where);
}

const geometry = ({ strides, pads, dilations, groups }: ConvAttributes): ConvAttributes => ({
  strides,
  pads,
  dilations,
  groups,
});

/**
 * Convolution and its two gradients. Each is linear in both operands, and the gradients of each are the other two, so
 * that derivatives of any order stay among them. With y = x ∗ w:
 *
 * y[n,o,h,v] = b[o] + Σ x[n, c, h·s − p + i·d, v·s − p + j·d] · w[o,c,i,j]
 */
export const convRules: Pick<OpTable, 'conv2d' | 'conv2dInput' | 'conv2dWeight'> = {
  conv2d: {
    infer: ([x, weight, bias], attributes, where) => {
      checkOperands([x, weight], where);
      if (bias !== undefined) requireShape(bias, [weight.shape[0]], 'the bias', where);
      return [{ dtype: x.dtype, shape: convShape(x.shape, weight.shape, attributes, where) }];
    },
    gradient: ({ build, node, inputs: [x, weight], gradients: [dy], needs }) => {
      if (dy === undefined) return [undefined, undefined, undefined];
      const attributes = geometry(node.attributes);
      return [
        needs[0] ? build.conv2dInput(dy, weight, { ...attributes, shape: x.shape }) : undefined,
        needs[1] ? build.conv2dWeight(x, dy, { ...attributes, shape: weight.shape }) : undefined,
        needs[2] ? build.channelSum(dy) : undefined,
      ];
    },
    reference: ([x, weight, bias], attributes, [{ shape }]) => {
      const pixels = shape[2] * shape[3];
      const result = Float64Array.from(
        { length: sizeOf(shape) },
        (_, i) => bias?.data[Math.floor(i / pixels) % shape[1]] ?? 0,
      );
      visitConvolution(x.shape, weight.shape, shape, attributes, (i, j, k) => {
        result[k] += x.data[i] * weight.data[j];
      });
      return [result];
    },
    lowerings: convForwardLowerings,
  },
  conv2dInput: {
    infer: ([dy, weight], { shape, ...attributes }, where) => {
      checkOperands([dy, weight], where);
      requireShape(dy, convShape(shape, weight.shape, attributes, where), 'the gradient', where);
      return [{ dtype: dy.dtype, shape }];
    },
    gradient: ({ build, node, inputs: [dy, weight], gradients: [g], needs }) => {
      if (g === undefined) return [undefined, undefined];
      const attributes = geometry(node.attributes);
      return [
        needs[0] ? build.conv2d(g, weight, attributes) : undefined,
        needs[1] ? build.conv2dWeight(g, dy, { ...attributes, shape: weight.shape }) : undefined,
      ];
    },
    reference: ([dy, weight], attributes, [{ shape }]) => {
      const result = new Float64Array(sizeOf(shape));
      visitConvolution(shape, weight.shape, dy.shape, attributes, (i, j, k) => {
        result[i] += dy.data[k] * weight.data[j];
      });
      return [result];
    },
    lowerings: convInputLowerings,
  },
  conv2dWeight: {
    infer: ([x, dy], { shape, ...attributes }, where) => {
      checkOperands([x, dy], where);
      requireShape(dy, convShape(x.shape, shape, attributes, where), 'the gradient', where);
      return [{ dtype: x.dtype, shape }];
    },
    gradient: ({ build, node, inputs: [x, dy], gradients: [g], needs }) => {
      if (g === undefined) return [undefined, undefined];
      const attributes = geometry(node.attributes);
      return [
        needs[0] ? build.conv2dInput(dy, g, { ...attributes, shape: x.shape }) : undefined,
        needs[1] ? build.conv2d(x, g, attributes) : undefined,
      ];
    },
    reference: ([x, dy], attributes, [{ shape }]) => {
      const result = new Float64Array(sizeOf(shape));
      visitConvolution(x.shape, shape, dy.shape, attributes, (i, j, k) => {
        result[j] += x.data[i] * dy.data[k];
      });
      return [result];
    },
    lowerings: convWeightLowerings,
  },
};
