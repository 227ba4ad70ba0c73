import { describe, expect, it } from 'vitest';
import { gradients, interpret, referenceTensor, sortNodes, type Value, verifyGraph } from '#engine';
import * as build from '../build.ts';
import { withNodeContext } from '../create-node.ts';
import { fuseOps } from './fuse.ts';
import { repeatAffine } from './repeat-affine.ts';
import { simplify } from './simplify.ts';

const SHAPE = [2, 16, 2, 3];
const SIZE = 2 * 16 * 2 * 3;
const image = (name: string) => build.input(name, 'float32', SHAPE);
const channels = (name: string) => build.input(name, 'float32', [16]);
const ops = (outputs: readonly Value[]) => sortNodes(outputs).map(({ op }) => op);
const wave = (length: number, phase: number) => Array.from({ length }, (_, i) => Math.sin(i * 1.3 + phase));
const bindings = {
  x: referenceTensor(wave(SIZE, 0), SHAPE),
  z: referenceTensor(wave(SIZE, 1), SHAPE),
  scale: referenceTensor(wave(16, 2), [16]),
  shift: referenceTensor(wave(16, 3), [16]),
  gate: referenceTensor(wave(32, 4), [2, 16]),
};

/** Values before and after a pass are the same. */
function expectSame(before: readonly Value[], after: readonly Value[]): void {
  verifyGraph(after);
  const [wanted, got] = [interpret(before, bindings), interpret(after, bindings)];
  got.forEach(({ data }, i) => {
    data.forEach((value, at) => {
      expect(value).toBeCloseTo(wanted[i].data[at], 10);
    });
  });
}

describe('fuseOps', () => {
  it('makes scale and shift, a sum and ReLU one operation', () => {
    const scaled = build.channelAffine(image('x'), channels('scale'), channels('shift'));
    const y = build.relu(build.add(scaled, image('z')));
    const fused = fuseOps([y]);
    expect(ops(fused)).toEqual(['input', 'input', 'input', 'input', 'affineSum']);
    expectSame([y], fused);
  });

  it('of two scaled images takes the one that has a shift', () => {
    const plain = build.channelAffine(image('z'), channels('scale'));
    const shifted = build.channelAffine(image('x'), channels('scale'), channels('shift'));
    const fused = fuseOps([build.add(plain, shifted)]);
    expect(ops(fused).filter((op) => op !== 'input')).toEqual(['channelAffine', 'affineSum']);
    expect(fused[0].node.inputs[3].node.op).toBe('channelAffine');
    expectSame([build.add(plain, shifted)], fused);
  });

  it('leaves a scaled image alone that something else reads', () => {
    const scaled = build.channelAffine(image('x'), channels('scale'), channels('shift'));
    expect(ops(fuseOps([build.relu(scaled), scaled]))).not.toContain('affineSum');
  });

  it('takes ReLU into the linear layer before it, whose gradient is a product with a sign', () => {
    const [x, weight, bias] = [[3, 4], [4, 2], [2]].map((shape, i) => build.input(`x${i}`, 'float32', shape));
    const y = build.relu(build.add(build.matmul(x, weight), bias));
    const outputs = [y, ...gradients(build.sum(y), [x, weight, bias])];
    const fused = fuseOps(simplify(outputs));
    expect(ops(fused)).toEqual(expect.arrayContaining(['gemm', 'sign']));
    expect(ops(fused)).not.toContain('relu');
    const bindings = {
      x0: referenceTensor([1, -2, 3, 0, 0, 1, -1, 2, 5, -3, 1, 1], [3, 4]),
      x1: referenceTensor([1, -1, 2, 0, -1, 1, 0, 3], [4, 2]),
      x2: referenceTensor([1, -1], [2]),
    };
    const [before, after] = [outputs, fused].map((all) =>
      interpret(all, bindings).map(({ data }) => [...data]),
    );
    expect(after).toEqual(before);
  });

  it('makes the gradient of ReLU a product with a sign, behind a fused one too', () => {
    const x = image('x');
    const y = build.relu(build.channelAffine(x, channels('scale'), channels('shift')));
    const outputs = [y, ...gradients(build.sum(build.mul(y, y)), [x])];
    const fused = fuseOps(simplify(outputs));
    expect(ops(fused)).toContain('sign');
    expect(ops(fused)).not.toContain('where');
    expectSame(outputs, fused);
  });

  it('makes a sum spread over all pixels the shift of a scaling of every sample', () => {
    const x = image('x');
    const means = build.channelSum(x, true);
    const y = build.channelAffine(
      x,
      build.sigmoid(build.add(means, build.input('gate', 'float32', [2, 16]))),
    );
    const outputs = gradients(build.sum(build.mul(y, y)), [x]);
    const fused = fuseOps(simplify(outputs));
    expect(ops(simplify(outputs))).toContain('expand');
    expect(fused[0].node.op).toBe('channelAffine');
    expect(fused[0].node.inputs).toHaveLength(3);
    expectSame(outputs, fused);
  });

  it('makes the difference in the gradient of SiLU one operation', () => {
    const x = image('x');
    const y = build.silu(x);
    const outputs = gradients(build.sum(build.mul(y, y)), [x]);
    const fused = fuseOps(simplify(outputs));
    expect(ops(fused)).toContain('affineSum');
    expect(ops(fused)).not.toContain('sub');
    expectSame(outputs, fused);
  });
});

describe('repeatAffine', () => {
  const scaledOf = (x: Value) => build.channelAffine(x, channels('scale'), channels('shift'));

  it('computes again for the backward pass what it need not keep', () => {
    const x = image('x');
    const scaled = scaledOf(x);
    const y = build.silu(scaled);
    const backward = withNodeContext({ phase: 'backward', site: undefined }, () => [
      build.channelDot(y, x),
      build.mul(scaled, y),
    ]);
    const outputs = [y, ...backward];
    const repeated = repeatAffine(outputs);
    const copies = sortNodes(repeated).filter(({ op }) => op === 'channelAffine');
    expect(copies).toHaveLength(2);
    expect(repeated[0].node.inputs[0].node).toBe(scaled.node);
    expect(repeated[2].node.inputs[0].node).toBe(copies[1]);
    // Right behind the first, before all that came later.
    expect(copies[1].id - copies[0].id).toBe(0.5);
    expectSame(outputs, repeated);
  });

  it('keeps it where its operand would have to be kept instead', () => {
    const scaled = scaledOf(image('x'));
    const y = build.silu(scaled);
    const backward = withNodeContext({ phase: 'backward', site: undefined }, () => build.mul(scaled, y));
    expect(ops(repeatAffine([y, backward])).filter((op) => op === 'channelAffine')).toHaveLength(1);
  });
});
