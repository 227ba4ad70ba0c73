import { sizeOf } from '#core';
import * as build from '../../ir/build.ts';
import { resolveAxis } from '../../ir/shapes.ts';
import type { Value } from '../../ir/value.ts';
import type { ImportTable, NodeReader } from './node-reader.ts';

/** a·b for two matrices or stacks of them; vectors become matrices and back. */
function matmul(a: Value, b: Value): Value {
  const isRow = a.shape.length === 1;
  const isColumn = b.shape.length === 1;
  const left = isRow ? build.reshape(a, [1, a.shape[0]]) : a;
  const right = isColumn ? build.reshape(b, [b.shape[0], 1]) : b;
  const y = build.matmul(left, right);
  if (!isRow && !isColumn) return y;
  const rank = y.shape.length;
  return build.reshape(y, y.shape.filter((_, axis) => !((isRow && axis === rank - 2) || (isColumn && axis === rank - 1)))); // biome-ignore format: short
}

/** alpha·a·b + beta·c. */
function gemm(node: NodeReader): Value {
  const product = build.matmul(node.input(0), node.input(1), {
    transposeA: node.int('transA', 0) !== 0,
    transposeB: node.int('transB', 0) !== 0,
  });
  const scaled = build.mul(product, node.float('alpha', 1));
  const c = node.optional(2);
  return c === undefined ? scaled : build.add(scaled, build.mul(c, node.float('beta', 1)));
}

/**
 * (x − mean)/√(variance + epsilon)·scale + bias per channel. In training the statistics are the batch's, and the running
 * ones move towards them, the variance unbiased, as in PyTorch.
 */
function batchNormalization(node: NodeReader): Value {
  const [x, scale, bias, runningMean, runningVar] = node.inputs();
  const { training, batchStatistics, assign } = node.hooks;
  const usesBatch = training && batchStatistics;
  const [mean, variance] = usesBatch ? build.channelMoments(x) : [runningMean, runningVar];
  if (usesBatch && assign !== undefined) {
    const keep = node.float('momentum', 0.9);
    const count = sizeOf(x.shape) / x.shape[1];
    const move = (i: number, running: Value, batch: Value) =>
      assign(
        node.inputNames[i],
        build.add(build.mul(running, keep), build.mul(build.stopGradient(batch), 1 - keep)),
      );
    move(3, runningMean, mean);
    move(4, runningVar, build.mul(variance, count / Math.max(1, count - 1)));
  }
  const deviation = build.sqrt(build.add(variance, node.float('epsilon', 1e-5)));
  const factor = build.mul(scale, build.reciprocal(deviation));
  return build.channelAffine(x, factor, build.sub(bias, build.mul(mean, factor)));
}

function normalize(x: Value, axes: readonly number[], epsilon: number): Value {
  const centred = build.sub(x, build.mean(x, axes, true));
  const variance = build.mean(build.mul(centred, centred), axes, true);
  return build.mul(centred, build.reciprocal(build.sqrt(build.add(variance, epsilon))));
}

function layerNormalization(node: NodeReader): Value {
  const x = node.input(0);
  if (node.outputCount > 1) throw node.unsupported('only the normalised output can be used, but got more');
  const first = resolveAxis(node.int('axis', -1), x.shape.length, node.where);
  const axes = x.shape.map((_, axis) => axis).slice(first);
  const scaled = build.mul(normalize(x, axes, node.float('epsilon', 1e-5)), node.input(1));
  const bias = node.optional(2);
  return bias === undefined ? scaled : build.add(scaled, bias);
}

/** Over the positions of every channel and sample; PyTorch writes group normalisation with it. */
function instanceNormalization(node: NodeReader): Value {
  const x = node.input(0);
  const axes = x.shape.map((_, axis) => axis).slice(2);
  return build.channelAffine(normalize(x, axes, node.float('epsilon', 1e-5)), node.input(1), node.input(2));
}

function groupNormalization(node: NodeReader): Value {
  const [x, scale, bias] = node.inputs();
  const groups = node.int('num_groups', 1);
  const apart = build.reshape(x, [x.shape[0], groups, -1]);
  const y = build.reshape(normalize(apart, [2], node.float('epsilon', 1e-5)), x.shape);
  // Before operator set 21 scale and bias had one number per group.
  const perChannel = (vector: Value) => {
    if (vector.shape[0] === x.shape[1]) return vector;
    const spread = build.expand(build.reshape(vector, [groups, 1]), [groups, x.shape[1] / groups]);
    return build.reshape(spread, [x.shape[1]]);
  };
  return build.channelAffine(y, perChannel(scale), perChannel(bias));
}

/** Products and normalisation. */
export const layerImports: ImportTable = {
  MatMul: (node) => matmul(node.input(0), node.input(1)),
  Gemm: gemm,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
};
