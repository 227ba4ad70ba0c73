import { treeLayout as at, type TreeTeam } from '#kernels';
import type { KernelRows } from './boosting-memory.ts';
import { weightedQuantile } from './objectives.ts';

/** Sets every leaf of the grown tree to a quantile of its rows' residuals, the exact minimiser of a pinball loss. */
export function renewLeaves(team: TreeTeam, rows: KernelRows, quantile: number, learningRate: number): void {
  const leaves = team.exports.treeLeaves();
  const leafWords = team.i32(team.getInt(at.LEAVES) >>> 0, (leaves * at.LEAF_BYTES) / 4);
  const scores = team.f32(rows.scores, rows.rows);
  const targets = team.f32(rows.targets, rows.rows);
  const weights = rows.weights === 0 ? undefined : team.f32(rows.weights, rows.rows);
  const order = team.u32(team.getInt(at.ORDER) >>> 0, team.getInt(at.BAG_ROWS));
  for (let leaf = 0; leaf < leaves; leaf++) {
    const word = (leaf * at.LEAF_BYTES) / 4;
    const members = order.subarray(leafWords[word], leafWords[word] + leafWords[word + 1]);
    const residuals = new Float64Array(members.length);
    for (let i = 0; i < members.length; i++) residuals[i] = targets[members[i]] - scores[members[i]];
    const memberWeights = weights && Float64Array.from(members, (row) => weights[row]);
    const value = weightedQuantile(residuals, memberWeights, quantile) * learningRate;
    const node = leafWords[word + 3];
    team.f64((team.getInt(at.NODES) >>> 0) + node * at.NODE_BYTES + 24, 1)[0] = value;
  }
}
