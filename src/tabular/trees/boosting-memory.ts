import { treeLayout as at, type TreeTeam } from '#kernels';
import type { FeatureMatrix } from '../features/matrix.ts';
import type { Pacer } from '../learners/pacer.ts';
import { type FeatureBins, writeBins } from './binning.ts';
import type { GradientBoostingParameters } from './boosting-parameters.ts';
import { kernelTarget, type Objective } from './objectives.ts';

/** Rows of a fit in the kernel's memory: bins in panels of 16 features, scores, targets, weights. */
export interface KernelRows {
  readonly rows: number;
  readonly padded: number;
  /** Table of the panels' places. */
  readonly panels: number;
  /** The bins once more column by column, for moving rows to leaves; 0 when left out. */
  readonly columns: number;
  /** f32 [outputs][padded] */
  readonly scores: number;
  readonly targets: number;
  /** 0 when all weights are 1. */
  readonly weights: number;
}

/** Beyond this many bytes of bins a second copy of them costs more than it gains. */
const columnLimitBytes = 256 * 2 ** 20;

/** Bins X into panels and allocates what goes with its rows. */
export async function placeRows(
  team: TreeTeam,
  X: FeatureMatrix,
  bins: readonly FeatureBins[],
  objective: Objective,
  y: Float64Array,
  weights: Float64Array | undefined,
  withColumns: boolean,
  pacer: Pacer,
): Promise<KernelRows> {
  const rows = X.rows;
  const padded = Math.ceil(rows / 16) * 16;
  const panels = placePanels(team, padded, X.width);
  const columns = withColumns && padded * X.width <= columnLimitBytes ? team.allocate(padded * X.width) : 0;
  const place = (j: number) => {
    const [address, stride] = team.u32(panels + (j >> 4) * 8, 2);
    return { address: address + (j & 15), stride, column: columns === 0 ? 0 : columns + j * padded };
  };
  await writeBins(team, X, bins, place, pacer);
  const scores = team.allocate(padded * 4 * objective.outputs);
  for (let k = 0; k < objective.outputs; k++) {
    team.f32(scores + k * padded * 4, padded).fill(objective.start[k]);
  }
  const targets = team.allocateZeroed(padded * 4);
  const targetView = team.f32(targets, rows);
  for (let i = 0; i < rows; i++) targetView[i] = kernelTarget(objective, y[i]);
  let weightsAt = 0;
  if (weights !== undefined) {
    weightsAt = team.allocateZeroed(padded * 4);
    team.f32(weightsAt, rows).set(weights);
  }
  return { rows, padded, panels, columns, scores, targets, weights: weightsAt };
}

/** Reserves panels of 16 features, up to four of them row by row side by side. @returns the table of their places */
function placePanels(team: TreeTeam, padded: number, width: number): number {
  const count = Math.ceil(width / 16);
  const table = team.allocate(count * 8);
  for (let first = 0; first < count; first += 4) {
    const stride = Math.min(4, count - first) * 16;
    const address = team.allocate(padded * stride);
    for (let p = first; p < Math.min(count, first + 4); p++) {
      team.u32(table + p * 8, 2).set([address + (p - first) * 16, stride]);
    }
  }
  return table;
}

