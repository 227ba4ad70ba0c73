import { describe, expect, it } from 'vitest';
import { gradients, interpret, referenceTensor, sortNodes, type Value } from '#engine';
import * as build from '../build.ts';
import { computeUniformOnce } from './uniform.ts';

const ops = (outputs: readonly Value[]) => sortNodes(outputs).map(({ op }) => op);

describe('computeUniformOnce', () => {
  const x = build.input('x', 'float32', [2, 3]);
  const rate = build.input('rate', 'float32', []);
  const bindings = { x: referenceTensor([1, -2, 3, 6, 5, 4], [2, 3]), rate: referenceTensor([0.5], []) };

  it('multiplies by the number that the gradient of a sum repeats', () => {
    const loss = build.mul(build.sum(build.neg(build.sum(build.mul(x, x), [1])), [0]), rate);
    const before = gradients(loss, [x]);
    const after = computeUniformOnce(before);
    expect(ops(before)).toContain('expand');
    expect(ops(after)).not.toContain('expand');
    const [wanted, got] = [before, after].map((values) => [...interpret(values, bindings)[0].data]);
    expect(got).toEqual(wanted);
    expect(got).toEqual([-1, 2, -3, -6, -5, -4]);
  });

  it('writes out what nothing else can stand for', () => {
    const spread = build.expand(rate, [2, 3]);
    const outputs = [
      spread,
      build.exp(spread),
      build.sub(build.expand(rate, [2, 1]), build.input('y', 'float32', [2, 1])),
    ];
    expect(ops(computeUniformOnce(outputs))).toEqual(expect.arrayContaining(['expand', 'exp', 'sub']));
    expect(computeUniformOnce(outputs).map(({ shape }) => shape)).toEqual([
      [2, 3],
      [2, 3],
      [2, 1],
    ]);
  });
});
