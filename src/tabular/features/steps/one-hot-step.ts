import { hashString } from '#core';
import type { Table } from '#data';
import type { OnnxGraph } from '#engine';
import { type Categories, CategoryEncoder, type CategoryEncoderJson } from '../category-encoder.ts';
import { emitJoin, inputOf } from '../emit.ts';
import type { InputDType } from '../inputs.ts';
import type { FeatureColumn, FeatureInfo } from '../matrix.ts';
import { numericFeature, type Step, type StepDescription, type StepJson } from './step.ts';

/** What becomes of missing categories: one of their own (when training had any), or another one. */
export type CategoryImputation = 'category' | 'mostFrequent' | { readonly constant: string | number };

interface OneHotSpec {
  readonly encoder: CategoryEncoderJson;
  /** Codes that have a feature, with its name. */
  readonly active: readonly { readonly code: number; readonly name: string }[];
  readonly hashed: boolean;
}

/** Columns with more categories than this share that many hash buckets. */
const MAX_ONE_HOT = 256;

/**
 * Categories as 0/1 features, sparse. A column of two categories gives one feature (of the rarer one); values unseen
 * in training give zeros everywhere. Hashed columns put each category seen in training into one of 256 buckets, so
 * that the model holds the whole lookup.
 */
export class OneHotStep implements Step {
  readonly features: readonly FeatureInfo[];
  private readonly specs: readonly OneHotSpec[];
  private readonly encoders: readonly CategoryEncoder[];

  constructor(specs: readonly OneHotSpec[]) {
    this.specs = specs;
    this.encoders = specs.map(({ encoder }) => new CategoryEncoder(encoder));
    this.features = specs.flatMap(({ encoder, active }) =>
      active.map(({ name }) => numericFeature(name, encoder.column)),
    );
  }

  transform(table: Table): FeatureColumn[] {
    return this.encoders.flatMap((encoder, c) => {
      const codes = encoder.encode(table.column(encoder.column));
      const counts = new Uint32Array(encoder.maxCode + 1);
      for (let i = 0; i < codes.length; i++) counts[codes[i]]++;
      const rows: (Uint32Array | undefined)[] = new Array(encoder.maxCode + 1);
      for (const { code } of this.specs[c].active) rows[code] = new Uint32Array(counts[code]);
      const next = new Uint32Array(encoder.maxCode + 1);
      for (let i = 0; i < codes.length; i++) {
        const list = rows[codes[i]];
        if (list !== undefined) list[next[codes[i]]++] = i;
      }
      return this.specs[c].active.map(({ code }): FeatureColumn => {
        const list = rows[code] as Uint32Array;
        return { kind: 'sparse', rows: list, values: new Float32Array(list.length).fill(1) };
      });
    });
  }

  emitOnnx(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string {
    const offOn = graph.constant(Float32Array.of(0, 1), [2], 'offOn');
    const blocks = this.specs.map(({ active }, c) => {
      const encoder = this.encoders[c];
      // Codes without a feature become an index beyond the last one, for which OneHot gives zeros.
      const index = new Map(active.map(({ code }, i) => [code, i]));
      const place = (code: number) => index.get(code) ?? active.length;
      const at = encoder.emitOnnx(graph, inputOf(inputs, encoder.column), place, 'int64');
      return graph.node('OneHot', [at, graph.int64(active.length), offOn], {
        attributes: { axis: { int: -1 } },
      });
    });
    return emitJoin(graph, blocks);
  }

  describe(): StepDescription[] {
    const columnsOf = (hashed: boolean) =>
      this.specs.filter((spec) => spec.hashed === hashed).map(({ encoder }) => encoder.column);
    const steps: StepDescription[] = [
      { name: 'OneHotEncoder', settings: { handleUnknown: 'ignore' }, columns: columnsOf(false) },
      { name: 'HashOneHotEncoder', settings: { buckets: MAX_ONE_HOT }, columns: columnsOf(true) },
    ];
    return steps.filter(({ columns }) => columns.length > 0);
  }

  toJSON(): StepJson {
    return { step: 'oneHot', specs: this.specs };
  }

  static load(json: StepJson): OneHotStep {
    return new OneHotStep(json['specs'] as readonly OneHotSpec[]);
  }
}

/** Fits one column; `undefined` when it gives no feature (a single category). */
export function fitOneHot(
  column: string,
  dtype: InputDType,
  categories: Categories,
  imputation: CategoryImputation,
): OneHotSpec | undefined {
  const { keys, codes, missingCode } = withMissing(categories, imputation, dtype);
  const hashed = keys.length > MAX_ONE_HOT;
  const spec = hashed
    ? hashKeys(column, keys, missingCode, dtype)
    : {
        encoder: { column, dtype, keys, missingCode },
        active: keys.map((key, i) => ({ code: codes[i], name: `${column}=${key}` })),
        hashed,
      };
  const flag = { code: spec.encoder.missingCode, name: `${column}_WASNULL` };
  const all = missingCode > keys.length ? [...spec.active, flag] : spec.active;
  if (all.length < 2) return undefined;
  return { ...spec, active: all.length === 2 ? all.slice(1) : all };
}

/** Keys with codes 1, 2, 3 …, the code of missing values, and a new key when they are filled with one. */
export function withMissing(categories: Categories, imputation: CategoryImputation, dtype: InputDType) {
  let { keys } = categories;
  let missingCode = 0;
  if (typeof imputation === 'object') {
    const constant = dtype === 'string' ? String(imputation.constant) : Number(imputation.constant);
    if (!keys.includes(constant) && categories.missing > 0) keys = [...keys, constant];
    missingCode = keys.indexOf(constant) + 1;
  } else if (imputation === 'mostFrequent') {
    missingCode = Math.min(1, keys.length);
  } else if (categories.missing > 0) {
    missingCode = keys.length + 1;
  }
  return { keys, codes: keys.map((_, i) => i + 1), missingCode };
}

function hashKeys(
  column: string,
  keys: Categories['keys'],
  missing: number,
  dtype: InputDType,
): Omit<OneHotSpec, 'hashed'> & { hashed: true } {
  const buckets = keys.map((key) => hashString(String(key)) % MAX_ONE_HOT);
  const used = [...new Set(buckets)].sort((a, b) => a - b);
  const codeOf = new Map(used.map((bucket, i) => [bucket, i + 1]));
  const codes = buckets.map((bucket) => codeOf.get(bucket) as number);
  const missingCode = missing > keys.length ? used.length + 1 : missing === 0 ? 0 : codes[missing - 1];
  return {
    encoder: { column, dtype, keys, codes, missingCode },
    active: used.map((bucket, i) => ({ code: i + 1, name: `${column}#${bucket}` })),
    hashed: true,
  };
}
