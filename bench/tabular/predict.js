/** Prediction of 1e5 rows × 28 features by 100 trees × 31 leaves: the TypeScript kernel and ONNX Runtime. */
import { Rng } from '../../dist/core/index.js';
import { OnnxGraph, OnnxSession } from '../../dist/engine/index.js';
import { FeatureMatrix, TreeModel } from '../../dist/tabular/index.js';

const rows = 100_000;
const width = 28;
const trees = 100;
const leaves = 31;
const threads = 2;
const repeats = 9;
const limitSeconds = 0.5;

/** @returns {Promise<{ rows: object[], notes: string[] }>} */
export async function benchPrediction() {
  const X = randomMatrix(new Rng(1));
  const model = new TreeModel({ learner: 'Trees', classes: 2, ensemble: randomEnsemble(new Rng(2)) });
  const graph = new OnnxGraph('trees');
  const input = graph.input('x', 'float32', ['N', width]);
  graph.output(model.emitOnnx(graph, input), 'float32', ['N', 2], 'p');
  const session = await OnnxSession.create(graph.toModel(), { threads });
  const feeds = { x: { dtype: 'float32', data: X.toRowMajor(), dims: [rows, width] } };
  const kernel = await measure(() => model.predict(X));
  const onnx = await measure(() => session.run(feeds));
  const difference = largestDifference(model.predict(X), (await session.run(feeds)).p.data);
  await session.release();

  const row = (id, what, { median }) => ({
    id,
    what: `predict 1e5 × ${width} floats, ${trees} trees × ${leaves} leaves: ${what}`,
    unit: 's',
    ours: median,
    contender: null,
    theirs: null,
    speedup: null,
    must: `≤ ${limitSeconds} s`,
    pass: median <= limitSeconds,
  });
  return {
    rows: [
      row('predict-kernel', 'TypeScript kernel, 1 thread', kernel),
      row('predict-onnx', `ONNX Runtime, ${threads} threads`, onnx),
    ],
    notes: [
      `predict: kernel first call ${kernel.first.toFixed(3)} s, best ${kernel.best.toFixed(3)} s`,
      `predict: ONNX Runtime first call ${onnx.first.toFixed(3)} s, best ${onnx.best.toFixed(3)} s`,
      `predict: largest difference of the two ${difference.toExponential(1)}`,
    ],
  };
}

/** Seconds of the first call, and the median and least of those that follow. */
async function measure(call) {
  const seconds = [];
  for (let i = 0; i <= repeats; i++) {
    const start = performance.now();
    await call();
    seconds.push((performance.now() - start) / 1000);
  }
  const [first, ...warm] = seconds;
  warm.sort((a, b) => a - b);
  return { first, median: warm[Math.floor(warm.length / 2)], best: warm[0] };
}

function largestDifference(a, b) {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

/** Uniform features, one value in fifty missing. */
function randomMatrix(rng) {
  const columns = Array.from({ length: width }, () => ({
    kind: 'dense',
    values: Float32Array.from({ length: rows }, () => (rng.uniform() < 0.02 ? Number.NaN : rng.uniform())),
  }));
  const features = columns.map((_, j) => ({
    name: `x${j}`,
    source: `x${j}`,
    type: 'numeric',
    cardinality: 0,
  }));
  return new FeatureMatrix(rows, features, columns);
}

/**
 * Trees as leaf-wise boosting grows them: the leaf with the most rows (times a random gain) is split somewhere inside
 * its box, so that depths differ and every leaf is reached.
 */
function randomEnsemble(rng) {
  const nodes = { feature: [], threshold: [], left: [], right: [], defaultLeft: [] };
  const roots = [];
  const leafValues = [];
  const addNode = () => {
    for (const name of ['threshold', 'left', 'right', 'defaultLeft']) nodes[name].push(0);
    return nodes.feature.push(-1) - 1;
  };
  for (let t = 0; t < trees; t++) {
    const box = { low: new Array(width).fill(0), high: new Array(width).fill(1) };
    const open = [{ node: addNode(), share: 1, ...box }];
    roots.push(open[0].node);
    while (open.length < leaves) {
      const gains = open.map(({ share }) => share * (0.1 + rng.uniform()));
      const [parent] = open.splice(gains.indexOf(Math.max(...gains)), 1);
      const { node, share, low, high } = parent;
      const feature = rng.integer(width);
      const portion = 0.1 + 0.8 * rng.uniform();
      const threshold = low[feature] + (high[feature] - low[feature]) * portion;
      nodes.feature[node] = feature;
      nodes.threshold[node] = threshold;
      nodes.defaultLeft[node] = rng.integer(2);
      nodes.left[node] = addNode();
      nodes.right[node] = addNode();
      open.push(
        { node: nodes.left[node], share: share * portion, low, high: high.with(feature, threshold) },
        { node: nodes.right[node], share: share * (1 - portion), low: low.with(feature, threshold), high },
      );
    }
    for (const { node } of open) nodes.left[node] = leafValues.push(0.1 * rng.normal()) - 1;
  }
  return {
    width,
    outputs: 1,
    leafWidth: 1,
    link: 'logistic',
    base: new Float64Array([0.1]),
    roots: new Uint32Array(roots),
    treeOutput: new Uint16Array(trees),
    feature: new Int32Array(nodes.feature),
    threshold: new Float32Array(nodes.threshold),
    left: new Uint32Array(nodes.left),
    right: new Uint32Array(nodes.right),
    defaultLeft: new Uint8Array(nodes.defaultLeft),
    bitsetStart: new Int32Array(nodes.feature.length).fill(-1),
    bitsetWords: new Uint16Array(nodes.feature.length),
    bitsets: new Uint32Array(0),
    leafValues: new Float64Array(leafValues),
  };
}
