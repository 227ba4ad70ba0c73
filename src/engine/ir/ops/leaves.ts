import { GraphError } from '#core';
import type { OpTable } from '../op-rule.ts';

/** Leaves are given their contents by whoever evaluates the graph. */
function noEvaluation(): never {
  throw new GraphError('leaf: inputs and variables must be bound before a graph is evaluated. Bind them.');
}

export const leafRules: Pick<OpTable, 'input' | 'constant' | 'variable'> = {
  input: {
    infer: (_, { dtype, shape }) => [{ dtype, shape }],
    gradient: 'none',
    reference: noEvaluation,
    lowerings: [{ name: 'input', emit: noEvaluation }],
  },
  constant: {
    infer: (_, { dtype, shape }) => [{ dtype, shape }],
    gradient: 'none',
    reference: (_, { data }) => [Float64Array.from(data as Float32Array, Number)],
    lowerings: [
      {
        name: 'initializer',
        emit: (e, { attributes }) => [
          e.constant(attributes.data, attributes.shape, attributes.dtype, attributes.name),
        ],
      },
    ],
  },
  variable: {
    infer: (_, { variable }) => [{ dtype: variable.dtype, shape: variable.shape }],
    gradient: 'none',
    reference: noEvaluation,
    lowerings: [{ name: 'input', emit: noEvaluation }],
  },
};
