import { DataError } from '#core';
import type { Link, TreeEnsemble } from './tree-ensemble.ts';

const links: readonly Link[] = ['identity', 'exp', 'logistic', 'softmax', 'probability'];

/**
 * Checks that an ensemble can be walked safely: lengths agree, every reference points inside, every tree ends.
 * @throws DataError naming all faults
 */
export function checkEnsemble(trees: TreeEnsemble, classes: number, where: string): void {
  const faults = [...shapeFaults(trees), ...linkFaults(trees, classes)];
  if (faults.length === 0) faults.push(...nodeFaults(trees));
  if (faults.length > 0) {
    throw new DataError(
      `${where}: the tree ensemble must be consistent, but ${faults.join('; ')}. Fit or save the model again.`,
    );
  }
}

function shapeFaults(trees: TreeEnsemble): string[] {
  const faults: string[] = [];
  const nodes = trees.feature.length;
  for (const name of ['threshold', 'left', 'right', 'defaultLeft', 'bitsetStart', 'bitsetWords'] as const) {
    if (trees[name].length !== nodes)
      faults.push(`${name} has ${trees[name].length} entries for ${nodes} nodes`);
  }
  if (!Number.isInteger(trees.width) || trees.width < 0) faults.push(`the width is ${trees.width}`);
  if (!Number.isInteger(trees.outputs) || trees.outputs < 1)
    faults.push(`there are ${trees.outputs} outputs`);
  if (trees.base.length !== trees.outputs) {
    faults.push(`base has ${trees.base.length} entries for ${trees.outputs} outputs`);
  }
  if (trees.treeOutput.length !== trees.roots.length) {
    faults.push(`treeOutput has ${trees.treeOutput.length} entries for ${trees.roots.length} trees`);
  }
  if (trees.leafWidth !== 1 && trees.leafWidth !== trees.outputs) {
    faults.push(`leaves hold ${trees.leafWidth} values for ${trees.outputs} outputs`);
  }
  if (trees.treeOutput.some((output) => output + trees.leafWidth > trees.outputs)) {
    faults.push(`a tree adds to an output beyond ${trees.outputs}`);
  }
  return faults;
}

function linkFaults({ link, outputs }: TreeEnsemble, classes: number): string[] {
  if (!links.includes(link)) return [`the link is "${String(link)}"`];
  const fits = {
    identity: classes === 0 && outputs === 1,
    exp: classes === 0 && outputs === 1,
    logistic: classes === 2 && outputs === 1,
    softmax: classes >= 2 && outputs === classes,
    probability: (classes >= 2 && outputs === classes) || (classes === 2 && outputs === 1),
  };
  return fits[link] ? [] : [`the link ${link} does not fit ${outputs} outputs and ${classes} classes`];
}

/** Walks every tree once; a node met twice means a cycle or a shared branch. */
function nodeFaults(trees: TreeEnsemble): string[] {
  const nodes = trees.feature.length;
  const leaves = trees.leafValues.length / trees.leafWidth;
  const seen = new Uint8Array(nodes);
  const stack: number[] = [];
  for (let t = 0; t < trees.roots.length; t++) {
    stack.push(trees.roots[t]);
    while (stack.length > 0) {
      const node = stack.pop() as number;
      if (node >= nodes) return [`tree ${t} points at node ${node} of ${nodes}`];
      if (seen[node] === 1) return [`node ${node} of tree ${t} has two parents`];
      seen[node] = 1;
      if (trees.feature[node] < 0) {
        if (trees.left[node] >= leaves)
          return [`node ${node} points at leaf ${trees.left[node]} of ${leaves}`];
      } else {
        const fault = splitFault(trees, node);
        if (fault !== undefined) return [fault];
        stack.push(trees.right[node], trees.left[node]);
      }
    }
  }
  return [];
}

function splitFault(trees: TreeEnsemble, node: number): string | undefined {
  if (trees.feature[node] >= trees.width) {
    return `node ${node} splits feature ${trees.feature[node]} of ${trees.width}`;
  }
  const start = trees.bitsetStart[node];
  if (start < 0) return Number.isNaN(trees.threshold[node]) ? `node ${node} has no threshold` : undefined;
  return start + trees.bitsetWords[node] > trees.bitsets.length
    ? `the category set of node ${node} ends beyond ${trees.bitsets.length} words`
    : undefined;
}
