import { describe, expect, it } from 'vitest';
import { DataError, GraphError } from '#core';
import { OnnxGraph, OnnxSession, readOnnxModel } from '#engine';

function doubler(): OnnxGraph {
  const graph = new OnnxGraph('double');
  const x = graph.input('x', 'float32', ['N'], 'values to double');
  graph.output(graph.node('Mul', [x, graph.float(2)]), 'float32', ['N'], 'y');
  return graph;
}

describe('OnnxGraph', () => {
  it('writes a model that ONNX Runtime runs', async () => {
    const session = await OnnxSession.create(doubler().toModel({ metadata: { task: 'test' } }));
    const result = await session.run({
      x: { dtype: 'float32', data: new Float32Array([1, -2.5]), dims: [2] },
    });
    expect(result['y'].data).toEqual(new Float32Array([2, -5]));
    await session.release();
  });

  it('writes strings, maps them with LabelEncoder and stores the domain it needs', async () => {
    const graph = new OnnxGraph('encode');
    const x = graph.input('x', 'string', ['N']);
    const code = graph.node('LabelEncoder', [x], {
      domain: 'ai.onnx.ml',
      attributes: {
        keys_strings: { strings: ['ä', 'b'] },
        values_int64s: { ints: [7, -3] },
        default_int64: { int: -1 },
      },
    });
    graph.output(code, 'int64', ['N'], 'code');
    const bytes = graph.toModel();
    expect(readOnnxModel(bytes).opsets).toEqual({ '': 21, 'ai.onnx.ml': 4 });
    const session = await OnnxSession.create(bytes);
    const result = await session.run({ x: { dtype: 'string', data: ['b', 'ä', ''], dims: [3] } });
    expect(result['code'].data).toEqual(new BigInt64Array([-3n, 7n, -1n]));
    await session.release();
  });

  it('reads back what it wrote', () => {
    const info = readOnnxModel(doubler().toModel({ metadata: { task: 'test' }, producerVersion: '1.2.3' }));
    expect(info).toMatchObject({
      producerName: 'trainyard',
      producerVersion: '1.2.3',
      metadata: { task: 'test' },
      inputs: [{ name: 'x', dtype: 'float32', shape: ['N'], doc: 'values to double' }],
      outputs: [{ name: 'y', dtype: 'float32', shape: ['N'] }],
      operators: ['Mul', 'Identity'],
    });
  });

  it('stores equal scalars once', () => {
    const graph = new OnnxGraph('constants');
    expect(graph.float(2)).toBe(graph.float(2));
    expect(graph.float(2)).not.toBe(graph.float(2, [1]));
    expect(graph.float(0)).not.toBe(graph.float(-0));
    expect(graph.int64(1)).not.toBe(graph.int64([1]));
  });

  it('refuses unknown inputs, taken names and tensors of the wrong size', () => {
    const graph = doubler();
    expect(() => graph.node('Add', ['x', 'nowhere'])).toThrow(GraphError);
    expect(() => graph.input('x', 'float32', ['N'])).toThrow('"x" is taken');
    expect(() => graph.constant(new Float32Array(3), [2])).toThrow('holds 2 values, but got 3');
  });
});

describe('readOnnxModel', () => {
  it('refuses bytes that are no ONNX model', () => {
    expect(() => readOnnxModel(new Uint8Array())).toThrow(DataError);
    expect(() => readOnnxModel(new TextEncoder().encode('age,job\n1,admin\n'))).toThrow(DataError);
    const bytes = doubler().toModel();
    expect(() => readOnnxModel(bytes.subarray(0, bytes.length - 20))).toThrow(DataError);
  });
});
