import { hashString } from '#core';
import type { StringColumn, Table } from '#data';
import type { OnnxGraph } from '#engine';
import { inputOf } from '../emit.ts';
import type { FeatureColumn, FeatureInfo } from '../matrix.ts';
import { countCodes } from '../purposes.ts';
import { countEntries, emitTextWeights, fitIdf, textColumns } from '../text-counts.ts';
import { numericFeature, type Step, type StepDescription, type StepJson } from './step.ts';

/** One raw column of text. */
export interface WordSpec {
  readonly column: string;
  /** Hash buckets in use, one feature each. */
  readonly buckets: readonly number[];
  /** Words as they are written → feature. */
  readonly words: Readonly<Record<string, number>>;
  /** Pairs of neighbouring words as they are written, with one space between → feature. */
  readonly pairs: Readonly<Record<string, number>>;
  /** Weight of each feature; absent when counts are wanted. */
  readonly idf?: readonly number[];
}

const BUCKETS = 256;
const MIN_ROWS = 2;
const MAX_ENTRIES = 10_000;
const MAX_FIT_TEXTS = 100_000;
/** A text is split this often; what follows is no word unless it is a single one. */
const MAX_SPLITS = 256;

/**
 * Counts of words and of pairs of neighbours in 256 hash buckets, weighted by tf-idf where asked for.
 *
 * Words are what stands between spaces; tabs and line ends are part of a word. Case and punctuation at the edges do
 * not count when words are hashed, but ONNX has no operator to strip them, so the model holds every spelling seen in
 * training (of words found in two rows or more) and its bucket. Other spellings are unknown and count nothing.
 */
export class WordStep implements Step {
  readonly features: readonly FeatureInfo[];
  private readonly spec: WordSpec;
  private readonly words: ReadonlyMap<string, number>;
  private readonly pairs: ReadonlyMap<string, number>;

  constructor(spec: WordSpec) {
    this.spec = spec;
    this.words = new Map(Object.entries(spec.words));
    this.pairs = new Map(Object.entries(spec.pairs));
    this.features = spec.buckets.map((bucket) =>
      numericFeature(`${spec.column}:word#${bucket}`, spec.column),
    );
  }

  transform(table: Table): FeatureColumn[] {
    const column = table.column(this.spec.column) as StringColumn;
    const entries = countEntries(column, (text, into) => this.count(text, into));
    return textColumns(column, entries, this.features.length, this.spec.idf);
  }

  private count(text: string, into: Map<number, number>): void {
    const add = (feature: number | undefined) => {
      if (feature !== undefined) into.set(feature, (into.get(feature) ?? 0) + 1);
    };
    const words = splitWords(text);
    for (let i = 0; i < words.length; i++) {
      add(this.words.get(words[i]));
      if (i > 0) add(this.pairs.get(`${words[i - 1]} ${words[i]}`));
    }
  }

  /** The idf weights of a column, for `fitWords`. */
  weights(column: StringColumn): number[] {
    const entries = countEntries(column, (text, into) => this.count(text, into));
    return fitIdf(column, entries, this.features.length);
  }

