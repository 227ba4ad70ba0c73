import type { Table } from '#data';
import type { OnnxGraph } from '#engine';
import { type Categories, CategoryEncoder, type CategoryEncoderJson } from '../category-encoder.ts';
import { emitStack, inputOf } from '../emit.ts';
import type { InputDType } from '../inputs.ts';
import type { FeatureColumn, FeatureInfo } from '../matrix.ts';
import { type CategoryImputation, withMissing } from './one-hot-step.ts';
import type { Step, StepDescription, StepJson } from './step.ts';

/** Codes beyond 0; with it a categorical feature has at most 255. */
export const MAX_ORDINAL_CODES = 254;

/** Categories as codes 1, 2, 3 … by falling frequency; 0 is missing, unseen, or beyond the 254 most frequent. */
export class OrdinalStep implements Step {
  readonly features: readonly FeatureInfo[];
  private readonly encoders: readonly CategoryEncoder[];

  constructor(specs: readonly CategoryEncoderJson[]) {
    this.encoders = specs.map((spec) => new CategoryEncoder(spec));
    this.features = this.encoders.map(({ column, maxCode }) => ({
      name: column,
      source: column,
      type: 'categorical',
      cardinality: maxCode + 1,
    }));
  }

  transform(table: Table): FeatureColumn[] {
    return this.encoders.map((encoder) => ({
      kind: 'dense',
      values: new Float32Array(encoder.encode(table.column(encoder.column))),
    }));
  }

  emitOnnx(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string {
    return emitStack(
      graph,
      this.encoders.map((encoder) => encoder.emitOnnx(graph, inputOf(inputs, encoder.column))),
    );
  }

  describe(): StepDescription[] {
    const columns = this.encoders.map(({ column }) => column);
    return [{ name: 'OrdinalEncoder', settings: { maxCodes: MAX_ORDINAL_CODES }, columns }];
  }

  toJSON(): StepJson {
    return { step: 'ordinal', specs: this.encoders.map((encoder) => encoder.toJSON()) };
  }

  static load(json: StepJson): OrdinalStep {
    return new OrdinalStep(json['specs'] as readonly CategoryEncoderJson[]);
  }
}

/** Fits one column. Missing values are code 0 unless `imputation` says otherwise. */
export function fitOrdinal(
  column: string,
  dtype: InputDType,
  categories: Categories,
  imputation: CategoryImputation | undefined,
): CategoryEncoderJson {
  if (imputation === undefined || imputation === 'category') {
    return { column, dtype, keys: categories.keys.slice(0, MAX_ORDINAL_CODES), missingCode: 0 };
  }
  const { keys, missingCode } = withMissing(categories, imputation, dtype);
  const kept = keys.slice(0, MAX_ORDINAL_CODES);
  return { column, dtype, keys: kept, missingCode: missingCode > kept.length ? 0 : missingCode };
}
