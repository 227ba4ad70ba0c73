import { describe, expect, it } from 'vitest';
import {
  gradients,
  interpret,
  printGraph,
  referenceTensor,
  sortNodes,
  type Value,
  type Variable,
  verifyGraph,
} from '#engine';
import * as build from '../build.ts';
import { foldChannelAffine, freezeVariables } from './freeze.ts';
import { poolByPhases } from './pool-by-phases.ts';
import { poolFirst } from './pool-first.ts';
import { replaceValues, rewrite } from './rewrite.ts';
import { simplify } from './simplify.ts';

const x = () => build.input('x', 'float32', [2, 3]);
const ops = (outputs: readonly Value[]) => sortNodes(outputs).map(({ op }) => op);
const state = (name: string, shape: number[], data: number[]): Variable => ({
  name,
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
});

describe('simplify', () => {
  it('computes what depends on constants alone, rounded to the type', () => {
    const sum = build.add(build.scalar(0.1, 'float32'), build.scalar(0.2, 'float32'));
    const [folded] = simplify([build.mul(x(), sum)]);
    expect(ops([folded]).sort()).toEqual(['constant', 'input', 'mul']);
    const constant = folded.node.inputs.find(({ node }) => node.op === 'constant')!;
    expect(build.constantValue(constant)).toBe(Math.fround(Math.fround(0.1) + Math.fround(0.2)));
    verifyGraph([folded]);
  });

  it('joins equal computations and leaves different ones apart', () => {
    const input = x();
    const twice = build.mul(build.exp(input), build.exp(input));
    const both = build.mul(build.exp(input), build.tanh(input));
    expect(ops(simplify([twice]))).toEqual(['input', 'exp', 'mul']);
    expect(ops(simplify([both]))).toEqual(['input', 'exp', 'tanh', 'mul']);
    const axes = build.add(build.sum(input, 0, true), build.sum(input, 1, true));
    expect(ops(simplify([axes])).filter((op) => op === 'sum')).toHaveLength(2);
  });

  it('tells 0 and -0 apart, and constants of other types', () => {
    const zeros = [0, -0].map((zero) => build.constant(Float32Array.of(zero), [1], 'float32'));
    expect(new Set(simplify(zeros)).size).toBe(2);
    const ones = [build.scalar(1, 'float32'), build.scalar(1, 'int64'), build.scalar(1, 'float32')];
    expect(new Set(simplify(ones)).size).toBe(2);
  });

  it('never joins what is to be computed again', () => {
    const input = x();
    const signal = build.sum(input);
    const again = [build.after(input, signal), build.after(input, signal)];
    expect(new Set(simplify(again)).size).toBe(2);
  });

  it('changes no value', () => {
    const input = x();
    const y = build.softmax(build.add(build.mul(input, input), build.mul(input, input)), 1);
    const bindings = { x: referenceTensor([1, -2, 3, 0.5, 0, -1], [2, 3]) };
    expect(interpret(simplify([y]), bindings)[0].data).toEqual(interpret([y], bindings)[0].data);
  });
});

describe('freezeVariables', () => {
  it('turns variables into named constants of their contents, which later changes do not touch', () => {
    const w = state('w', [2], [1, 2]);
    const [frozen] = freezeVariables([build.add(build.variable(w), 1)], () => 'layer.weight');
    verifyGraph([frozen]);
    (w.data as Float32Array)[0] = 50;
    expect(ops([frozen])).not.toContain('variable');
    expect([...interpret([frozen])[0].data]).toEqual([2, 3]);
    expect(
      sortNodes([frozen]).some(
        ({ attributes }) => 'name' in attributes && attributes.name === 'layer.weight',
      ),
    ).toBe(true);
  });
});

describe('foldChannelAffine', () => {
  const attributes = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
  const image = build.input('x', 'float32', [1, 2, 2, 2]);
  const weight = build.constant(Float32Array.of(1, 2, 3, 4), [2, 2, 1, 1], 'float32', 'conv.weight');
  const scale = build.constant(Float32Array.of(2, 0.5), [2], 'float32');
  const shift = build.constant(Float32Array.of(1, -1), [2], 'float32');
  const bindings = { x: referenceTensor([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2]) };

  it('puts scale and shift into the convolution, whose values stay', () => {
    const y = build.channelAffine(build.conv2d(image, weight, attributes), scale, shift);
    const [folded] = foldChannelAffine([y]);
    verifyGraph([folded]);
    expect(ops([folded])).not.toContain('channelAffine');
    // First pixel: (1·1 + 2·5)·2 + 1 = 23 and (3·1 + 4·5)·0.5 − 1 = 10.5.
    const values = interpret([folded], bindings)[0].data;
    expect([values[0], values[4]]).toEqual([23, 10.5]);
    expect(values).toEqual(interpret([y], bindings)[0].data);
  });

  it('leaves a convolution that something else reads too', () => {
    const conv = build.conv2d(image, weight, attributes);
    const outputs = foldChannelAffine([build.channelAffine(conv, scale, shift), build.relu(conv)]);
    expect(ops(outputs)).toContain('channelAffine');
  });
});

