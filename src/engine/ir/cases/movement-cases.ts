import * as build from '../build.ts';
import { type OpCases, of, random, whole } from './op-case.ts';

/** Cases of ops that move elements, and of random numbers. */
export const movementCases: OpCases<
  | 'reshape'
  | 'transpose'
  | 'expand'
  | 'slice'
  | 'pad'
  | 'concat'
  | 'split'
  | 'gather'
  | 'scatterAdd'
  | 'gatherElements'
  | 'scatterElementsAdd'
  | 'oneHot'
  | 'randomUniform'
> = {
  reshape: [
    {
      name: 'columns',
      inputs: [of(1, 2, 3, 4)],
      make: (x) => build.reshape(x, [2, -1]),
      expected: [[1, 2, 3, 4]],
      smooth: true,
    },
  ],
  transpose: [
    {
      name: 'matrix',
      inputs: [{ shape: [2, 2], data: [1, 2, 3, 4] }],
      make: (x) => build.transpose(x),
      expected: [[1, 3, 2, 4]],
    },
    {
      name: 'three axes',
      inputs: [random(2, 3, 4)],
      make: (x) => build.transpose(x, [2, 0, 1]),
      smooth: true,
    },
  ],
  expand: [
    { name: 'repeats', inputs: [of(1, 2)], make: (x) => build.expand(x, [2, 2]), expected: [[1, 2, 1, 2]] },
    { name: 'inner axis', inputs: [random(2, 1, 3)], make: (x) => build.expand(x, [2, 4, 3]), smooth: true },
  ],
  slice: [
    { name: 'part', inputs: [of(1, 2, 3, 4)], make: (x) => build.slice(x, [1], [3]), expected: [[2, 3]] },
    {
      name: 'backwards',
      inputs: [of(1, 2, 3, 4)],
      make: (x) => build.slice(x, [3], [-1], [-1]),
      expected: [[4, 3, 2, 1]],
      smooth: true,
    },
    {
      name: 'every second',
      inputs: [random(2, 5)],
      make: (x) => build.slice(x, [0, 1], [2, 5], [1, 2]),
      smooth: true,
    },
    {
      name: 'every second backwards',
      inputs: [random(6, 2)],
      make: (x) => build.slice(x, [4, 0], [-1, 2], [-2, 1]),
      smooth: true,
    },
  ],
  pad: [
    {
      name: 'with a value',
      inputs: [of(1, 2)],
      make: (x) => build.pad(x, [1], [2], 9),
      expected: [[9, 1, 2, 9, 9]],
    },
    { name: 'two axes', inputs: [random(2, 3)], make: (x) => build.pad(x, [0, 1], [2, 0]), smooth: true },
  ],
  concat: [
    { name: 'joins', inputs: [of(1, 2), of(3)], make: (x, z) => build.concat([x, z]), expected: [[1, 2, 3]] },
    {
      name: 'inner axis',
      inputs: [random(2, 1, 2), random(2, 3, 2)],
      make: (x, z) => build.concat([x, z], 1),
      smooth: true,
    },
    {
      name: 'stacked',
      inputs: [random(2, 3), random(2, 3)],
      make: (x, z) => build.stack([x, z], 1),
      smooth: true,
    },
  ],
  split: [
    { name: 'parts', inputs: [of(1, 2, 3)], make: (x) => build.split(x, [1, 2]), expected: [[1], [2, 3]] },
    { name: 'inner axis', inputs: [random(2, 4, 2)], make: (x) => build.split(x, [1, 3], 1), smooth: true },
  ],
  gather: [
    {
      name: 'elements',
      inputs: [of(5, 6, 7), whole([2], 2, 0)],
      make: (x, i) => build.gather(x, i),
      expected: [[7, 5]],
    },
    {
      name: 'rows, one twice',
      inputs: [random(3, 2), whole([2, 2], 2, 0, 2, 1)],
      make: (x, i) => build.gather(x, i),
      smooth: true,
    },
    {
      name: 'columns',
      inputs: [random(2, 3), whole([2], 2, 2)],
      make: (x, i) => build.gather(x, i, 1),
      smooth: true,
    },
  ],
  scatterAdd: [
    // Index 1 twice: 2 + 3
    {
      name: 'adds up',
      inputs: [of(1, 2, 3), whole([3], 0, 1, 1)],
      make: (u, i) => build.scatterAdd(u, i, 0, [3]),
      expected: [[1, 5, 0]],
    },
    {
      name: 'columns',
      inputs: [random(2, 3, 2), whole([3], 2, 0, 2)],
      make: (u, i) => build.scatterAdd(u, i, 1, [2, 4, 2]),
      smooth: true,
    },
    {
      name: 'matrix of indices',
      inputs: [random(2, 2, 3), whole([2, 2], 1, 0, 1, 1)],
      make: (u, i) => build.scatterAdd(u, i, 0, [3, 3]),
      smooth: true,
    },
  ],
  gatherElements: [
    {
      name: 'one per row',
      inputs: [{ shape: [2, 2], data: [1, 2, 3, 4] }, whole([2, 1], 1, 0)],
      make: (x, i) => build.gatherElements(x, i),
      expected: [[2, 3]],
    },
    {
      name: 'along the first axis',
      inputs: [random(3, 2), whole([2, 2], 2, 0, 1, 1)],
      make: (x, i) => build.gatherElements(x, i, 0),
      smooth: true,
    },
  ],
  scatterElementsAdd: [
    {
      name: 'one per row',
      inputs: [{ shape: [2, 1], data: [5, 6] }, whole([2, 1], 1, 0)],
      make: (u, i) => build.scatterElementsAdd(u, i, 1, [2, 2]),
      expected: [[0, 5, 6, 0]],
    },
    {
      name: 'index twice',
      inputs: [random(2, 2), whole([2, 2], 1, 1, 1, 0)],
      make: (u, i) => build.scatterElementsAdd(u, i, 0, [3, 2]),
      smooth: true,
    },
  ],
  oneHot: [
    {
      name: 'outside is all zeros',
      inputs: [whole([3], 1, 0, 2)],
      make: (i) => build.oneHot(i, 2),
      expected: [[0, 1, 1, 0, 0, 0]],
    },
  ],
  randomUniform: [
    { name: 'a stream', inputs: [whole([2], 7, 3)], make: (key) => build.randomUniform(key, [5, 4], 11) },
    {
      name: 'large and negative keys',
      inputs: [whole([2], 9007199254740991, -5)],
      make: (key) => build.randomUniform(key, [6], 0),
    },
  ],
};
