import { describe, expect, it } from 'vitest';
import {
  emitGraph,
  exportValues,
  OnnxGraph,
  OnnxSession,
  readOnnxModel,
  SYMBOLIC_SIZE,
  type Value,
} from '#engine';
import * as build from '../ir/build.ts';

/** Operators of the nodes that values become. */
function nodesOf(outputs: readonly Value[]): readonly string[] {
  const graph = new OnnxGraph('test');
  const names = emitGraph(graph, outputs, { target: { device: 'cpu', threads: 1, blockSize: 1 } });
  names.forEach((name, i) => {
    graph.output(name, 'float32', outputs[i].shape);
  });
  return readOnnxModel(graph.toModel()).operators;
}

describe('emitGraph', () => {
  it('writes a layer with its loss as a list of nodes', () => {
    const x = build.input('x', 'float32', [4, 3]);
    const w = build.constant(new Float32Array(6), [3, 2], 'float32');
    const b = build.constant(new Float32Array(2), [2], 'float32');
    const logits = build.relu(build.add(build.matmul(x, w), b));
    expect(nodesOf([build.sum(build.logSoftmax(logits, 1))])).toMatchInlineSnapshot(`
      [
        "MatMul",
        "Add",
        "Relu",
        "LogSoftmax",
        "ReduceSum",
      ]
    `);
  });

  it('writes a value once, however many read it', () => {
    const e = build.exp(build.input('x', 'float32', [2]));
    expect(nodesOf([build.add(e, e), build.mul(e, e)])).toEqual(['Exp', 'Add', 'Mul']);
  });

  it('writes no reshape to the shape that is there already', () => {
    const x = build.input('x', 'float32', [2, 3]);
    const there = build.reshape(build.exp(x), [3, 2]);
    const back = build.reshape(there, [2, 3]);
    expect(nodesOf([build.add(back, x)])).toEqual(['Exp', 'Add']);
    expect(nodesOf([build.sum(back, [0])])).toEqual(['Exp', 'MatMul']);
    expect(nodesOf([build.neg(there)])).toEqual(['Exp', 'Reshape', 'Neg']);
  });
});

describe('exportValues', () => {
  it('reshapes there and back for any number of samples', async () => {
    const x = build.input('x', 'float32', [SYMBOLIC_SIZE, 4]);
    const there = build.neg(build.reshape(x, [SYMBOLIC_SIZE, 2, 2]));
    const outputs = new Map([
      ['there', there],
      ['back', build.reshape(there, [SYMBOLIC_SIZE, 4])],
    ]);
    const session = await OnnxSession.create(
      exportValues({ inputs: new Map([['x', x]]), outputs, nameOf: ({ name }) => name }),
    );
    for (const rows of [1, 3]) {
      const data = Float32Array.from({ length: rows * 4 }, (_, i) => i + 1);
      const results = await session.run({ x: { dtype: 'float32', dims: [rows, 4], data } });
      expect(results['there'].dims).toEqual([rows, 2, 2]);
      expect(results['back'].dims).toEqual([rows, 4]);
      expect([...(results['back'].data as Float32Array)]).toEqual([...data.map((value) => -value)]);
    }
    await session.release();
  });

  it('reads the free number of samples from an input where a size is needed', () => {
    const x = build.input('x', 'float32', [SYMBOLIC_SIZE, 3]);
    const row = build.constant(Float32Array.of(1, 2, 3), [1, 3], 'float32');
    const y = build.concat([x, build.expand(row, [SYMBOLIC_SIZE, 3])], 1);
    const bytes = exportValues({
      inputs: new Map([['x', x]]),
      outputs: new Map([['y', y]]),
      nameOf: ({ name }) => name,
    });
    const { operators, inputs, outputs } = readOnnxModel(bytes);
    expect(operators).toEqual(['Shape', 'Concat', 'Expand', 'Concat', 'Identity']);
    expect(inputs[0].shape).toEqual(['N', 3]);
    expect(outputs[0].shape).toEqual(['N', 6]);
  });
});