/** Lays out everything else that growing trees needs and tells the kernel where it is. */
export function placeFit(
  team: TreeTeam,
  rows: KernelRows,
  bins: readonly FeatureBins[],
  objective: Objective,
  params: GradientBoostingParameters,
): void {
  const width = bins.length;
  const { padded } = rows;
  const sampled = params.subsample < 1 || params.boosting === 'goss';
  const constantHessian = objective.constantHessian && rows.weights === 0 && params.boosting === 'gbdt';
  const panelCount = Math.ceil(width / 16);
  const chunks = Math.ceil(rows.rows / 2048) + 1;
  const maxLeaves = Math.min(params.maxLeaves, rows.rows);
  const ints = (field: number, value: number) => team.setInt(field, value);

  ints(at.ROWS, rows.rows);
  ints(at.WIDTH, width);
  ints(at.PANELS, rows.panels);
  ints(at.COLUMN_BINS, rows.columns);
  ints(at.PANEL_COUNT, panelCount);
  ints(at.SCORES, rows.scores);
  ints(at.PADDED_ROWS, padded);
  ints(at.TARGETS, rows.targets);
  ints(at.WEIGHTS, rows.weights);
  // Gradients are used up before rows are moved: both share one place.
  const gradients = team.allocate(padded * 4);
  ints(at.GRADIENTS, gradients);
  ints(at.HESSIANS, constantHessian ? 0 : team.allocate(padded * 4));
  ints(at.PACKED, team.allocate(padded * 8));
  ints(at.ORDER, team.allocate(padded * 4));
  ints(at.ORDER_NEXT, gradients);
  ints(at.IN_BAG, sampled ? team.allocate(padded) : 0);
  ints(at.PARTIAL_SUMS, team.allocate(chunks * 16));
  ints(at.LOG_SUM, objective.outputs > 1 ? team.allocate(padded * 8) : 0);
  ints(at.BAG_ROWS, rows.rows);
  ints(at.ROUTE, team.allocate(256));
  ints(at.CANDIDATES, team.allocate(2 * width * at.CANDIDATE_BYTES));
  ints(at.LOCAL_HISTOGRAM_BYTES, panelCount * 32768);
  ints(at.LOCAL_HISTOGRAMS, team.allocateZeroed(team.threads * panelCount * 32768));
  ints(at.LOCAL_DIRTY, team.allocateZeroed(team.threads * 4));
  ints(at.THREADS, team.threads);
  ints(at.CHUNK_SCRATCH, team.allocate(team.threads * (at.CHUNK_LIMIT * 4 + 64)));
  ints(at.CHUNK_LEFT, team.allocate(chunks * 12));
  ints(at.ACTIVE, team.allocate(width * 4));
  ints(at.PANEL_LANES, team.allocate(panelCount * 20));
  ints(at.NODE_MASK, team.allocate(2 * width));
  ints(at.FEATURE_SCRATCH, team.allocate(width * 4));
  ints(at.CATEGORY_SCRATCH, team.allocate(team.threads * 4096));
  ints(at.MAX_LEAVES, maxLeaves);
  ints(at.MAX_DEPTH, params.maxDepth);
  ints(at.DEPTH_WISE, params.growPolicy === 'depthwise' ? 1 : 0);
  ints(at.MIN_SAMPLES_LEAF, params.minSamplesLeaf);
  ints(at.OBJECTIVE, objective.code);
  ints(at.OUTPUTS, objective.outputs);
  ints(at.CONSTANT_HESSIAN, constantHessian ? 1 : 0);
  ints(at.MAX_CAT_THRESHOLD, params.maxCatThreshold);
  ints(at.MAX_CAT_ONE_VS_REST, params.maxCatToOneVsRest);
  placeFeatures(team, bins, maxLeaves);

  team.setReal(at.REG_ALPHA, params.regAlpha / objective.scale);
  team.setReal(at.REG_LAMBDA, params.regLambda);
  team.setReal(at.MIN_CHILD_WEIGHT, params.minChildWeight);
  team.setReal(at.MIN_SPLIT_GAIN, params.minSplitGain / objective.scale ** 2);
  team.setReal(at.LEARNING_RATE, params.learningRate);
  team.setReal(at.MAX_DELTA_STEP, objective.maxDeltaStep);
  team.setReal(at.CAT_SMOOTH, params.catSmooth);
  team.setReal(at.CAT_L2, params.catL2);
  team.setReal(at.OBJECTIVE_PARAMETER, objective.parameter);
}

function placeFeatures(team: TreeTeam, bins: readonly FeatureBins[], maxLeaves: number): void {
  const width = bins.length;
  const valueBins = team.allocate(width * 4);
  const missingBin = team.allocate(width * 4);
  const kind = team.allocate(width);
  const start = team.allocate(width * 4);
  let entries = 0;
  for (const [j, feature] of bins.entries()) {
    team.i32(valueBins, width)[j] = feature.valueBins;
    team.i32(missingBin, width)[j] = feature.categorical ? -1 : feature.valueBins;
    team.u8(kind, width)[j] = feature.categorical ? 1 : 0;
    team.i32(start, width)[j] = entries;
    entries += feature.valueBins + (feature.categorical ? 0 : 1);
  }
  team.setInt(at.VALUE_BINS, valueBins);
  team.setInt(at.MISSING_BIN, missingBin);
  team.setInt(at.KIND, kind);
  team.setInt(at.HIST_START, start);
  team.setInt(at.HIST_ENTRIES, entries);
  team.setInt(at.HISTOGRAMS, team.allocate(maxLeaves * entries * 8));
  team.setInt(at.LEAVES, team.allocate(maxLeaves * at.LEAF_BYTES));
  team.setInt(at.NODES, team.allocate(2 * maxLeaves * at.NODE_BYTES));
}

/** Tells the kernel which features (ascending) the next tree may use. */
export function useFeatures(team: TreeTeam, features: ArrayLike<number>, width: number): void {
  const active = team.i32(team.getInt(at.ACTIVE), features.length);
  active.set(features);
  team.setInt(at.ACTIVE_COUNT, features.length);
  const panels = Math.ceil(width / 16);
  const lanes = team.u8(team.getInt(at.PANEL_LANES), panels * 20);
  lanes.fill(0);
  for (let i = 0; i < features.length; i++) {
    const panel = (features[i] >> 4) * 20;
    lanes[panel + 4 + lanes[panel]++] = features[i] & 15;
  }
  for (let p = 0; p < panels; p++) {
    const count = lanes[p * 20];
    const inPanel = Math.min(16, width - p * 16);
    const prefix = count === 0 || lanes[p * 20 + 3 + count] === count - 1;
    lanes[p * 20 + 1] = prefix && (count % 4 === 0 || count === inPanel) ? 1 : 0;
  }
}
