import { ShapeError, sizeOf, stridesOf } from '#core';
import type { OpTable } from '../op-rule.ts';
import { broadcastShapes, formatShape, sameShape } from '../shapes.ts';
import { mapElements } from './elementwise.ts';

/** Ops that give the elements another order or shape. */
export const movementRules: Pick<OpTable, 'reshape' | 'transpose' | 'expand'> = {
  reshape: {
    infer: ([x], { shape }, where) => {
      if (sizeOf(shape) !== sizeOf(x.shape)) {
        throw new ShapeError(
          `${where}: the number of elements must stay, but got ${formatShape(x.shape)} to ${formatShape(shape)}. Pass a shape of ${sizeOf(x.shape)} elements; one size may be -1.`,
          { from: [...x.shape], to: [...shape] },
        );
      }
      return [{ dtype: x.dtype, shape }];
    },
    gradient: ({ build, inputs: [x], gradients: [dy] }) => [dy && build.reshape(dy, x.shape)],
    reference: ([x]) => [x.data],
    lowerings: [
      {
        name: 'Reshape',
        emit: (e, { inputs, attributes }) => [e.reshape(e.plain(inputs[0]), attributes.shape)],
      },
    ],
  },
  transpose: {
    infer: ([x], { permutation }, where) => {
      const sorted = [...permutation].sort((a, b) => a - b);
      if (
        !sameShape(
          sorted,
          x.shape.map((_, axis) => axis),
        )
      ) {
        throw new ShapeError(
          `${where}: the permutation must name every axis once, but got [${permutation.join(', ')}] for ${formatShape(x.shape)}. Name 0 to ${x.shape.length - 1}.`,
          { shape: [...x.shape], permutation: [...permutation] },
        );
      }
      return [{ dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis]) }];
    },
    gradient: ({ build, node, gradients: [dy] }) => {
      const { permutation } = node.attributes;
      return [
        dy &&
          build.transpose(
            dy,
            permutation.map((_, axis) => permutation.indexOf(axis)),
          ),
      ];
    },
    reference: ([x], { permutation }, [{ shape }]) => {
      const from = stridesOf(x.shape);
      const strides = permutation.map((axis) => from[axis]);
      const result = new Float64Array(x.data.length);
      for (let i = 0; i < result.length; i++) {
        let rest = i;
        let offset = 0;
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          offset += (rest % shape[axis]) * strides[axis];
          rest = Math.floor(rest / shape[axis]);
        }
        result[i] = x.data[offset];
      }
      return [result];
    },
    lowerings: [
      {
        name: 'Transpose',
        emit: (e, { inputs: [x], attributes }) => [
          e.node('Transpose', [e.plain(x)], { attributes: { perm: { ints: attributes.permutation } } }),
        ],
      },
    ],
  },
  expand: {
    infer: ([x], { shape }, where) => {
      if (!sameShape(broadcastShapes([x.shape, shape], where), shape)) {
        throw new ShapeError(
          `${where}: the shape must be reached by repeating axes of size 1, but got ${formatShape(x.shape)} to ${formatShape(shape)}. Pass a shape at least as large.`,
          { from: [...x.shape], to: [...shape] },
        );
      }
      return [{ dtype: x.dtype, shape }];
    },
    // The gradient has the output's shape; differentiation sums it over the broadcast axes.
    gradient: ({ gradients: [dy] }) => [dy],
    reference: ([x], _, [{ shape }]) => [mapElements((value) => value, [x], shape)],
    lowerings: [
      {
        name: 'Expand',
        emit: (e, { inputs: [x], attributes }) => [e.node('Expand', [e.plain(x), e.int64(attributes.shape)])],
      },
    ],
  },
};
