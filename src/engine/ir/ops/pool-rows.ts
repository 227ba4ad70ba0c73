import type { PoolAttributes } from '../op-attributes.ts';
import type { Emitter, Lowering, Target } from '../op-rule.ts';
import type { TensorType, Value } from '../value.ts';

/** Whether rows are the places of windows; others may be many, or hold infinities. */
const areRowsPlaces = ({ isByPhases }: PoolAttributes, { dtype }: TensorType, { device }: Target): boolean =>
  isByPhases === true && dtype === 'float32' && device === 'cpu';

/** The rows of an image, `[N, C, 1, W]` each. */
function rowsOf(e: Emitter, x: Value): string[] {
  let rows: string[] | undefined;
  const split = (): string[] =>
    e.nodes('Split', [e.plain(x), e.int64(new Array<number>(x.shape[2]).fill(1))], {
      attributes: { axis: { int: 2 } },
      outputs: x.shape[2],
    });
  return Array.from({ length: x.shape[2] }, (_, row) =>
    e.once(x, `row ${row}`, () => {
      rows ??= split();
      return rows[row];
    }),
  );
}

/** Maxima of columns: the rows are compared with each other, in whole vectors. */
export const maxOfRows: Lowering<'maxPool2d'> = {
  name: 'Max of rows',
  applies: ({ inputs: [x], attributes }, target) => areRowsPlaces(attributes, x, target),
  cost: () => -1,
  emit: (e, { inputs: [x] }) => [e.node('Max', rowsOf(e, x))],
};

/**
 * The first row that equals the maximum takes its gradient, and the next ones what is left. A row minus the maximum is
 * zero or below, and max(0, min(1, α·difference + 1)) with a great α is one or zero, but for differences below 1/α, of
 * subnormal numbers, which share the gradient.
 */
export const firstOfRows: Lowering<'maxPool2dScatter'> = {
  name: 'first of rows',
  applies: ({ inputs: [, x], attributes }, target) => areRowsPlaces(attributes, x, target),
  cost: () => -1,
  emit: (e, { inputs: [dy, x, y] }) => {
    const rows = rowsOf(e, x);
    let left = e.plain(dy);
    const taken = rows.slice(0, -1).map((row) => {
      const difference = e.node('Sub', [row, e.plain(y)]);
      const attributes = { alpha: { float: 3e38 }, beta: { float: 1 } };
      const share = e.node('Mul', [left, e.node('HardSigmoid', [difference], { attributes })]);
      left = e.node('Sub', [left, share]);
      return share;
    });
    return [e.node('Concat', [...taken, left], { attributes: { axis: { int: 2 } } })];
  },
};
