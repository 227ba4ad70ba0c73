import type { Column } from '#data';
import type { OnnxAttribute, OnnxGraph } from '#engine';
import type { InputDType } from './inputs.ts';
import { countCodes } from './purposes.ts';

export type CategoryKey = string | number;

/** The categories of a raw column, most frequent first (ties by value). */
export interface Categories {
  readonly keys: readonly CategoryKey[];
  /** Rows per key. */
  readonly counts: readonly number[];
  /** Rows without a value. */
  readonly missing: number;
}

/** Counts the categories of a column. Numbers are taken as float32 unless the input is int64. */
export function countCategories(column: Column, dtype: InputDType): Categories {
  const counts = new Map<CategoryKey, number>();
  let present = 0;
  const add = (key: CategoryKey, count: number) => {
    counts.set(key, (counts.get(key) ?? 0) + count);
    present += count;
  };
  let rows: number;
  if (column.kind === 'string') {
    const perCode = countCodes(column);
    column.dictionary.values.forEach((text, code) => {
      if (text !== '' && perCode[code] > 0) add(text, perCode[code]);
    });
    rows = column.codes.length;
  } else {
    const { values } = column;
    const index = new Map<number, number>();
    const perKey: number[] = [];
    for (let i = 0; i < values.length; i++) {
      const key = numberKey(values[i], dtype);
      if (!Number.isFinite(key)) continue;
      const at = index.get(key);
      if (at === undefined) index.set(key, perKey.push(1) - 1);
      else perKey[at]++;
    }
    for (const [key, at] of index) add(key, perKey[at]);
    rows = values.length;
  }
  const entries = [...counts].sort(
    ([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : a > b ? 1 : 0),
  );
  return {
    keys: entries.map(([key]) => key),
    counts: entries.map(([, count]) => count),
    missing: rows - present,
  };
}

function numberKey(value: number, dtype: InputDType): number {
  // + 0 turns −0 into 0.
  return (dtype === 'int64' ? value : Math.fround(value)) + 0;
}

export interface CategoryEncoderJson {
  readonly column: string;
  readonly dtype: InputDType;
  readonly keys: readonly CategoryKey[];
  /** Code of each key; 1, 2, 3 … when absent. */
  readonly codes?: readonly number[];
  readonly missingCode: number;
}

/** Maps the values of one raw column to codes. Code 0 is every value not among the keys. */
export class CategoryEncoder {
  readonly column: string;
  readonly dtype: InputDType;
  /** Largest code. */
  readonly maxCode: number;
  private readonly json: CategoryEncoderJson;
  private readonly codes: ReadonlyMap<CategoryKey, number>;

  constructor(json: CategoryEncoderJson) {
    this.json = json;
    this.column = json.column;
    this.dtype = json.dtype;
    this.codes = new Map(json.keys.map((key, i) => [key, json.codes?.[i] ?? i + 1]));
    this.maxCode = Math.max(json.missingCode, 0, ...this.codes.values());
  }

  get size(): number {
    return this.json.keys.length;
  }

  /** Code of every row [N]. */
  encode(column: Column): Int32Array {
    const { missingCode } = this.json;
    const out = new Int32Array(column.kind === 'string' ? column.codes.length : column.values.length);
    if (column.kind === 'string') {
      const ofEntry = Int32Array.from(column.dictionary.values, (text) =>
        text === '' ? missingCode : (this.codes.get(text) ?? 0),
      );
      for (let i = 0; i < out.length; i++)
        out[i] = column.codes[i] < 0 ? missingCode : ofEntry[column.codes[i]];
      return out;
    }
    const { values } = column;
    for (let i = 0; i < out.length; i++) {
      const key = numberKey(values[i], this.dtype);
      out[i] = Number.isFinite(key) ? (this.codes.get(key) ?? 0) : missingCode;
    }
    return out;
  }

  /**
   * One `LabelEncoder` from the raw column to `toValue(code)`.
   * @returns name of a tensor [N] of the given type
   */
  emitOnnx(
    graph: OnnxGraph,
    input: string,
    toValue = (code: number) => code,
    type: 'float32' | 'int64' = 'float32',
  ): string {
    const { missingCode } = this.json;
    const keys: CategoryKey[] = [...this.codes.keys()];
    const values = [...this.codes.values()];
    if (missingCode !== 0 || toValue(0) !== toValue(missingCode)) {
      for (const key of missingKeys[this.dtype]) {
        keys.push(key);
        values.push(missingCode);
      }
    }
    if (keys.length === 0) {
      keys.push(missingKeys[this.dtype][0]);
      values.push(0);
    }
    return graph.node('LabelEncoder', [input], {
      domain: 'ai.onnx.ml',
      attributes: {
        ...keyAttribute(this.dtype, keys),
        ...(type === 'float32'
          ? { values_floats: { floats: values.map(toValue) }, default_float: { float: toValue(0) } }
          : { values_int64s: { ints: values.map(toValue) }, default_int64: { int: toValue(0) } }),
      },
    });
  }

  toJSON(): CategoryEncoderJson {
    return this.json;
  }
}

/** Input values that mean "missing". */
const missingKeys: Readonly<Record<InputDType, readonly CategoryKey[]>> = {
  string: [''],
  int64: [-(2 ** 63)],
  float32: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
};

function keyAttribute(dtype: InputDType, keys: readonly CategoryKey[]): Record<string, OnnxAttribute> {
  if (dtype === 'string') return { keys_strings: { strings: keys as string[] } };
  if (dtype === 'int64') return { keys_int64s: { ints: keys as number[] } };
  return { keys_floats: { floats: keys as number[] } };
}
