import type { NodeOptions, OnnxGraph } from '#engine';
import { OnnxTreeTable } from './onnx-tree-table.ts';
import type { TreeEnsemble } from './tree-ensemble.ts';

/** Trees of about this many nodes in one operator fit into the first cache while all rows pass through them. */
const GROUP_NODES = 512;
const MAX_GROUPS = 32;

/**
 * Adds an ensemble's nodes to a graph: `TreeEnsembleRegressor` operators for groups of trees, their float32 sums
 * added in float64, and the link.
 *
 * @param features name of a float32 tensor [N, D]
 * @returns name of a float32 tensor: probabilities [N, K], or values [N, 1]
 */
export function emitTreeEnsemble(
  graph: OnnxGraph,
  features: string,
  trees: TreeEnsemble,
  classes: number,
): string {
  const base = trees.base.slice();
  const grown: number[] = [];
  for (let t = 0; t < trees.roots.length; t++) {
    if (trees.feature[trees.roots[t]] >= 0) grown.push(t);
    else addConstantTree(trees, t, base);
  }
  const windows = new CodeWindows(trees.width);
  const groupNodes = Math.max(GROUP_NODES, trees.feature.length / MAX_GROUPS);
  const tables: OnnxTreeTable[] = [];
  for (const t of grown) {
    if (tables.length === 0 || tables[tables.length - 1].size >= groupNodes) {
      tables.push(new OnnxTreeTable(trees, (feature, window) => windows.column(feature, window)));
    }
    tables[tables.length - 1].add(t);
  }
  const input = windows.emit(graph, features);
  const sums = tables.map((table) => graph.cast(emitGroup(graph, input, table, trees.outputs), 'float64'));
  const start = graph.constant(base, [1, trees.outputs], 'base');
  const scores =
    sums.length > 0 ? graph.node('Sum', [...sums, start]) : repeatRow(graph, features, start, trees.outputs);
  return emitLink(graph, scores, trees, classes);
}

function addConstantTree(trees: TreeEnsemble, t: number, base: Float64Array): void {
  const leaf = trees.left[trees.roots[t]] * trees.leafWidth;
  for (let k = 0; k < trees.leafWidth; k++) base[trees.treeOutput[t] + k] += trees.leafValues[leaf + k];
}

function emitGroup(graph: OnnxGraph, input: string, table: OnnxTreeTable, outputs: number): string {
  const attributes: NodeOptions['attributes'] = {
    n_targets: { int: outputs },
    aggregate_function: { string: 'SUM' },
    post_transform: { string: 'NONE' },
    ...table.attributes(),
  };
  return graph.node('TreeEnsembleRegressor', [input], { domain: 'ai.onnx.ml', attributes });
}

/** `row` [1, outputs] once for every row of `features`: [N, outputs]. */
function repeatRow(graph: OnnxGraph, features: string, row: string, outputs: number): string {
  const rows = graph.node('Shape', [features], { attributes: { start: { int: 0 }, end: { int: 1 } } });
  const shape = graph.node('Concat', [rows, graph.int64([outputs])], { attributes: { axis: { int: 0 } } });
  return graph.node('Expand', [row, shape]);
}

/** @param scores float64 [N, outputs] */
function emitLink(graph: OnnxGraph, scores: string, trees: TreeEnsemble, classes: number): string {
  const { link, outputs } = trees;
  if (link === 'exp') return graph.cast(graph.node('Exp', [scores]), 'float32');
  const single = graph.cast(scores, 'float32');
  if (link === 'identity') return single;
  if (link === 'softmax') return graph.node('Softmax', [single], { attributes: { axis: { int: 1 } } });
  if (link === 'probability' && outputs === classes) return single;
  const p = link === 'logistic' ? graph.node('Sigmoid', [single]) : single;
  return graph.node('Concat', [graph.node('Sub', [graph.float(1), p]), p], {
    attributes: { axis: { int: 1 } },
  });
}

/**
 * Columns of codes moved down by multiples of 32, appended to the features where sets need them: ONNX Runtime tests
 * a set of values 1 … 32 of one column with a single mask, and everything else value by value.
 */
class CodeWindows {
  private readonly width: number;
  private readonly features: number[] = [];
  private readonly shifts: number[] = [];
  private readonly known = new Map<string, number>();

  constructor(width: number) {
    this.width = width;
  }

  /** Column that holds code − 32 × window of a feature. */
  column(feature: number, window: number): number {
    if (window === 0) return feature;
    const key = `${feature}:${window}`;
    let column = this.known.get(key);
    if (column === undefined) {
      column = this.width + this.features.push(feature) - 1;
      this.shifts.push(32 * window);
      this.known.set(key, column);
    }
    return column;
  }

  /** @returns name of the features with the moved columns behind them */
  emit(graph: OnnxGraph, features: string): string {
    if (this.features.length === 0) return features;
    const axis = { axis: { int: 1 } };
    const codes = graph.node('Gather', [features, graph.int64(this.features)], { attributes: axis });
    const shifts = graph.constant(new Float32Array(this.shifts), [1, this.shifts.length], 'shifts');
    const moved = graph.node('Sub', [codes, shifts]);
    return graph.node('Concat', [features, moved], { attributes: axis });
  }
}