describe('rewrite', () => {
  it('replaces nodes with their readers, and keeps the rest as it is', () => {
    const input = x();
    const kept = build.tanh(input);
    const y = build.add(build.exp(input), kept);
    const [changed] = rewrite([y], (node, inputs) =>
      node.op === 'exp' ? [build.sin(inputs[0])] : undefined,
    );
    verifyGraph([changed]);
    expect(printGraph([changed])).toMatch(/sin/);
    expect(changed.node.inputs[1]).toBe(kept);
    expect(ops([y])).toContain('exp');
  });

  it('replaces values by others', () => {
    const input = x();
    const e = build.exp(input);
    const [changed] = replaceValues([build.add(e, 1)], new Map([[e, input]]));
    expect(ops([changed])).not.toContain('exp');
  });
});

describe('verifyGraph', () => {
  it('accepts what build makes and refuses an output of a shape that its rule does not give', () => {
    const sum = build.add(x(), x());
    expect(() => verifyGraph([sum])).not.toThrow();
    const node = { ...sum.node, outputs: [{ ...sum, shape: [9] }] };
    const bad = { ...sum, shape: [9], node: { ...node, outputs: [] as Value[] } };
    bad.node.outputs.push(bad);
    expect(() => verifyGraph([bad])).toThrow(/verifyGraph: .*\[9\]/);
  });
});

describe('poolFirst', () => {
  const pool = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] } as const;
  const images = () => build.input('x', 'float32', [1, 1, 4, 4]);
  // Windows with one maximum, with two of them, with zeros alone, and with negative numbers alone.
  const data = [1, 2, 3, 3, -1, 0, 2, 1, 0, 0, -4, -3, 0, 0, -2, -2];
  const bindings = { x: referenceTensor(data, [1, 1, 4, 4]) };

  it('pools before ReLU and changes neither values nor gradients', () => {
    const input = images();
    const before = build.maxPool2d(build.relu(input), pool);
    const [after] = poolFirst([before]);
    expect(ops([after])).toEqual(['input', 'maxPool2d', 'relu']);
    const both = [before, after].flatMap((y) => {
      const loss = build.sum(build.mul(y, y));
      return [y, ...gradients(loss, [input])];
    });
    const [y, dx, pooled, gradient] = interpret(both, bindings).map((result) => Array.from(result.data));
    expect(pooled).toEqual([2, 3, 0, 0]);
    expect(y).toEqual(pooled);
    // The first of the two maxima takes it all; 2·3 = 6.
    expect(gradient).toEqual([0, 4, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(dx).toEqual(gradient);
  });

  it('leaves alone what is read elsewhere, and windows of padding', () => {
    const active = build.relu(images());
    expect(ops(poolFirst([build.maxPool2d(active, pool), active]))).toEqual(['input', 'relu', 'maxPool2d']);
    const padded = { kernel: [2, 2], strides: [2, 2], pads: [2, 2, 0, 0] } as const;
    expect(ops(poolFirst([build.maxPool2d(build.relu(images()), padded)]))).toEqual([
      'input',
      'relu',
      'maxPool2d',
    ]);
  });
});

describe('poolByPhases', () => {
  const pool = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] } as const;
  const conv = { strides: [1, 1], pads: [1, 0, 0, 1], dilations: [1, 1], groups: 1 } as const;
  const x = build.input('x', 'float32', [2, 2, 6, 7]);
  const weight = build.input('w', 'float32', [3, 2, 3, 2]);
  const bias = build.input('b', 'float32', [3]);

  it('changes neither values nor gradients, also where windows hold equal numbers and rows are left over', () => {
    const before = build.maxPool2d(build.conv2d(x, weight, conv, bias), pool);
    const [after] = poolByPhases([before]);
    expect(ops([after])).toEqual(expect.arrayContaining(['pad', 'concat', 'conv2d', 'maxPool2d', 'add']));
    expect(after.shape).toEqual([2, 3, 2, 3]);
    const both = [before, after].flatMap((y) => [
      y,
      ...gradients(build.sum(build.mul(y, y)), [x, weight, bias]),
    ]);
    const bindings = {
      // Whole numbers, of which many are equal; the first image is empty in parts.
      x: referenceTensor(
        Array.from({ length: 168 }, (_, i) => (i < 30 ? 0 : ((i * 7) % 5) - 2)),
        [2, 2, 6, 7],
      ),
      w: referenceTensor(
        Array.from({ length: 36 }, (_, i) => ((i * 5) % 7) - 3),
        [3, 2, 3, 2],
      ),
      b: referenceTensor([1, -1, 0], [3]),
    };
    const results = interpret(both, bindings).map(({ data }) => Array.from(data));
    expect(results.slice(4)).toEqual(results.slice(0, 4));
  });

  it('leaves alone wide convolutions, overlapping windows and what is read elsewhere', () => {
    const image = build.input('image', 'float32', [1, 64, 8, 8]);
    const kernel = build.input('k', 'float32', [64, 64, 3, 3]);
    const strides = { ...conv, pads: [1, 1, 1, 1] } as const;
    const wide = build.maxPool2d(build.conv2d(image, kernel, strides), pool);
    const convolved = build.conv2d(x, weight, conv);
    const overlapping = build.maxPool2d(convolved, { kernel: [3, 3], strides: [2, 2], pads: [0, 0, 0, 0] });
    const large = build.maxPool2d(build.conv2d(x, weight, conv), {
      kernel: [5, 5],
      strides: [5, 5],
      pads: [0, 0, 0, 0],
    });
    const shared = [build.maxPool2d(convolved, pool), convolved];
    for (const outputs of [[wide], [overlapping], [large], shared]) {
      expect(ops(poolByPhases(outputs))).toEqual(ops(outputs));
    }
  });
});
