import { describe, expect, it } from 'vitest';
import { emitGraph, exportValues, OnnxGraph, readOnnxModel, SYMBOLIC_SIZE, type Value } from '#engine';
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
});

describe('exportValues', () => {
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
