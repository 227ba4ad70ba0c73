import { CallSite } from '../ir/call-site.ts';
import type { OpAttributes } from '../ir/op-attributes.ts';
import type { Value } from '../ir/value.ts';
import { checkIndices, type IndexRange } from '../runtime/index-range.ts';
import type { Tensor } from './tensor.ts';
import { currentTrace } from './trace.ts';

/** What does not change indices. */
const passing: ReadonlySet<string> = new Set(['reshape', 'cast']);

/**
 * Says what a tensor's numbers must be because they are taken as indices. Numbers that are there already are checked at
 * once; those that are fed to what is being recorded, whenever it runs. Computed ones are not checked.
 *
 * @throws DataError naming the first index out of range
 */
export function requireIndices(indices: Tensor, range: Pick<IndexRange, 'what' | 'size' | 'except'>): void {
  let value: Value = indices.value;
  while (passing.has(value.node.op)) [value] = value.node.inputs;
  const { op, attributes } = value.node;
  const site = CallSite.capture();
  if (op === 'constant') {
    checkIndices((attributes as OpAttributes['constant']).data, { ...range, site: site.toString() });
  } else if (op === 'input') {
    currentTrace()?.ranges.push({
      ...range,
      input: (attributes as OpAttributes['input']).name,
      site: site.toString(),
    });
  }
}
