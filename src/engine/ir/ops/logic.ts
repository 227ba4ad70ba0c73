import { DTypeError } from '#core';
import type { OpName } from '../op-attributes.ts';
import type { OpRule, OpTable } from '../op-rule.ts';
import { broadcastShapes, commonDType, formatType } from '../shapes.ts';
import { elementwise, emitElementwise, mapElements } from './elementwise.ts';

const compare = <K extends OpName>(kernel: (x: number, z: number) => boolean, operator: string): OpRule<K> =>
  elementwise<K>({
    kernel: (x, z) => Number(kernel(x, z)),
    gradient: 'none',
    lowering: operator,
    result: 'bool',
    operands: 'any',
  });

/** Comparisons and logic, which have no gradient, and the choice by a condition, which has. */
export const logicRules: Pick<
  OpTable,
  'equal' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual' | 'and' | 'or' | 'not' | 'where' | 'isFinite'
> = {
  equal: compare((x, z) => x === z, 'Equal'),
  less: compare((x, z) => x < z, 'Less'),
  lessEqual: compare((x, z) => x <= z, 'LessOrEqual'),
  greater: compare((x, z) => x > z, 'Greater'),
  greaterEqual: compare((x, z) => x >= z, 'GreaterOrEqual'),
  and: elementwise({
    kernel: (x, z) => Number(x !== 0 && z !== 0),
    gradient: 'none',
    lowering: 'And',
    operands: 'bool',
  }),
  or: elementwise({
    kernel: (x, z) => Number(x !== 0 || z !== 0),
    gradient: 'none',
    lowering: 'Or',
    operands: 'bool',
  }),
  not: elementwise({ kernel: (x) => Number(x === 0), gradient: 'none', lowering: 'Not', operands: 'bool' }),
  where: {
    infer: ([condition, x, z], _, where) => {
      if (condition.dtype !== 'bool') {
        throw new DTypeError(
          `${where}: the condition must be bool, but got ${formatType(condition)}. Compare it with something.`,
          { dtype: condition.dtype },
        );
      }
      const dtype = commonDType([x, z], where);
      return [{ dtype, shape: broadcastShapes([condition.shape, x.shape, z.shape], where) }];
    },
    gradient: ({ build, inputs: [condition, x, z], gradients: [dy], needs }) => {
      if (dy === undefined) return [undefined, undefined, undefined];
      const zero = build.constantLike(x, 0);
      return [
        undefined,
        needs[1] ? build.where(condition, dy, zero) : undefined,
        needs[2] ? build.where(condition, build.constantLike(z, 0), dy) : undefined,
      ];
    },
    reference: (inputs, _, [{ shape }]) => [
      mapElements((condition, x, z) => (condition !== 0 ? x : z), inputs, shape),
    ],
    lowerings: [
      {
        name: 'Where',
        emit: (e, node) => emitElementwise(e, node, (names) => e.node('Where', names)),
      },
    ],
  },
  isFinite: elementwise({
    kernel: (x) => Number(Number.isFinite(x)),
    gradient: 'none',
    result: 'bool',
    operands: 'float',
    lowering: {
      name: 'Sub, Equal',
      // x − x is 0 for finite x and NaN otherwise: fewer passes than IsInf and IsNaN.
      emit: (e, node) =>
        emitElementwise(e, node, ([x]) =>
          e.node('Equal', [e.node('Sub', [x, x]), e.scalar(0, node.inputs[0].dtype)]),
        ),
    },
  }),
};
