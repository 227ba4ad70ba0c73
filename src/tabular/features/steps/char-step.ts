import type { StringColumn, Table } from '#data';
import type { OnnxGraph } from '#engine';
import { emitStack, inputOf } from '../emit.ts';
import type { FeatureColumn, FeatureInfo } from '../matrix.ts';
import { countCodes } from '../purposes.ts';
import { countEntries, emitTextWeights, fitIdf, textColumns } from '../text-counts.ts';
import { numericFeature, type Step, type StepDescription, type StepJson } from './step.ts';

/** One raw column of text. */
export interface CharSpec {
  readonly column: string;
  /** One feature each. */
  readonly grams: readonly string[];
  /** Weight of each feature; absent when 0 and 1 are wanted. */
  readonly idf?: readonly number[];
}

const LENGTH = 3;
const MAX_GRAMS = 64;
const MIN_ROWS = 2;
const MAX_SHARE = 0.9;
const MAX_FIT_TEXTS = 20_000;
const MAX_FIT_LENGTH = 1000;

/**
 * Whether a text holds a run of three characters, case ignored (simple Unicode case folding), for the 64 runs found in
 * the most rows; weighted by tf-idf where asked for. Each is one `RegexFullMatch` in ONNX.
 */
export class CharStep implements Step {
  readonly features: readonly FeatureInfo[];
  private readonly spec: CharSpec;
  private readonly patterns: readonly RegExp[];

  constructor(spec: CharSpec) {
    this.spec = spec;
    this.patterns = spec.grams.map((gram) => new RegExp(escapePattern(gram), 'iu'));
    this.features = spec.grams.map((gram) => numericFeature(`${spec.column}:char=${gram}`, spec.column));
  }

  transform(table: Table): FeatureColumn[] {
    const column = table.column(this.spec.column) as StringColumn;
    const entries = countEntries(column, (text, into) => this.find(text, into));
    return textColumns(column, entries, this.features.length, this.spec.idf);
  }

  private find(text: string, into: Map<number, number>): void {
    const ascii = isAscii(text);
    const lower = text.toLowerCase();
    this.spec.grams.forEach((gram, feature) => {
      // Among ASCII characters case folding is lower case, and searching is faster than matching.
      const found = ascii && isAscii(gram) ? lower.includes(gram) : this.patterns[feature].test(text);
      if (found) into.set(feature, 1);
    });
  }

  /** The idf weights of a column, for `fitChars`. */
  weights(column: StringColumn): number[] {
    const entries = countEntries(column, (text, into) => this.find(text, into));
    return fitIdf(column, entries, this.features.length);
  }

  emitOnnx(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string {
    const text = inputOf(inputs, this.spec.column);
    const found = this.spec.grams.map((gram) =>
      graph.node('RegexFullMatch', [text], {
        attributes: { pattern: { string: `(?is).*${escapePattern(gram)}.*` } },
      }),
    );
    return emitTextWeights(graph, graph.cast(emitStack(graph, found), 'float32'), this.spec.idf);
  }

  describe(): StepDescription[] {
    const weighting = this.spec.idf === undefined ? 'binary' : 'tf-idf';
    const settings = { ngrams: [LENGTH, LENGTH], features: this.features.length, weighting };
    return [{ name: 'CharTfIdf', settings, columns: [this.spec.column] }];
  }

  toJSON(): StepJson {
    return { step: 'chars', spec: this.spec };
  }

  static load(json: StepJson): CharStep {
    return new CharStep(json['spec'] as CharSpec);
  }
}

/** Escapes what JavaScript (with the flag u) and RE2 both take for syntax. */
function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** Fits one column; `undefined` when no run of characters is in two rows and in at most nine rows of ten. */
export function fitChars(column: StringColumn, weighted: boolean): CharStep | undefined {
  const rows = new Map<string, number>();
  const perEntry = countCodes(column);
  const texts = column.dictionary.values;
  for (let entry = 0, used = 0; entry < texts.length && used < MAX_FIT_TEXTS; entry++) {
    if (perEntry[entry] === 0) continue;
    used++;
    const characters = [...texts[entry].slice(0, MAX_FIT_LENGTH).toLowerCase()];
    const seen = new Set<string>();
    for (let i = 0; i + LENGTH <= characters.length; i++) {
      seen.add(characters[i] + characters[i + 1] + characters[i + 2]);
    }
    for (const gram of seen) rows.set(gram, (rows.get(gram) ?? 0) + perEntry[entry]);
  }
  const grams = [...rows]
    .filter(
      ([gram, count]) =>
        count >= MIN_ROWS && count <= MAX_SHARE * column.codes.length && !/\p{C}/u.test(gram),
    )
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, MAX_GRAMS)
    .map(([gram]) => gram);
  if (grams.length === 0) return undefined;
  const spec: CharSpec = { column: column.name, grams };
  return weighted ? new CharStep({ ...spec, idf: new CharStep(spec).weights(column) }) : new CharStep(spec);
}
