import type * as Ort from 'onnxruntime-node';
import { bytesPerElement, now, sizeOf } from '#core';
import * as build from '../ir/build.ts';
import { createNode } from '../ir/create-node.ts';
import type { OpAttributes, OpName } from '../ir/op-attributes.ts';
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
const PRUNE = 2.5;
/** Estimated milliseconds below which nothing is measured. */
const WORTHWHILE_MS = 0.15;
/** Turns of every lowering, at least and at most, and the seconds after which there are no more. */
const LEAST_TURNS = 4;
const MOST_TURNS = 16;
const BUDGET = 1.5;
/** A turn takes about as many seconds: short operations run several times, since a pause hits them harder. */
const TURN = 0.004;
const MOST_RUNS = 8;
/** What the estimate's favourite may be slower by: on a restless machine a small difference is chance. */
const TRUST = 1.2;
/** More than this for operands and results of all lowerings, which are there at once, is not measured. */
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
  const choose: ChooseLowering = (node, names) => {
    const chosen = tunedOps.has(node.op) ? cache.get(tuningKey(node, target)) : undefined;
    return chosen !== undefined && names.includes(chosen) ? chosen : undefined;
  };
  for (const node of sortNodes(values)) {
    if (!tunedOps.has(node.op)) continue;
    const key = tuningKey(node, target);
    if (cache.get(key) !== undefined) continue;
    const candidates = worthMeasuring(node, target);
    if (candidates.length < 2) continue;
    const trial = createTrial(node);
    cache.set(key, await fastest(trial, candidates, target, choose));
  }
  cache.save();
  return choose;
}

/** Names its candidates, so that a choice is made again when there are others. */
function tuningKey(node: GraphNode, target: Target): string {
  const { device, threads, blockSize } = target;
  const attributes = Object.entries(node.attributes).map(([name, value]) => `${name}=${String(value)}`);
  const operands = node.inputs.map(formatType).join(', ');
  const names = applicableLowerings(node, target).map(({ name }) => name);
  return `${node.op}(${operands}) ${attributes.join(' ')} @ ${device} ${threads} ${blockSize} of ${names.join(', ')}`;
}

/** Lowerings whose estimate is near the best, that one first, when there is anything to gain. */
function worthMeasuring(node: GraphNode, target: Target): readonly Lowering<OpName>[] {
  const candidates = applicableLowerings(node, target);
  const bytes = [...node.inputs, ...node.outputs].reduce(
    (sum, { shape, dtype }) => sum + sizeOf(shape) * bytesPerElement(dtype),
    0,
  );
  const costs = candidates.map((candidate) => candidate.cost?.(node as GraphNode<OpName>, target) ?? 0);
  const least = Math.min(...costs);
  if (least < WORTHWHILE_MS && node.op !== 'maxPool2dScatter') return [];
  const order = candidates.map((_, i) => i).sort((a, b) => costs[a] - costs[b]);
  const near = order.filter((i) => costs[i] <= PRUNE * least + WORTHWHILE_MS).map((i) => candidates[i]);
  return bytes * near.length > LARGEST_BYTES ? [] : near;
}

/** A lowering in a session of its own, with the least time seen. */
interface Entrant {
  readonly name: string;
  readonly session: Ort.InferenceSession;
  least: number;
}

/** What is measured: a node, and what a training step computes beside it from the same weight. */
interface Trial {
  readonly op: OpName;
  readonly inputs: readonly Value[];
  readonly results: readonly Value[];
  /** An input that comes plain, as parameters do; images come as they lie in the middle of a network. */
  readonly weight: Value | undefined;
}

/** Forms of a weight that the forward pass made cost its input's gradient nothing: both are measured together. */
function createTrial(node: GraphNode): Trial {
  const inputs = node.inputs.map(({ dtype, shape }, i) => build.input(`x${i}`, dtype, shape));
  const results = createNode(node.op, inputs, node.attributes);
  const weight = node.op === 'conv2d' || node.op === 'conv2dInput' ? inputs[1] : undefined;
  if (node.op !== 'conv2dInput') return { op: node.op, inputs, results, weight };
  const { shape, ...attributes } = node.attributes as OpAttributes['conv2dInput'];
  const image = build.input('image', node.inputs[0].dtype, shape);
  const forward = build.conv2d(image, inputs[1], attributes);
  return { op: node.op, inputs: [...inputs, image], results: [...results, forward], weight };
}

