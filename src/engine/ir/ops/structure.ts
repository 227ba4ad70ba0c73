import { type Shape, ShapeError, sizeOf, stridesOf } from '#core';
import type { OpTable } from '../op-rule.ts';
import { commonDType, formatShape } from '../shapes.ts';

/** Number of elements that a slice takes from one axis. */
function sliceLength(start: number, end: number, step: number): number {
  return Math.max(0, Math.ceil((end - start) / step));
}

/** Calls `visit` with every position of `part` and the one it has in `whole`, given the start and step per axis. */
function visitPart(
  part: Shape,
  whole: Shape,
  starts: readonly number[],
  steps: readonly number[],
  visit: (part: number, whole: number) => void,
): void {
  const [own, strides] = [stridesOf(part), stridesOf(whole)];
  const base = starts.reduce((total, start, axis) => total + start * strides[axis], 0);
  for (let i = 0; i < sizeOf(part); i++) {
    let at = base;
    for (let axis = 0; axis < part.length; axis++) {
      at += (Math.floor(i / own[axis]) % part[axis]) * steps[axis] * strides[axis];
    }
    visit(i, at);
  }
}

const concatShape = (shapes: readonly Shape[], axis: number): number[] =>
  shapes[0].map((dim, each) =>
    each === axis ? shapes.reduce((total, shape) => total + shape[axis], 0) : dim,
  );

const startAt = (rank: number, axis: number, start: number): number[] =>
  Array.from({ length: rank }, (_, each) => (each === axis ? start : 0));

const ones = (rank: number): number[] => new Array<number>(rank).fill(1);