  emitOnnx(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string {
    // One empty row more, because TfIdfVectorizer refuses to run on none.
    const padded = graph.node('Concat', [inputOf(inputs, this.spec.column), graph.constant([''], [1])], {
      attributes: { axis: { int: 0 } },
    });
    const [words] = graph.multiNode('StringSplit', [padded], {
      attributes: { delimiter: { string: ' ' }, maxsplit: { int: MAX_SPLITS } },
      outputs: 2,
    });
    const counts = graph.node('TfIdfVectorizer', [words], {
      attributes: {
        mode: { string: 'TF' },
        min_gram_length: { int: 1 },
        max_gram_length: { int: this.pairs.size > 0 ? 2 : 1 },
        max_skip_count: { int: 0 },
        ngram_counts: { ints: this.pairs.size > 0 ? [0, this.words.size] : [0] },
        ngram_indexes: { ints: [...this.words.values(), ...this.pairs.values()] },
        pool_strings: {
          strings: [...this.words.keys(), ...[...this.pairs.keys()].flatMap((pair) => pair.split(' '))],
        },
      },
    });
    const rows = graph.node('Slice', [counts, graph.int64([0]), graph.int64([-1]), graph.int64([0])]);
    return emitTextWeights(graph, rows, this.spec.idf);
  }

  describe(): StepDescription[] {
    const settings = {
      ngrams: [1, 2],
      buckets: BUCKETS,
      weighting: this.spec.idf === undefined ? 'count' : 'tf-idf',
    };
    return [{ name: 'WordTfIdf', settings, columns: [this.spec.column] }];
  }

  toJSON(): StepJson {
    return { step: 'words', spec: this.spec };
  }

  static load(json: StepJson): WordStep {
    return new WordStep(json['spec'] as WordSpec);
  }
}

/** What `StringSplit` gives for the delimiter ' ' and `MAX_SPLITS`. */
function splitWords(text: string): string[] {
  const words = text.split(' ');
  return words.length > MAX_SPLITS + 1 ? words.slice(0, MAX_SPLITS) : words;
}

/** Lower case, without what is neither letter nor digit at the edges; '' for pure punctuation. */
function normalise(word: string): string {
  return word.toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
}

/** Fits the words of one column; `undefined` when none is in two rows. */
export function fitWords(column: StringColumn, weighted: boolean): WordStep | undefined {
  const { words, pairs } = collectGrams(column);
  const kept = [frequentSpellings(words), frequentSpellings(pairs)];
  const bucketOf = (normal: string) => hashString(normal) % BUCKETS;
  const buckets = [...new Set(kept.flatMap((grams) => grams.map(([, normal]) => bucketOf(normal))))];
  if (buckets.length === 0) return undefined;
  buckets.sort((a, b) => a - b);
  const index = new Map(buckets.map((bucket, i) => [bucket, i]));
  const lookup = (grams: readonly (readonly [string, string])[]) =>
    Object.fromEntries(grams.map(([spelling, normal]) => [spelling, index.get(bucketOf(normal)) as number]));
  const spec: WordSpec = { column: column.name, buckets, words: lookup(kept[0]), pairs: lookup(kept[1]) };
  const step = new WordStep(spec);
  return weighted ? new WordStep({ ...spec, idf: step.weights(column) }) : step;
}

/** Spellings with their normal form and the rows that hold them, and the rows of each normal form. */
interface Grams {
  readonly spellings: Map<string, { readonly normal: string; rows: number }>;
  readonly rows: Map<string, number>;
}

function collectGrams(column: StringColumn): { words: Grams; pairs: Grams } {
  const words: Grams = { spellings: new Map(), rows: new Map() };
  const pairs: Grams = { spellings: new Map(), rows: new Map() };
  const perEntry = countCodes(column);
  const normals = new Map<string, string>();
  const texts = column.dictionary.values;
  for (let entry = 0, used = 0; entry < texts.length && used < MAX_FIT_TEXTS; entry++) {
    if (perEntry[entry] === 0) continue;
    used++;
    const seen = new Set<string>();
    const tokens = splitWords(texts[entry]);
    let previous = '';
    for (let i = 0; i < tokens.length; i++) {
      let normal = normals.get(tokens[i]);
      if (normal === undefined) {
        normal = normalise(tokens[i]);
        normals.set(tokens[i], normal);
      }
      if (normal !== '') addGram(words, tokens[i], normal, perEntry[entry], seen);
      if (normal !== '' && previous !== '') {
        addGram(pairs, `${tokens[i - 1]} ${tokens[i]}`, `${previous} ${normal}`, perEntry[entry], seen);
      }
      previous = normal;
    }
  }
  return { words, pairs };
}

/** @param seen spellings (after a tab) and normal forms (after a line end) already counted in this text */
function addGram(grams: Grams, spelling: string, normal: string, rows: number, seen: Set<string>): void {
  const spelled = `\t${spelling}`;
  if (!seen.has(spelled)) {
    seen.add(spelled);
    const entry = grams.spellings.get(spelling);
    if (entry === undefined) grams.spellings.set(spelling, { normal, rows });
    else entry.rows += rows;
  }
  const formed = `\n${normal}`;
  if (!seen.has(formed)) {
    seen.add(formed);
    grams.rows.set(normal, (grams.rows.get(normal) ?? 0) + rows);
  }
}

/** The spellings of normal forms in two rows or more, the most frequent ones first (ties by name). */
function frequentSpellings({ spellings, rows }: Grams): (readonly [spelling: string, normal: string])[] {
  return [...spellings]
    .filter(([, { normal }]) => (rows.get(normal) as number) >= MIN_ROWS)
    .sort(([a, { rows: rowsA }], [b, { rows: rowsB }]) => rowsB - rowsA || (a < b ? -1 : 1))
    .slice(0, MAX_ENTRIES)
    .map(([spelling, { normal }]) => [spelling, normal] as const);
}
