import type { HostTensor } from '#core';
import * as build from '../ir/build.ts';
import { isFloat } from '../ir/shapes.ts';
import { sortNodes, type Value } from '../ir/value.ts';

/**
 * Looks for the first value that is not finite.
 *
 * @param run evaluates one scalar per value of the graph: how many of its elements are not finite
 * @returns a description with the user's line
 */
export async function findNonFinite(
  outputs: readonly Value[],
  run: (flags: readonly Value[]) => Promise<readonly HostTensor[]>,
): Promise<string | undefined> {
  const values = sortNodes(outputs)
    .flatMap((node) => node.outputs)
    .filter((value) => isFloat(value.dtype) && value.dtype !== 'float16');
  const flags = values.map((value) => build.sum(build.cast(build.not(build.finite(value)), 'float32')));
  const counts = await run(flags);
  const first = counts.findIndex(({ data }) => Number(data[0]) > 0);
  if (first < 0) return undefined;
  const { node } = values[first];
  const line = node.site?.toString() ?? '';
  const name =
    (node.attributes as { variable?: { name: string }; name?: string }).variable?.name ??
    (node.attributes as { name?: string }).name;
  const what =
    name === undefined
      ? `${node.phase === 'backward' ? 'the gradient at ' : ''}${node.op}`
      : `${node.op} "${name}"`;
  return `${what} [${values[first].shape.join(', ')}]${line === '' ? '' : ` (${line})`}`;
}
