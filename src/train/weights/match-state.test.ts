import { describe, expect, it } from 'vitest';
import { DataError, type DType, type HostTensor, hostTensor, type Shape, sizeOf } from '#core';
import { mapKeys } from './map-keys.ts';
import { formatWeightReport, matchState } from './match-state.ts';
import type { StateDict, TensorSpec } from './state-dict.ts';

const zeros = (shape: Shape) => hostTensor('float32', new Float32Array(sizeOf(shape)), shape);
const stateOf = (shapes: Record<string, Shape>): StateDict =>
  new Map(Object.entries(shapes).map(([key, shape]) => [key, zeros(shape)]));
const specs = (shapes: Record<string, Shape>, dtype: DType = 'float32') =>
  new Map<string, TensorSpec>(Object.entries(shapes).map(([key, shape]) => [key, { shape, dtype }]));
const names = (state: StateDict) => [...state.keys()];

describe('mapKeys', () => {
  it('strips the prefixes of wrappers when every name has them', () => {
    const state = stateOf({ 'module._orig_mod.a.w': [1], 'module._orig_mod.b': [1] });
    expect(names(mapKeys(state, { stripPrefix: 'auto' }))).toEqual(['a.w', 'b']);
    const mixed = stateOf({ 'module.a': [1], b: [1] });
    expect(names(mapKeys(mixed, { stripPrefix: 'auto' }))).toEqual(['module.a', 'b']);
  });

  it('keeps a prefix that the model has itself', () => {
    const state = stateOf({ 'module.model.0.w': [1], 'module.model.1.w': [1] });
    const target = ['model.0.w', 'model.1.w'];
    expect(names(mapKeys(state, { stripPrefix: 'auto', target }))).toEqual(target);
  });

  it('strips given prefixes and renames in order', () => {
    const state = stateOf({ 'net.fc.weight': [1], 'layer1.0.weight': [1] });
    const mapped = mapKeys(state, {
      stripPrefix: ['net.'],
      rename: [
        [/^layer(\d+)\./, 'layers.$1.'],
        ['fc', 'head'],
      ],
    });
    expect(names(mapped)).toEqual(['head.weight', 'layers.1.0.weight']);
  });

  it('refuses two names that become one', () => {
    const state = stateOf({ 'a.w': [1], 'b.w': [1] });
    expect(() => mapKeys(state, { rename: [[/^[ab]/, 'c']] })).toThrow(
      /"a\.w" and "b\.w" both become "c\.w"/,
    );
  });
});

describe('matchState', () => {
  const target = specs({
    'stem.weight': [4, 3, 1, 1],
    'stem.bias': [4],
    'head.weight': [5, 4],
    'head.bias': [5],
  });

  it('leaves a head of another size at its initial values, and says so', () => {
    const source = stateOf({
      'stem.weight': [4, 3],
      'stem.bias': [4],
      'head.weight': [9, 4],
      'head.bias': [9],
      extra: [1],
    });
    const { state, report } = matchState(target, source, { headPattern: 'head' });
    expect(names(state)).toEqual(['stem.weight', 'stem.bias']);
    expect(state.get('stem.weight')?.shape).toEqual([4, 3, 1, 1]);
    expect(formatWeightReport(report)).toBe(
      [
        '2 of 4 tensors loaded (100.0% of the elements outside the head).',
        '2 of another shape or type, left as they were: head.weight [5, 4] and not [9, 4], head.bias [5] and not [9]',
        '1 in the file only, not used: extra',
        '1 reshaped by axes of size 1: stem.weight [4, 3, 1, 1] and not [4, 3]',
      ].join('\n'),
    );
  });

  it('refuses another shape outside the head unless told', () => {
    const source = stateOf({
      'stem.weight': [4, 3, 1, 1],
      'stem.bias': [8],
      'head.weight': [5, 4],
      'head.bias': [5],
    });
    expect(() => matchState(target, source, { headPattern: /^head/g })).toThrow(
      /outside the head must agree.*\n.*\n1 of another shape or type.*stem\.bias \[4\] and not \[8\]/,
    );
    expect(matchState(target, source, { allowMismatched: true }).report.mismatched[0].key).toBe('stem.bias');
  });

  it('refuses a file of which too little matches, with names from both sides', () => {
    const source = stateOf({ 'backbone.stem.weight': [4, 3, 1, 1], 'stem.bias': [4] });
    expect(() => matchState(target, source)).toThrow(DataError);
    expect(() => matchState(target, source)).toThrow(
      /at least 50% .*the file has "backbone\.stem\.weight", the model "stem\.weight"/s,
    );
    // 4 of the 12 + 4 + 20 + 5 elements.
    expect(matchState(target, source, { allowPartial: true }).report.share).toBeCloseTo(4 / 41, 12);
  });

  it('refuses any difference under strict, but not the counters of batch norm', () => {
    const wanted = specs({ a: [1], 'bn.num_batches_tracked': [] });
    expect(
      matchState(wanted, stateOf({ a: [1], 'x.num_batches_tracked': [] }), { strict: true }).report.matched,
    ).toEqual(['a']);
    expect(() => matchState(wanted, stateOf({ a: [1], b: [1] }), { strict: true })).toThrow(/with strict/);
  });

  it('converts element types where no value is lost', () => {
    const source: StateDict = new Map<string, HostTensor>([
      ['half', hostTensor('float16', new Uint16Array([0x3c00]))],
      ['long', hostTensor('int64', new BigInt64Array([7n]))],
      ['wide', hostTensor('int64', new BigInt64Array([2n ** 40n]))],
      ['real', hostTensor('float32', new Float32Array([0.5]))],
    ]);
    const wanted = new Map<string, TensorSpec>([
      ['half', { dtype: 'float32', shape: [1] }],
      ['long', { dtype: 'int32', shape: [] }],
      ['wide', { dtype: 'int32', shape: [1] }],
      ['real', { dtype: 'int64', shape: [1] }],
    ]);
    const { state, report } = matchState(wanted, source, { allowMismatched: true });
    expect(state.get('half')).toEqual(hostTensor('float32', new Float32Array([1])));
    expect(state.get('long')).toEqual(hostTensor('int32', new Int32Array([7]), []));
    expect(report.mismatched.map(({ key }) => key)).toEqual(['wide', 'real']);
    expect(formatWeightReport(report)).toContain('wide int32 [1] and not int64 [1]');
  });
});
