import { treeLayout as at, type TreeTeam } from '#kernels';
import type { EnsembleBuilder } from './ensemble-builder.ts';

/** Copies the tree the kernel has just grown to the builder. */
export function readTree(team: TreeTeam, builder: EnsembleBuilder, output: number): void {
  const nodes = team.exports.treeNodes();
  const address = team.getInt(at.NODES) >>> 0;
  const words = team.i32(address, (nodes * at.NODE_BYTES) / 4);
  const values = team.f64(address, (nodes * at.NODE_BYTES) / 8);
  builder.beginTree(output, nodes);
  for (let node = 0; node < nodes; node++) {
    const word = (node * at.NODE_BYTES) / 4;
    if (words[word] < 0) builder.addLeaf(values, (node * at.NODE_BYTES) / 8 + 3);
    else {
      builder.addSplit({
        feature: words[word],
        bin: words[word + 1],
        left: words[word + 2],
        right: words[word + 3],
        defaultLeft: words[word + 4] >= 0,
        bitset: words.subarray(word + 8, word + 16),
      });
    }
  }
}
