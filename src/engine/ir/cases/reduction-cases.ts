import * as build from '../build.ts';
import { type OpCases, of, random } from './op-case.ts';

/** Cases of reductions and ops along one axis. */
export const reductionCases: OpCases<
  'sum' | 'reduceMax' | 'reduceMin' | 'logSumExp' | 'argMax' | 'cumSum' | 'topK' | 'softmax' | 'logSoftmax'
> = {
  sum: [
    // Rows 1 + 2 and 3 + 4
    {
      name: 'rows',
      inputs: [{ shape: [2, 2], data: [1, 2, 3, 4] }],
      make: (x) => build.sum(x, 1),
      expected: [[3, 7]],
    },
    { name: 'several axes', inputs: [random(2, 3, 4)], make: (x) => build.sum(x, [0, 2]), smooth: true },
    { name: 'kept axis', inputs: [random(2, 3)], make: (x) => build.sum(x, 0, true), smooth: true },
  ],
  reduceMax: [
    {
      name: 'rows',
      inputs: [{ shape: [2, 2], data: [1, 2, 4, 3] }],
      make: (x) => build.reduceMax(x, 1),
      expected: [[2, 4]],
    },
    {
      name: 'several axes',
      inputs: [random(2, 3, 4)],
      make: (x) => build.reduceMax(x, [0, 2]),
      linear: true,
    },
  ],
  reduceMin: [
    {
      name: 'rows',
      inputs: [{ shape: [2, 2], data: [1, 2, 4, 3] }],
      make: (x) => build.reduceMin(x, 1),
      expected: [[1, 3]],
    },
    {
      name: 'several axes',
      inputs: [random(2, 3, 4)],
      make: (x) => build.reduceMin(x, [0, 2]),
      linear: true,
    },
  ],
  logSumExp: [
    // log(e⁰ + e⁰) = ln 2; log(1 + 3) = ln 4
    {
      name: 'rows',
      inputs: [{ shape: [2, 2], data: [0, 0, 0, Math.log(3)] }],
      make: (x) => build.logSumExp(x, 1),
      expected: [[Math.LN2, Math.log(4)]],
    },
    {
      name: 'several axes',
      inputs: [random(2, 3, 2)],
      make: (x) => build.logSumExp(x, [0, 2], true),
      smooth: true,
    },
  ],
  argMax: [
    {
      name: 'first of equal ones',
      inputs: [{ shape: [2, 3], data: [1, 5, 5, 9, 2, 3] }],
      make: (x) => build.argMax(x, 1),
      expected: [[1, 0]],
    },
  ],
  cumSum: [
    { name: 'running', inputs: [of(1, 2, 3)], make: (x) => build.cumSum(x), expected: [[1, 3, 6]] },
    {
      name: 'exclusive',
      inputs: [of(1, 2, 3)],
      make: (x) => build.cumSum(x, 0, { exclusive: true }),
      expected: [[0, 1, 3]],
    },
    {
      name: 'from the end',
      inputs: [random(2, 3)],
      make: (x) => build.cumSum(x, 1, { reverse: true }),
      smooth: true,
    },
  ],
  topK: [
    {
      name: 'largest',
      inputs: [of(3, 9, 5)],
      make: (x) => build.topK(x, 2),
      expected: [
        [9, 5],
        [1, 2],
      ],
    },
    {
      name: 'smallest',
      inputs: [of(3, 9, 5)],
      make: (x) => build.topK(x, 2, 0, false),
      expected: [
        [3, 5],
        [0, 2],
      ],
    },
    { name: 'along an axis', inputs: [random(2, 5, 2)], make: (x) => build.topK(x, 2, 1)[0], linear: true },
  ],
  softmax: [
    // e⁰ : e^(ln 3) = 1 : 3
    {
      name: 'shares',
      inputs: [{ shape: [1, 2], data: [0, Math.log(3)] }],
      make: (x) => build.softmax(x),
      expected: [[0.25, 0.75]],
    },
    { name: 'inner axis', inputs: [random(2, 3, 2)], make: (x) => build.softmax(x, 1), smooth: true },
  ],
  logSoftmax: [
    {
      name: 'logarithms',
      inputs: [{ shape: [1, 2], data: [0, Math.log(3)] }],
      make: (x) => build.logSoftmax(x),
      expected: [[Math.log(0.25), Math.log(0.75)]],
    },
    { name: 'inner axis', inputs: [random(2, 3, 2)], make: (x) => build.logSoftmax(x, 1), smooth: true },
  ],
};
