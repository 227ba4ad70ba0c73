import type * as Ort from 'onnxruntime-node';
import { bytesPerElement, now, sizeOf } from '#core';
import * as build from '../ir/build.ts';
import { createNode } from '../ir/create-node.ts';
import type { OpName } from '../ir/op-attributes.ts';
import type { Lowering, Target } from '../ir/op-rule.ts';
import { formatType } from '../ir/shapes.ts';
import { type GraphNode, sortNodes, type Value } from '../ir/value.ts';
import type { OnnxDType } from '../onnx/dtype.ts';
import { emitGraph } from '../onnx/emit-graph.ts';
import { OnnxGraph } from '../onnx/graph.ts';
import { applicableLowerings, type ChooseLowering } from '../onnx/select-lowering.ts';
import { loadRuntime } from './load-runtime.ts';
import { sharedTuningCache, type TuningCache } from './tuning-cache.ts';

/** Ops of which the best lowering depends so much on the shape that it is worth measuring. */
const tunedOps: ReadonlySet<OpName> = new Set<OpName>([
  'conv2d',
  'conv2dInput',
  'conv2dWeight',
  'maxPool2dScatter',
]);

/** Estimates are taken for right when all others are worse by this factor. */
const PRUNE = 4;
/** Estimated milliseconds below which nothing is measured. */
const WORTHWHILE_MS = 0.15;
const RUNS = 8;
/** Operands larger than this are not measured: the copies would need too much memory. */
const LARGEST_BYTES = 512 * 2 ** 20;

export interface AutotuneOptions {
  readonly target: Target;
  readonly cache?: TuningCache;
}

/**
 * Measures the lowerings of the heavy ops of a graph, each combination of op, shapes and attributes once, and keeps the
 * choices on disk. The cost model says which lowerings are worth measuring.
 *
 * @returns the choices, for emission
 */
export async function autotune(values: readonly Value[], options: AutotuneOptions): Promise<ChooseLowering> {
  const { target, cache = sharedTuningCache() } = options;
  for (const node of sortNodes(values)) {
    if (!tunedOps.has(node.op)) continue;
    const key = tuningKey(node, target);
    if (cache.get(key) !== undefined) continue;
    const candidates = worthMeasuring(node, target);
    if (candidates.length < 2) continue;
    cache.set(key, await fastest(node, candidates, target));
  }
  cache.save();
  return (node, names) => {
    const chosen = tunedOps.has(node.op) ? cache.get(tuningKey(node, target)) : undefined;
    return chosen !== undefined && names.includes(chosen) ? chosen : undefined;
  };
}

function tuningKey(node: GraphNode, { device, threads, blockSize }: Target): string {
  const attributes = Object.entries(node.attributes).map(([name, value]) => `${name}=${String(value)}`);
  return `${node.op}(${node.inputs.map(formatType).join(', ')}) ${attributes.join(' ')} @ ${device} ${threads} ${blockSize}`;
}

/** Lowerings whose estimate is near the best, when there is anything to gain. */
function worthMeasuring(node: GraphNode, target: Target): readonly Lowering<OpName>[] {
  const candidates = applicableLowerings(node, target);
  const bytes = [...node.inputs, ...node.outputs].reduce(
    (sum, { shape, dtype }) => sum + sizeOf(shape) * bytesPerElement(dtype),
    0,
  );
  if (bytes > LARGEST_BYTES) return [];
  const costs = candidates.map((candidate) => candidate.cost?.(node as GraphNode<OpName>, target) ?? 0);
  const least = Math.min(...costs);
  if (least < WORTHWHILE_MS && node.op !== 'maxPool2dScatter') return [];
  return candidates.filter((_, i) => costs[i] <= PRUNE * least + WORTHWHILE_MS);
}

async function fastest(
  node: GraphNode,
  candidates: readonly Lowering<OpName>[],
  target: Target,
): Promise<string> {
  let best = candidates[0].name;
  let least = Number.POSITIVE_INFINITY;
  for (const { name } of candidates) {
    const seconds = await measure(node, name, target, least).catch(() => Number.POSITIVE_INFINITY);
    if (seconds < least) {
      least = seconds;
      best = name;
    }
  }
  return best;
}

const isImage = ({ shape, dtype }: Value, { blockSize }: Target): boolean =>
  blockSize > 1 && shape.length === 4 && dtype === 'float32' && shape[1] >= blockSize;

/**
 * Least seconds of a few runs of the node alone. Images come and go in the blocked layout, which they have in the
 * middle of a network; weights come plain.
 */
async function measure(node: GraphNode, lowering: string, target: Target, limit: number): Promise<number> {
  const runtime = await loadRuntime();
  const inputs = node.inputs.map(({ dtype, shape }, i) => build.input(`x${i}`, dtype, shape));
  const outputs = createNode(node.op, inputs, node.attributes);
  const graph = new OnnxGraph('candidate');
  const weightAt = node.op === 'conv2d' || node.op === 'conv2dInput' ? 1 : -1;
  const feeds: Record<string, Ort.Tensor> = {};
  inputs.forEach((input, i) => {
    const { blockSize } = target;
    const blocked = i !== weightAt && isImage(input, target);
    const shape = blocked
      ? [input.shape[0], Math.ceil(input.shape[1] / blockSize) * blockSize, ...input.shape.slice(2)]
      : [...input.shape];
    graph.input(`x${i}`, input.dtype as OnnxDType, shape);
    feeds[`x${i}`] = new runtime.Tensor('float32', patterned(sizeOf(shape)), shape);
  });
  const [result] = emitGraph(graph, outputs, {
    target,
    choose: (found) => (found.op === node.op ? lowering : undefined),
    bindInput: (name, value) => {
      const i = Number(name.slice(1));
      return i !== weightAt && isImage(value, target) ? { blocked: name } : name;
    },
    wantsBlocked: (value) => isImage(value, target),
  });
  // Only a corner is handed out, so that no time goes into a large result.
  const corner = graph.node('Slice', [
    graph.node('Reshape', [result, graph.int64([-1])]),
    graph.int64([0]),
    graph.int64([1]),
  ]);
  graph.output(corner, 'float32', [1], 'corner');
  const session = await runtime.InferenceSession.create(graph.toModel(), {
    logSeverityLevel: 4,
    graphOptimizationLevel: 'disabled',
    enableMemPattern: false,
    ...(target.threads > 0 ? { intraOpNumThreads: target.threads, interOpNumThreads: 1 } : {}),
  });
  try {
    let least = Number.POSITIVE_INFINITY;
    await session.run(feeds);
    for (let run = 0; run < RUNS; run++) {
      const start = now();
      await session.run(feeds);
      least = Math.min(least, now() - start);
      if (least > 3 * limit) break;
    }
    return least;
  } finally {
    await session.release();
  }
}

/** Numbers that are neither zero nor denormal. */
function patterned(length: number): Float32Array {
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) data[i] = ((i * 7919) % 1009) / 1009 - 0.5;
  return data;
}
