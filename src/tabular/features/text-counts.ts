import type { StringColumn } from '#data';
import type { OnnxGraph } from '#engine';
import type { FeatureColumn } from './matrix.ts';

/** n-gram counts of the entries of a dictionary, entry by entry; entries that no row holds have none. */
export interface EntryCounts {
  /** [entries + 1] start of each entry in the other two. */
  readonly offsets: Uint32Array;
  readonly features: readonly number[];
  readonly counts: readonly number[];
}

/**
 * Counts each entry that some row holds once.
 * @param countEntry adds the features of a text to the map, feature → count
 */
export function countEntries(
  column: StringColumn,
  countEntry: (text: string, into: Map<number, number>) => void,
): EntryCounts {
  const texts = column.dictionary.values;
  const held = new Uint8Array(texts.length);
  for (let i = 0; i < column.codes.length; i++) if (column.codes[i] >= 0) held[column.codes[i]] = 1;
  const offsets = new Uint32Array(texts.length + 1);
  const features: number[] = [];
  const counts: number[] = [];
  const into = new Map<number, number>();
  for (let entry = 0; entry < texts.length; entry++) {
    if (held[entry] === 1) {
      into.clear();
      countEntry(texts[entry], into);
      for (const [feature, count] of into) {
        features.push(feature);
        counts.push(count);
      }
    }
    offsets[entry + 1] = features.length;
  }
  return { offsets, features, counts };
}

/**
 * Inverse document frequencies: ln((1 + n) / (1 + df)) + 1 as float32, with n rows and df rows that hold the feature.
 */
export function fitIdf(column: StringColumn, entries: EntryCounts, width: number): number[] {
  const df = new Float64Array(width);
  eachOccurrence(column, entries, (_, at) => {
    df[entries.features[at]]++;
  });
  const n = column.codes.length;
  return Array.from(df, (rows) => Math.fround(Math.log((1 + n) / (1 + rows)) + 1));
}

/** Sparse columns of counts, or, with `idf`, of count · idf divided by the row's Euclidean norm. */
export function textColumns(
  column: StringColumn,
  entries: EntryCounts,
  width: number,
  idf: readonly number[] | undefined,
): FeatureColumn[] {
  const values = idf === undefined ? Float32Array.from(entries.counts) : weightEntries(entries, idf);
  const sizes = new Uint32Array(width);
  eachOccurrence(column, entries, (_, at) => {
    sizes[entries.features[at]]++;
  });
  const columns = Array.from(sizes, (size) => ({
    kind: 'sparse' as const,
    rows: new Uint32Array(size),
    values: new Float32Array(size),
  }));
  sizes.fill(0);
  eachOccurrence(column, entries, (row, at) => {
    const feature = entries.features[at];
    const next = sizes[feature]++;
    columns[feature].rows[next] = row;
    columns[feature].values[next] = values[at];
  });
  return columns;
}

function eachOccurrence(
  column: StringColumn,
  { offsets }: EntryCounts,
  visit: (row: number, at: number) => void,
): void {
  for (let row = 0; row < column.codes.length; row++) {
    const code = column.codes[row];
    if (code < 0) continue;
    for (let at = offsets[code]; at < offsets[code + 1]; at++) visit(row, at);
  }
}

function weightEntries({ offsets, features, counts }: EntryCounts, idf: readonly number[]): Float32Array {
  const values = Float32Array.from(counts, (count, at) => count * idf[features[at]]);
  for (let entry = 0; entry + 1 < offsets.length; entry++) {
    let squares = 0;
    for (let at = offsets[entry]; at < offsets[entry + 1]; at++) squares += values[at] * values[at];
    const norm = Math.fround(Math.sqrt(squares));
    for (let at = offsets[entry]; at < offsets[entry + 1]; at++) values[at] /= norm;
  }
  return values;
}

/** The weighting of `textColumns` for counts [N, d]. */
export function emitTextWeights(
  graph: OnnxGraph,
  counts: string,
  idf: readonly number[] | undefined,
): string {
  if (idf === undefined) return counts;
  const weighted = graph.node('Mul', [counts, graph.constant(Float32Array.from(idf), [idf.length], 'idf')]);
  const norm = graph.node('ReduceL2', [weighted, graph.int64([1])], { attributes: { keepdims: { int: 1 } } });
  const empty = graph.node('Equal', [norm, graph.float(0)]);
  return graph.node('Div', [weighted, graph.node('Where', [empty, graph.float(1), norm])]);
}
