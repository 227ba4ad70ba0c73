import { UnsupportedError } from '#core';
import type { OpName } from '../ir/op-attributes.ts';
import type { Lowering, OpRule, Target } from '../ir/op-rule.ts';
import { opTable } from '../ir/op-table.ts';
import type { GraphNode } from '../ir/value.ts';

/** Names one of the lowerings that apply to a node, or `undefined` to leave the choice to the cost model. */
export type ChooseLowering = (node: GraphNode, names: readonly string[]) => string | undefined;

/** The lowerings that can write `node` for `target`, in the table's order. */
export function applicableLowerings(node: GraphNode, target: Target): readonly Lowering<OpName>[] {
  const { lowerings } = opTable[node.op] as OpRule<OpName>;
  return lowerings.filter((lowering) => lowering.applies?.(node, target) ?? true);
}

/**
 * The lowering that `choose` names, else the one with the least estimated cost, else the first that applies.
 * @throws UnsupportedError when none applies
 */
export function selectLowering(node: GraphNode, target: Target, choose?: ChooseLowering): Lowering<OpName> {
  const candidates = applicableLowerings(node, target);
  if (candidates.length === 0) {
    throw new UnsupportedError(
      `emitGraph: ${node.op} must have a lowering for ${target.device}, but has none for these shapes. Use another device.`,
      { op: node.op, site: node.site?.toString() },
    );
  }
  if (candidates.length === 1) return candidates[0];
  const names = candidates.map((candidate) => candidate.name);
  const chosen = choose?.(node, names);
  const named = candidates.find((candidate) => candidate.name === chosen);
  if (named !== undefined) return named;
  let best = candidates[0];
  let least = best.cost?.(node, target) ?? 0;
  for (const candidate of candidates.slice(1)) {
    const cost = candidate.cost?.(node, target);
    if (cost !== undefined && cost < least) {
      best = candidate;
      least = cost;
    }
  }
  return best;
}
