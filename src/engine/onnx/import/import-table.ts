import { UnsupportedError } from '#core';
import { elementwiseImports } from './import-elementwise.ts';
import { imageImports } from './import-images.ts';
import { layerImports } from './import-layers.ts';
import { reductionImports } from './import-reductions.ts';
import { resizeImports } from './import-resize.ts';
import { structureImports } from './import-structure.ts';
import type { ImportNode } from './node-reader.ts';
import { isStandard, type RawNode } from './raw-model.ts';

const importTable: ReadonlyMap<string, ImportNode> = new Map(
  Object.entries({
    ...elementwiseImports,
    ...structureImports,
    ...reductionImports,
    ...layerImports,
    ...imageImports,
    ...resizeImports,
  }),
);

/** How a node is imported, `undefined` for an operator that is not known. */
export function importerOf({ opType = '', domain }: RawNode): ImportNode | undefined {
  return isStandard(domain) ? importTable.get(opType) : undefined;
}

/** @throws UnsupportedError naming all operators that are not known, with their numbers */
export function requireSupported(nodes: readonly RawNode[]): void {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    if (importerOf(node) !== undefined) continue;
    const name = isStandard(node.domain) ? (node.opType ?? '') : `${node.domain}.${node.opType}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (counts.size === 0) return;
  const named = [...counts].map(([name, count]) => (count === 1 ? name : `${name} (${count} times)`));
  throw new UnsupportedError(
    `importOnnx: operators must be among the ${importTable.size} that have gradients here, but the model also has ${named.join(', ')}. Export the model without control flow, quantisation and custom operators.`,
    { operators: Object.fromEntries(counts) },
  );
}
