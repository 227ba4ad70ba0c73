import type { NumberColumn, Table } from '#data';
import type { OnnxGraph } from '#engine';
import { emitJoin, emitPick, emitStack, inputOf } from '../emit.ts';
import type { FeatureColumn, FeatureInfo } from '../matrix.ts';
import { numericFeature, type Step, type StepDescription, type StepJson } from './step.ts';

/** How missing numbers are filled in. */
export type NumericImputation = 'mean' | 'median' | 'mostFrequent' | { readonly constant: number };

/** One raw column of numbers. */
export interface NumericSpec {
  readonly column: string;
  readonly dtype: 'float32' | 'int64';
  /** Takes the place of missing values; `null` leaves them NaN. A float32 number. */
  readonly fill: number | null;
  /** Where `fill` came from, for people. */
  readonly strategy: string;
  /** Whether a `_WASNULL` feature tells where values were missing. */
  readonly indicator: boolean;
}

/** −2⁶³, what the missing value of int64 inputs is as a float. */
const MISSING_AS_FLOAT = -(2 ** 63);

/**
 * Numbers as float32, missing and infinite ones filled in or left NaN, then one `_WASNULL` feature (0 or 1) for every
 * column that asks for it.
 */
export class NumericStep implements Step {
  readonly features: readonly FeatureInfo[];
  private readonly specs: readonly NumericSpec[];
  private readonly flagged: readonly number[];

  constructor(specs: readonly NumericSpec[]) {
    this.specs = specs;
    this.flagged = specs.flatMap((spec, i) => (spec.indicator ? [i] : []));
    this.features = [
      ...specs.map(({ column }) => numericFeature(column, column)),
      ...this.flagged.map((i) => numericFeature(`${specs[i].column}_WASNULL`, specs[i].column)),
    ];
  }

  transform(table: Table): FeatureColumn[] {
    const numbers = this.specs.map(({ column }) => toFloat32(numbersOf(table, column)));
    const indicators = this.flagged.map((i) => nanRows(numbers[i]));
    this.specs.forEach(({ fill }, i) => {
      if (fill !== null) fillNaN(numbers[i], fill);
    });
    return [...numbers.map((values): FeatureColumn => ({ kind: 'dense', values })), ...indicators];
  }

  emitOnnx(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string {
    const nan = graph.float(Number.NaN);
    const vectors = this.specs.map(({ column, dtype }) => {
      const input = inputOf(inputs, column);
      if (dtype === 'float32') return input;
      const float = graph.cast(input, 'float32');
      return graph.node('Where', [graph.node('Equal', [float, graph.float(MISSING_AS_FLOAT)]), nan, float]);
    });
    const raw = emitStack(graph, vectors);
    // x − x is NaN for infinite values too.
    const missing = graph.node('IsNaN', [graph.node('Sub', [raw, raw])]);
    const fills = Float32Array.from(this.specs, ({ fill }) => fill ?? Number.NaN);
    const filled = graph.node('Where', [missing, graph.constant(fills), raw]);
    if (this.flagged.length === 0) return filled;
    const flags = graph.cast(emitPick(graph, missing, this.flagged, this.specs.length), 'float32');
    return emitJoin(graph, [filled, flags]);
  }

  describe(): StepDescription[] {
    const strategies = [...new Set(this.specs.map(({ strategy }) => strategy))];
    const steps = strategies.map(
      (strategy): StepDescription => ({
        name: 'NumericImputer',
        settings: { strategy },
        columns: this.specs.filter((spec) => spec.strategy === strategy).map(({ column }) => column),
      }),
    );
    if (this.flagged.length > 0) {
      const columns = this.flagged.map((i) => this.specs[i].column);
      steps.push({ name: 'MissingIndicator', settings: {}, columns });
    }
    return steps;
  }

  toJSON(): StepJson {
    return { step: 'numeric', specs: this.specs };
  }

  static load(json: StepJson): NumericStep {
    return new NumericStep(json['specs'] as readonly NumericSpec[]);
  }
}

/** Fits the filling value of one column on its present values; 0 when none is present. */
export function fitFill(values: Float64Array, how: NumericImputation): number {
  if (typeof how === 'object') return Math.fround(how.constant);
  const present = toFloat32(values).filter((value) => !Number.isNaN(value));
  if (present.length === 0) return 0;
  if (how === 'mean') {
    let sum = 0;
    for (let i = 0; i < present.length; i++) sum += present[i];
    return Math.fround(sum / present.length);
  }
  present.sort();
  if (how === 'median') {
    const middle = present.length >> 1;
    return present.length % 2 === 1
      ? present[middle]
      : Math.fround((present[middle - 1] + present[middle]) / 2);
  }
  return longestRun(present);
}

/** The most frequent value of a sorted array, the smallest one among equals. */
function longestRun(sorted: Float32Array): number {
  let best = sorted[0];
  let bestCount = 0;
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end < sorted.length && sorted[end] === sorted[start]) end++;
    if (end - start > bestCount) {
      best = sorted[start];
      bestCount = end - start;
    }
    start = end;
  }
  return best;
}

/** The values of a number or date column. */
export function numbersOf(table: Table, column: string): Float64Array {
  return (table.column(column) as NumberColumn).values;
}

/** A float32 copy in which everything infinite (or beyond float32) is NaN. */
function toFloat32(values: Float64Array): Float32Array {
  const out = new Float32Array(values);
  for (let i = 0; i < out.length; i++) if (!Number.isFinite(out[i])) out[i] = Number.NaN;
  return out;
}

/** Whether float32 holds a value in every row. */
export function hasMissing(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(Math.fround(values[i]))) return true;
  return false;
}

function nanRows(values: Float32Array): FeatureColumn {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) count++;
  const rows = new Uint32Array(count);
  count = 0;
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) rows[count++] = i;
  return { kind: 'sparse', rows, values: new Float32Array(count).fill(1) };
}

function fillNaN(values: Float32Array, fill: number): void {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) values[i] = fill;
}
