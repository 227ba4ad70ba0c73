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
/** How often the lowerings take turns, and runs of each turn but the first. */
const ROUNDS = 5;
const RUNS = 2;
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

/** Names its candidates, so that a choice is made again when there are others. */
function tuningKey(node: GraphNode, target: Target): string {
  const { device, threads, blockSize } = target;
  const attributes = Object.entries(node.attributes).map(([name, value]) => `${name}=${String(value)}`);
  const operands = node.inputs.map(formatType).join(', ');
  const names = applicableLowerings(node, target).map(({ name }) => name);
  return `${node.op}(${operands}) ${attributes.join(' ')} @ ${device} ${threads} ${blockSize} of ${names.join(', ')}`;
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

/** A lowering in a session of its own, with the least time seen. */
interface Entrant {
  readonly name: string;
  readonly session: Ort.InferenceSession;
  least: number;
}

/**
 * The lowerings take turns, so that a machine that is slow for a moment is slow for all of them; those that are far
 * behind drop out.
 */
async function fastest(
  node: GraphNode,
  candidates: readonly Lowering<OpName>[],
  target: Target,
): Promise<string> {
  const runtime = await loadRuntime();
  const entrants: Entrant[] = [];
  const feeds = createFeeds(node, target, runtime);
  try {
    for (const { name } of candidates) {
      // A lowering that the runtime refuses is none.
      const session = await createSession(node, name, target, runtime).catch(() => undefined);
      if (session !== undefined) entrants.push({ name, session, least: Number.POSITIVE_INFINITY });
    }
    let left = entrants;
    for (let round = 0; round < ROUNDS; round++) {
      for (const entrant of left) await timeRuns(entrant, feeds, round === 0 ? 1 : RUNS);
      const best = Math.min(...left.map(({ least }) => least));
      left = left.filter(({ least }) => least <= (round === 0 ? 3 : 1.3) * best);
      if (left.length < 2) break;
    }
    return left.reduce((a, b) => (b.least < a.least ? b : a), left[0])?.name ?? candidates[0].name;
  } finally {
    for (const { session } of entrants) await session.release();
  }
}

/** One run that is not counted, then `runs` that are. */
async function timeRuns(entrant: Entrant, feeds: Record<string, Ort.Tensor>, runs: number): Promise<void> {
  try {
    await entrant.session.run(feeds);
    for (let run = 0; run < runs; run++) {
      const start = now();
      await entrant.session.run(feeds);
      entrant.least = Math.min(entrant.least, now() - start);
    }
  } catch {
    entrant.least = Number.POSITIVE_INFINITY;
  }
}

const isImage = ({ shape, dtype }: Value, { blockSize }: Target): boolean =>
  blockSize > 1 && shape.length === 4 && dtype === 'float32' && shape[1] >= blockSize;

/** Whether operand `i` comes blocked: images do in the middle of a network; weights come plain. */
function isFedBlocked({ op, inputs }: GraphNode, i: number, target: Target): boolean {
  const weightAt = op === 'conv2d' || op === 'conv2dInput' ? 1 : -1;
  return i !== weightAt && isImage(inputs[i], target);
}

function fedShape(node: GraphNode, i: number, target: Target): number[] {
  const [n, c, ...rest] = node.inputs[i].shape;
  const { blockSize } = target;
  return isFedBlocked(node, i, target)
    ? [n, Math.ceil(c / blockSize) * blockSize, ...rest]
    : [...node.inputs[i].shape];
}

function createFeeds(node: GraphNode, target: Target, runtime: typeof Ort): Record<string, Ort.Tensor> {
  const feeds = node.inputs.map((_, i) => {
    const shape = fedShape(node, i, target);
    return [`x${i}`, new runtime.Tensor('float32', patterned(sizeOf(shape)), shape)] as const;
  });
  return Object.fromEntries(feeds);
}

/** The node alone, its result wanted as it would be in the middle of a network. */
function createSession(
  node: GraphNode,
  lowering: string,
  target: Target,
  runtime: typeof Ort,
): Promise<Ort.InferenceSession> {
  const inputs = node.inputs.map(({ dtype, shape }, i) => build.input(`x${i}`, dtype, shape));
  const outputs = createNode(node.op, inputs, node.attributes);
  const graph = new OnnxGraph('candidate');
  inputs.forEach(({ dtype }, i) => {
    graph.input(`x${i}`, dtype as OnnxDType, fedShape(node, i, target));
  });
  const [result] = emitGraph(graph, outputs, {
    target,
    choose: (found) => (found.op === node.op ? lowering : undefined),
    bindInput: (name) => (isFedBlocked(node, Number(name.slice(1)), target) ? { blocked: name } : name),
    wantsBlocked: (value) => isImage(value, target),
  });
  // Only a corner is handed out, so that no time goes into a large result.
  const corner = graph.node('Slice', [
    graph.node('Reshape', [result, graph.int64([-1])]),
    graph.int64([0]),
    graph.int64([1]),
  ]);
  graph.output(corner, 'float32', [1], 'corner');
  return runtime.InferenceSession.create(graph.toModel(), {
    logSeverityLevel: 4,
    graphOptimizationLevel: 'disabled',
    enableMemPattern: false,
    ...(target.threads > 0 ? { intraOpNumThreads: target.threads, interOpNumThreads: 1 } : {}),
  });
}

/** Numbers that are neither zero nor denormal. */
function patterned(length: number): Float32Array {
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) data[i] = ((i * 7919) % 1009) / 1009 - 0.5;
  return data;
}
