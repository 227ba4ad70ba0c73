import type { Table } from '#data';
import type { OnnxGraph } from '#engine';
import { type DatePart, dateParts, emitDateParts, writeDateParts } from '../civil-date.ts';
import { emitJoin, emitPick, emitStack, inputOf } from '../emit.ts';
import { MISSING_INT64 } from '../inputs.ts';
import type { FeatureColumn, FeatureInfo } from '../matrix.ts';
import { fitFill, hasMissing, numbersOf } from './numeric-step.ts';
import { numericFeature, type Step, type StepDescription, type StepJson } from './step.ts';

/** One raw column of dates. */
export interface DateSpec {
  readonly column: string;
  /** Parts that vary in training, each with what takes the place of missing ones; `null` leaves them NaN. */
  readonly parts: readonly { readonly part: DatePart; readonly fill: number | null }[];
  /** Whether a `_WASNULL` feature tells where values were missing. */
  readonly indicator: boolean;
}

/** Dates as their parts (UTC), those that are constant in training left out; then the `_WASNULL` features. */
export class DateStep implements Step {
  readonly features: readonly FeatureInfo[];
  private readonly specs: readonly DateSpec[];
  private readonly flagged: readonly number[];

  constructor(specs: readonly DateSpec[]) {
    this.specs = specs;
    this.flagged = specs.flatMap((spec, c) => (spec.indicator ? [c] : []));
    this.features = [
      ...specs.flatMap(({ column, parts }) =>
        parts.map(({ part }) => numericFeature(`${column}.${part}`, column)),
      ),
      ...this.flagged.map((c) => numericFeature(`${specs[c].column}_WASNULL`, specs[c].column)),
    ];
  }

  transform(table: Table): FeatureColumn[] {
    const parts = this.specs.flatMap(({ column, parts }) =>
      partColumns(
        numbersOf(table, column),
        parts.map(({ part }) => part),
        parts.map(({ fill }) => fill ?? Number.NaN),
      ),
    );
    const flags = this.flagged.map((c) =>
      Float32Array.from(numbersOf(table, this.specs[c].column), (ms) => (Number.isNaN(ms) ? 1 : 0)),
    );
    return [...parts, ...flags].map((values) => ({ kind: 'dense', values }));
  }

  /** One calendar computation for all columns at once. */
  emitOnnx(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string {
    const columns = this.specs.length;
    const ms = emitStack(
      graph,
      this.specs.map(({ column }) => inputOf(inputs, column)),
    );
    const missing = graph.node('Equal', [ms, graph.constant(BigInt64Array.of(MISSING_INT64), [])]);
    const parts = emitDateParts(graph, graph.node('Where', [missing, graph.int64(0), ms]));
    const all = graph.cast(
      emitJoin(
        graph,
        dateParts.map((part) => parts[part]),
      ),
      'float32',
    );
    const entries = this.specs.flatMap((spec, c) => spec.parts.map((entry) => ({ ...entry, c })));
    const at = entries.map(({ part, c }) => dateParts.indexOf(part) * columns + c);
    const picked = emitPick(graph, all, at, dateParts.length * columns);
    const owner = entries.map(({ c }) => c);
    const gaps = emitPick(graph, missing, owner, columns);
    const fills = Float32Array.from(entries, ({ fill }) => fill ?? Number.NaN);
    const filled = graph.node('Where', [gaps, graph.constant(fills), picked]);
    if (this.flagged.length === 0) return filled;
    return emitJoin(graph, [filled, graph.cast(emitPick(graph, missing, this.flagged, columns), 'float32')]);
  }

  describe(): StepDescription[] {
    return this.specs.map(({ column, parts }) => ({
      name: 'DateTimeParts',
      settings: { parts: parts.map(({ part }) => part) },
      columns: [column],
    }));
  }

  toJSON(): StepJson {
    return { step: 'date', specs: this.specs };
  }

  static load(json: StepJson): DateStep {
    return new DateStep(json['specs'] as readonly DateSpec[]);
  }
}

/**
 * Fits one column; `undefined` when no part varies.
 * @param how `undefined` leaves missing parts NaN
 */
export function fitDates(
  column: string,
  values: Float64Array,
  how: 'mean' | 'median' | 'mostFrequent' | undefined,
  flag: boolean,
): DateSpec | undefined {
  const columns = partColumns(
    values,
    dateParts,
    dateParts.map(() => Number.NaN),
  );
  const parts = dateParts.flatMap((part, p) => {
    if (!varies(columns[p])) return [];
    return [{ part, fill: how === undefined ? null : fitFill(Float64Array.from(columns[p]), how) }];
  });
  const indicator = how !== undefined && flag && hasMissing(values);
  return parts.length === 0 && !indicator ? undefined : { column, parts, indicator };
}

/** Chosen parts of every row; `fills` stand in for missing ones. */
function partColumns(
  values: Float64Array,
  parts: readonly DatePart[],
  fills: readonly number[],
): Float32Array[] {
  const columns = parts.map(() => new Float32Array(values.length));
  const wanted = parts.map((part) => dateParts.indexOf(part));
  const all = new Float64Array(dateParts.length);
  for (let i = 0; i < values.length; i++) {
    const ms = Math.floor(values[i]);
    if (Number.isNaN(ms)) {
      for (let p = 0; p < parts.length; p++) columns[p][i] = fills[p];
      continue;
    }
    writeDateParts(ms, all);
    for (let p = 0; p < parts.length; p++) columns[p][i] = all[wanted[p]];
  }
  return columns;
}

function varies(values: Float32Array): boolean {
  let first = Number.NaN;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    if (Number.isNaN(first)) first = values[i];
    else if (values[i] !== first) return true;
  }
  return false;
}