/** Taking tensors apart and putting them together. */
export const structureRules: Pick<OpTable, 'slice' | 'pad' | 'concat' | 'split'> = {
  slice: {
    infer: ([x], { starts, ends, steps }, where) => {
      const rank = x.shape.length;
      const fits =
        [starts, ends, steps].every((list) => list.length === rank) &&
        x.shape.every((dim, axis) => {
          const last = starts[axis] + (sliceLength(starts[axis], ends[axis], steps[axis]) - 1) * steps[axis];
          return steps[axis] !== 0 && starts[axis] >= 0 && starts[axis] <= dim && last < dim && last >= -1;
        });
      if (!fits) {
        throw new ShapeError(
          `${where}: every axis needs a start and an end inside it, but got starts [${starts.join(', ')}], ends [${ends.join(', ')}] and steps [${steps.join(', ')}] for ${formatShape(x.shape)}. Keep within the sizes.`,
          { shape: [...x.shape], starts: [...starts], ends: [...ends], steps: [...steps] },
        );
      }
      return [
        { dtype: x.dtype, shape: starts.map((start, axis) => sliceLength(start, ends[axis], steps[axis])) },
      ];
    },
    // Zeros around and, where a step left elements out, between; a backward slice is turned round first.
    gradient: ({ build, node, inputs: [x], gradients: [dy] }) => {
      if (dy === undefined) return [undefined];
      const { starts, steps } = node.attributes;
      let part = dy;
      const isBackward = steps.map((step) => step < 0);
      if (isBackward.includes(true)) {
        const shape = part.shape;
        part = build.slice(
          part,
          shape.map((dim, axis) => (isBackward[axis] ? dim - 1 : 0)),
          shape.map((dim, axis) => (isBackward[axis] ? -1 : dim)),
          shape.map((_, axis) => (isBackward[axis] ? -1 : 1)),
        );
      }
      const low = starts.map((start, axis) =>
        isBackward[axis] ? start + (dy.shape[axis] - 1) * steps[axis] : start,
      );
      const strides = steps.map(Math.abs);
      part = build.spread(part, strides);
      const after = x.shape.map((dim, axis) => dim - low[axis] - part.shape[axis]);
      return [build.pad(part, low, after)];
    },
    reference: ([x], { starts, steps }, [{ shape }]) => {
      const result = new Float64Array(sizeOf(shape));
      visitPart(shape, x.shape, starts, steps, (part, whole) => {
        result[part] = x.data[whole];
      });
      return [result];
    },
    lowerings: [
      {
        name: 'Slice',
        emit: (e, { inputs: [x], attributes: { starts, ends, steps } }) => {
          const axes = x.shape.map((_, axis) => axis);
          const touched = axes.filter(
            (axis) => starts[axis] !== 0 || ends[axis] !== x.shape[axis] || steps[axis] !== 1,
          );
          const pick = (list: readonly number[]) => e.int64(touched.map((axis) => list[axis]));
          // An end before the first element is −1 here, which ONNX would count from the back.
          const limits = ends.map((end, axis) => (steps[axis] < 0 && end < 0 ? -x.shape[axis] - 1 : end));
          return [e.node('Slice', [e.plain(x), pick(starts), pick(limits), e.int64(touched), pick(steps)])];
        },
      },
    ],
  },
  pad: {
    infer: ([x], { before, after }, where) => {
      const lists = [before, after];
      if (lists.some((list) => list.length !== x.shape.length || list.some((count) => count < 0))) {
        throw new ShapeError(
          `${where}: every axis needs counts of at least 0, but got [${before.join(', ')}] and [${after.join(', ')}] for ${formatShape(x.shape)}. Use slice to cut.`,
          { shape: [...x.shape], before: [...before], after: [...after] },
        );
      }
      return [{ dtype: x.dtype, shape: x.shape.map((dim, axis) => before[axis] + dim + after[axis]) }];
    },
    gradient: ({ build, node, inputs: [x], gradients: [dy] }) => {
      const { before } = node.attributes;
      const ends = before.map((count, axis) => count + x.shape[axis]);
      return [dy && build.slice(dy, before, ends)];
    },
    reference: ([x], { before, value }, [{ shape }]) => {
      const result = new Float64Array(sizeOf(shape)).fill(value);
      visitPart(x.shape, shape, before, ones(shape.length), (part, whole) => {
        result[whole] = x.data[part];
      });
      return [result];
    },
    lowerings: [
      {
        name: 'Pad',
        emit: (e, { inputs: [x], attributes: { before, after, value } }) => [
          e.node('Pad', [e.plain(x), e.int64([...before, ...after]), e.scalar(value, x.dtype)]),
        ],
      },
    ],
  },
  concat: {
    infer: (inputs, { axis }, where) => {
      const shapes = inputs.map(({ shape }) => shape);
      const agrees = shapes.every(
        (shape) =>
          shape.length === shapes[0].length &&
          shape.every((dim, each) => each === axis || dim === shapes[0][each]),
      );
      if (inputs.length === 0 || !agrees) {
        throw new ShapeError(
          `${where}: shapes must agree but for axis ${axis}, but got ${shapes.map(formatShape).join(' and ') || 'nothing'}. Reshape or pad them.`,
          { shapes: shapes.map((shape) => [...shape]), axis },
        );
      }
      return [{ dtype: commonDType(inputs, where), shape: concatShape(shapes, axis) }];
    },
    gradient: ({ build, node, inputs, gradients: [dy] }) => {
      if (dy === undefined) return inputs.map(() => undefined);
      const { axis } = node.attributes;
      return build.split(dy, inputs.map(({ shape }) => shape[axis]), axis); // biome-ignore format: short
    },
    reference: (inputs, { axis }, [{ shape }]) => {
      const result = new Float64Array(sizeOf(shape));
      let start = 0;
      for (const input of inputs) {
        visitPart(
          input.shape,
          shape,
          startAt(shape.length, axis, start),
          ones(shape.length),
          (part, whole) => {
            result[whole] = input.data[part];
          },
        );
        start += input.shape[axis];
      }
      return [result];
    },
    lowerings: [
      {
        name: 'Concat',
        emit: (e, { inputs, outputs: [y], attributes: { axis } }) => {
          const attributes = { axis: { int: axis } };
          const { blockSize } = e.target;
          // Whole blocks of channels can be joined as they are.
          const blocked =
            axis === 1 &&
            y.shape.length === 4 &&
            inputs.every((input) => e.isBlocked(input) && input.shape[1] % blockSize === 0);
          if (blocked) return [{ blocked: e.node('Concat', inputs.map(e.blocked, e), { attributes }) }];
          return [e.node('Concat', inputs.map(e.plain, e), { attributes })];
        },
      },
    ],
  },
  split: {
    infer: ([x], { axis, sizes }, where) => {
      const total = sizes.reduce((sum, size) => sum + size, 0);
      if (
        sizes.length === 0 ||
        total !== x.shape[axis] ||
        sizes.some((size) => !Number.isInteger(size) || size < 0)
      ) {
        throw new ShapeError(
          `${where}: sizes must add up to ${x.shape[axis]}, but got [${sizes.join(', ')}] for axis ${axis} of ${formatShape(x.shape)}. Change them.`,
          { shape: [...x.shape], axis, sizes: [...sizes] },
        );
      }
      return sizes.map((size) => ({
        dtype: x.dtype,
        shape: x.shape.map((dim, each) => (each === axis ? size : dim)),
      }));
    },
    gradient: ({ build, node, outputs, gradients }) => {
      if (gradients.every((dy) => dy === undefined)) return [undefined];
      const parts = outputs.map(
        (output, i) => gradients[i] ?? build.expand(build.scalar(0, output.dtype), output.shape),
      );
      return [build.concat(parts, node.attributes.axis)];
    },
    reference: ([x], { axis }, outputs) => {
      let start = 0;
      return outputs.map(({ shape }) => {
        const result = new Float64Array(sizeOf(shape));
        visitPart(shape, x.shape, startAt(shape.length, axis, start), ones(shape.length), (part, whole) => {
          result[part] = x.data[whole];
        });
        start += shape[axis];
        return result;
      });
    },
    lowerings: [
      {
        name: 'Split',
        emit: (e, { inputs: [x], attributes: { axis, sizes } }) =>
          e.nodes('Split', [e.plain(x), e.int64(sizes)], {
            attributes: { axis: { int: axis } },
            outputs: sizes.length,
          }),
      },
    ],
  },
};