/**
 * The lowerings take turns, so that a machine that is slow for a moment is slow for all of them; those that are far
 * behind drop out.
 */
async function fastest(
  trial: Trial,
  candidates: readonly Lowering<OpName>[],
  target: Target,
  choose: ChooseLowering,
): Promise<string> {
  const runtime = await loadRuntime();
  const entrants: Entrant[] = [];
  const feeds = createFeeds(trial, target, runtime);
  try {
    for (const { name } of candidates) {
      const pick: ChooseLowering = (node, names) => (node.op === trial.op ? name : choose(node, names));
      // A lowering that the runtime refuses is none.
      const session = await createSession(trial, target, runtime, pick).catch(() => undefined);
      if (session !== undefined) entrants.push({ name, session, least: Number.POSITIVE_INFINITY });
    }
    return await race(entrants, feeds, candidates[0].name);
  } finally {
    for (const { session } of entrants) await session.release();
  }
}

/** The fastest entrant; the favourite is one that the others must beat clearly. */
async function race(
  entrants: readonly Entrant[],
  feeds: Record<string, Ort.Tensor>,
  favourite: string,
): Promise<string> {
  const start = now();
  let left = entrants;
  for (const entrant of left) await takeTurn(entrant, feeds);
  for (let turn = 2; left.length > 1 && turn <= MOST_TURNS; turn++) {
    for (const entrant of left) await takeTurn(entrant, feeds);
    const best = Math.min(...left.map(({ least }) => least));
    if (turn >= LEAST_TURNS)
      left = left.filter(({ least }) => least <= (turn < 2 * LEAST_TURNS ? 2 : 1.3) * best);
    if (turn >= LEAST_TURNS && now() - start > BUDGET) break;
  }
  const handicap = ({ name, least }: Entrant) => (name === favourite ? least : least * TRUST);
  const winner = left.reduce((a, b) => (handicap(b) < handicap(a) ? b : a), left[0]);
  return winner?.name ?? favourite;
}

/** The first run takes memory and is not counted. */
async function takeTurn(entrant: Entrant, feeds: Record<string, Ort.Tensor>): Promise<void> {
  const isFirst = entrant.least === Number.POSITIVE_INFINITY;
  try {
    if (isFirst) await entrant.session.run(feeds);
    const runs = isFirst ? 1 : Math.min(MOST_RUNS, Math.max(1, Math.round(TURN / entrant.least)));
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

const isFedBlocked = (value: Value, { weight }: Trial, target: Target): boolean =>
  value !== weight && isImage(value, target);

function fedShape(value: Value, trial: Trial, target: Target): number[] {
  const [n, c, ...rest] = value.shape;
  const { blockSize } = target;
  return isFedBlocked(value, trial, target)
    ? [n, Math.ceil(c / blockSize) * blockSize, ...rest]
    : [...value.shape];
}

const inputName = ({ node }: Value): string => (node.attributes as OpAttributes['input']).name;

function createFeeds(trial: Trial, target: Target, runtime: typeof Ort): Record<string, Ort.Tensor> {
  const feeds = trial.inputs.map((value) => {
    const shape = fedShape(value, trial, target);
    return [inputName(value), new runtime.Tensor('float32', patterned(sizeOf(shape)), shape)] as const;
  });
  return Object.fromEntries(feeds);
}

/** The trial's graph, its results wanted as they would be in the middle of a network. */
function createSession(
  trial: Trial,
  target: Target,
  runtime: typeof Ort,
  choose: ChooseLowering,
): Promise<Ort.InferenceSession> {
  const graph = new OnnxGraph('candidate');
  for (const value of trial.inputs)
    graph.input(inputName(value), value.dtype as OnnxDType, fedShape(value, trial, target));
  const results = emitGraph(graph, trial.results, {
    target,
    choose,
    bindInput: (name, value) => (isFedBlocked(value, trial, target) ? { blocked: name } : name),
    wantsBlocked: (value) => isImage(value, target),
  });
  // Only corners are handed out, so that no time goes into large results.
  results.forEach((result, i) => {
    const corner = graph.node('Slice', [
      graph.node('Reshape', [result, graph.int64([-1])]),
      graph.int64([0]),
      graph.int64([1]),
    ]);
    graph.output(corner, 'float32', [1], `corner${i}`);
  });
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
