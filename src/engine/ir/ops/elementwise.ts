import { type Shape, sizeOf } from '#core';
import type { OpName } from '../op-attributes.ts';
import type {
  EmitOptions,
  Emitted,
  Emitter,
  GradientArguments,
  Lowering,
  OpRule,
  ReferenceTensor,
} from '../op-rule.ts';
import {
  broadcastShapes,
  broadcastStrides,
  commonDType,
  isFloat,
  requireDType,
  sameShape,
} from '../shapes.ts';
import type { GraphNode, TensorType, Value } from '../value.ts';

type Kernel = (...operands: number[]) => number;

/**
 * Element by element in float64, operands read with broadcasting.
 */
export function mapElements(kernel: Kernel, inputs: readonly ReferenceTensor[], shape: Shape): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  if (inputs.every((input) => sameShape(input.shape, shape))) {
    const arrays = inputs.map((input) => input.data);
    for (let i = 0; i < result.length; i++) result[i] = kernel(...arrays.map((array) => array[i]));
    return result;
  }
  const strides = inputs.map((input) => broadcastStrides(input.shape, shape));
  const position = new Array<number>(shape.length).fill(0);
  const offsets = inputs.map(() => 0);
  for (let i = 0; i < result.length; i++) {
    result[i] = kernel(...inputs.map((input, k) => input.data[offsets[k]]));
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis]++;
      for (let k = 0; k < inputs.length; k++) offsets[k] += strides[k][axis];
      if (position[axis] < shape[axis]) break;
      for (let k = 0; k < inputs.length; k++) offsets[k] -= strides[k][axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return result;
}

/**
 * Whether a node that works element by element should be emitted on blocked operands: the result is `[N, C, H, W]`,
 * an operand of that shape is blocked already, and the others are of that shape or scalars.
 */
function runsBlocked(emitter: Emitter, inputs: readonly Value[], shape: Shape): boolean {
  return (
    shape.length === 4 &&
    inputs.some((input) => emitter.isBlocked(input) && sameShape(input.shape, shape)) &&
    inputs.every((input) => sameShape(input.shape, shape) || sizeOf(input.shape) === 1)
  );
}

/**
 * Whether a number meets a tensor that ends in axes of one element, like the weight of a 1×1 convolution: ONNX Runtime
 * then takes every element by itself, at ten times the time.
 */
function isSlowBroadcast({ target }: Emitter, inputs: readonly Value[], shape: Shape): boolean {
  return (
    target.device === 'cpu' &&
    target.portable !== true &&
    shape.at(-1) === 1 &&
    sizeOf(shape) > 1 &&
    inputs.some((input) => sizeOf(input.shape) === 1) &&
    inputs.every((input) => sizeOf(input.shape) === 1 || sameShape(input.shape, shape))
  );
}

/** Emits an element-wise op in the layout its operands have. */
export function emitElementwise(
  emitter: Emitter,
  node: GraphNode,
  emit: (names: readonly string[]) => string,
): readonly Emitted[] {
  const { shape } = node.outputs[0];
  if (isSlowBroadcast(emitter, node.inputs, shape)) {
    const flat = node.inputs.map((input) => emitter.reshape(emitter.plain(input), [sizeOf(input.shape)]));
    return [emitter.reshape(emit(flat), shape)];
  }
  if (!runsBlocked(emitter, node.inputs, shape))
    return [emit(node.inputs.map((input) => emitter.plain(input)))];
  const names = node.inputs.map((input) =>
    sameShape(input.shape, shape) ? emitter.blocked(input) : emitter.plain(input),
  );
  return [{ blocked: emit(names) }];
}

/** The lowering to one ONNX operator of the same meaning. */
function toOperator<K extends OpName>(operator: string, options: EmitOptions = {}): Lowering<K> {
  return {
    name: operator,
    emit: (emitter, node) =>
      emitElementwise(emitter, node, (names) => emitter.node(operator, names, options)),
  };
}

interface ElementwiseRule<K extends OpName> {
  readonly kernel: Kernel;
  readonly gradient: OpRule<K>['gradient'];
  /** ONNX operator, or a lowering of its own. */
  readonly lowering: string | Lowering<K>;
  /** `bool` for comparisons; the operands' type when absent. */
  readonly result?: 'bool';
  /** Operands that may be; any number when absent. */
  readonly operands?: 'float' | 'bool' | 'any';
}

function checkOperands(
  inputs: readonly TensorType[],
  operands: ElementwiseRule<'add'>['operands'],
  where: string,
): void {
  if (operands === 'float') requireDType(inputs, isFloat, 'floating point numbers', where);
  else if (operands === 'bool') requireDType(inputs, (dtype) => dtype === 'bool', 'booleans', where);
  else if (operands === undefined) requireDType(inputs, (dtype) => dtype !== 'bool', 'numbers', where);
}

/** An op table entry from what differs between element-wise ops. */
export function elementwise<K extends OpName>(rule: ElementwiseRule<K>): OpRule<K> {
  const { kernel, gradient, lowering, result, operands } = rule;
  return {
    infer: (inputs, _, where) => {
      const dtype = commonDType(inputs, where);
      checkOperands(inputs, operands, where);
      return [
        {
          dtype: result ?? dtype,
          shape: broadcastShapes(
            inputs.map((input) => input.shape),
            where,
          ),
        },
      ];
    },
    gradient,
    reference: (inputs, _, [{ shape }]) => [mapElements(kernel, inputs, shape)],
    lowerings: [typeof lowering === 'string' ? toOperator<K>(lowering) : lowering],
  };
}

/** A gradient rule of one operand from the derivative times the output's gradient. */
export function unaryGradient<K extends OpName>(
  rule: (dy: Value, context: GradientArguments<K> & { readonly x: Value; readonly y: Value }) => Value,
): OpRule<K>['gradient'] {
  return (context) => {
    const [dy] = context.gradients;
    if (dy === undefined) return [undefined];
    return [rule(dy, { ...context, x: context.inputs[0], y: context.outputs[0] })];
  };
}

/** A gradient rule of two operands; each side is computed only when needed. */
export function binaryGradient<K extends OpName>(
  rule: (
    dy: Value,
    context: GradientArguments<K> & { readonly x: Value; readonly z: Value; readonly y: Value },
  ) => readonly [() => Value | undefined, () => Value | undefined],
): OpRule<K>['gradient'] {
  return (context) => {
    const [dy] = context.gradients;
    if (dy === undefined) return [undefined, undefined];
    const sides = rule(dy, { ...context, x: context.inputs[0], z: context.inputs[1], y: context.outputs[0] });
    return sides.map((side, i) => (context.needs[i] ? side() : undefined));
  };
}
