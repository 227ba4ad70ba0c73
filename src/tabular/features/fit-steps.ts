import { DataError } from '#core';
import type { Column, Table } from '#data';
import type { Encoding } from '../learners/learner.ts';
import { countCategories } from './category-encoder.ts';
import { type FeaturizationConfig, type FeaturizationSettings, imputationOf } from './config.ts';
import { type InputDType, inputType } from './inputs.ts';
import type { FeatureColumn } from './matrix.ts';
import { type ColumnPurpose, isUsed, type Purpose } from './purposes.ts';
import { fitChars } from './steps/char-step.ts';
import { type DateSpec, DateStep, fitDates } from './steps/date-step.ts';
import { fitFill, hasMissing, type NumericSpec, NumericStep } from './steps/numeric-step.ts';
import { fitOneHot, OneHotStep } from './steps/one-hot-step.ts';
import { fitOrdinal, MAX_ORDINAL_CODES, OrdinalStep } from './steps/ordinal-step.ts';
import type { Step, StepName } from './steps/step.ts';
import { type EncodingTarget, fitTargetStep } from './steps/target-step.ts';
import { fitWords } from './steps/word-step.ts';

/** Everything fitting depends on. */
export interface FitPlan {
  readonly table: Table;
  readonly encoding: Encoding;
  readonly purposes: readonly ColumnPurpose[];
  readonly config: FeaturizationConfig;
  readonly targetEncoding: boolean;
  readonly seed: number;
  readonly target?: EncodingTarget;
}

/** A step with its features on the training rows, where these differ from what `transform` gives. */
export interface FittedStep {
  readonly step: Step;
  readonly training?: readonly FeatureColumn[];
}

/** A raw column in use. */
interface Used {
  readonly column: Column;
  readonly purpose: Purpose;
  readonly overridden: boolean;
  readonly dtype: InputDType;
}

type Role = 'numeric' | 'oneHot' | 'ordinal' | 'target' | 'date' | 'text';

/** Fits the steps in the order of the features. */
export function fitSteps(plan: FitPlan): FittedStep[] {
  if (plan.config === 'off') return fitOff(plan);
  const settings = plan.config === 'auto' ? {} : plan.config;
  const columns = usedColumns(plan, settings).map((used) => ({ used, role: roleOf(used, plan, settings) }));
  const of = (wanted: Role): readonly Used[] =>
    columns.filter(({ role }) => role === wanted).map(({ used }) => used);
  const steps: FittedStep[] = [];
  if (of('numeric').length > 0) {
    steps.push({ step: new NumericStep(of('numeric').map((used) => fitNumeric(used, plan, settings))) });
  }
  const oneHot = of('oneHot').flatMap((used) => {
    const how = categoryImputation(settings, used.column.name) ?? 'category';
    const fitted = fitOneHot(used.column.name, used.dtype, countCategories(used.column, used.dtype), how);
    return fitted === undefined || blocks(settings, fitted.hashed ? 'HashOneHotEncoder' : 'OneHotEncoder')
      ? []
      : [fitted];
  });
  if (oneHot.length > 0) steps.push({ step: new OneHotStep(oneHot) });
  const ordinal = of('ordinal').map(({ column, dtype }) =>
    fitOrdinal(column.name, dtype, countCategories(column, dtype), categoryImputation(settings, column.name)),
  );
  if (ordinal.length > 0) steps.push({ step: new OrdinalStep(ordinal) });
  if (of('target').length > 0 && plan.target !== undefined) {
    steps.push(fitTargetStep(of('target'), plan.target, plan.seed));
  }
  const dates = of('date').flatMap((used) => fitDateColumn(used, plan, settings));
  if (dates.length > 0) steps.push({ step: new DateStep(dates) });
  for (const used of of('text')) steps.push(...fitText(used, plan, settings));
  return steps;
}

function usedColumns(plan: FitPlan, settings: FeaturizationSettings): Used[] {
  const purposes = new Map(plan.purposes.map((info) => [info.column, info]));
  return plan.table.columns.flatMap((column): Used[] => {
    const info = purposes.get(column.name);
    if (info === undefined) {
      throw new DataError(
        `fitFeaturizer: every column must have a purpose, but "${column.name}" has none. ` +
          'Pass the purposes that inferPurposes gives for this table.',
        { column: column.name },
      );
    }
    if (!isUsed(info.purpose) || settings.dropColumns?.includes(column.name)) return [];
    const dtype = inputType(column, info.purpose);
    return [{ column, purpose: info.purpose, overridden: info.overridden ?? false, dtype }];
  });
}

/** `undefined` for columns that give no features because their step is blocked. */
function roleOf(used: Used, plan: FitPlan, settings: FeaturizationSettings): Role | undefined {
  const { column, purpose, dtype } = used;
  if (purpose === 'Numeric') return 'numeric';
  if (purpose === 'Text') return 'text';
  if (purpose === 'DateTime') return blocks(settings, 'DateTimeParts') ? undefined : 'date';
  const ordinal = plan.encoding === 'ordinal';
  const asNumber = ordinal && !used.overridden && settings.integersAsNumbers !== false;
  if (purpose === 'Categorical' && dtype === 'int64' && asNumber) return 'numeric';
  const byTarget =
    plan.targetEncoding &&
    plan.target !== undefined &&
    purpose === 'CategoricalHash' &&
    !blocks(settings, 'TargetEncoder') &&
    (!ordinal || countCategories(column, dtype).keys.length > MAX_ORDINAL_CODES);
  if (byTarget) return 'target';
  if (!ordinal) return 'oneHot';
  return blocks(settings, 'OrdinalEncoder') ? undefined : 'ordinal';
}

function blocks(settings: FeaturizationSettings, step: StepName): boolean {
  return settings.blockedSteps?.includes(step) ?? false;
}

/** What a setting means for categories; `*: mean` is meant for numbers only. */
function categoryImputation(settings: FeaturizationSettings, column: string) {
  const how = imputationOf(settings, column);
  return how === 'mean' || how === 'median' ? undefined : how;
}

/** What a setting means for numbers; `undefined` when nothing was said for them. */
function numericImputation(settings: FeaturizationSettings, column: string) {
  const how = imputationOf(settings, column);
  if (typeof how !== 'object') return how === 'category' ? undefined : how;
  return typeof how.constant === 'number' ? { constant: how.constant } : undefined;
}

/** `onehot` always fills numbers in; `ordinal` keeps NaN unless an imputation is asked for. */
function fitNumeric({ column, dtype }: Used, plan: FitPlan, settings: FeaturizationSettings): NumericSpec {
  const { values } = column as Extract<Column, { kind: 'number' }>;
  const wish = numericImputation(settings, column.name);
  const how = wish ?? (plan.encoding === 'onehot' ? 'mean' : undefined);
  return {
    column: column.name,
    dtype: dtype as 'float32' | 'int64',
    fill: how === undefined ? null : fitFill(values, how),
    strategy: how === undefined ? 'keep missing' : typeof how === 'object' ? `constant ${how.constant}` : how,
    indicator: how !== undefined && !blocks(settings, 'MissingIndicator') && hasMissing(values),
  };
}

function fitDateColumn({ column }: Used, plan: FitPlan, settings: FeaturizationSettings): DateSpec[] {
  const { values } = column as Extract<Column, { kind: 'date' }>;
  const wish = numericImputation(settings, column.name);
  const how =
    (typeof wish === 'object' ? undefined : wish) ?? (plan.encoding === 'onehot' ? 'mean' : undefined);
  const spec = fitDates(column.name, values, how, !blocks(settings, 'MissingIndicator'));
  return spec === undefined ? [] : [spec];
}

/** tf-idf for `onehot`; plain counts for `ordinal`, where weights change nothing. */
function fitText({ column }: Used, plan: FitPlan, settings: FeaturizationSettings): FittedStep[] {
  const text = column as Extract<Column, { kind: 'string' }>;
  const weighted = plan.encoding === 'onehot';
  const words = blocks(settings, 'WordTfIdf') ? undefined : fitWords(text, weighted);
  const chars = blocks(settings, 'CharTfIdf') ? undefined : fitChars(text, weighted);
  return [words, chars].flatMap((step) => (step === undefined ? [] : [{ step }]));
}

/** Numbers as they are: filled in by the mean only where the encoding needs it, no indicators. */
function fitOff(plan: FitPlan): FittedStep[] {
  const purposes = new Map(plan.purposes.map((info) => [info.column, info.purpose]));
  const present = plan.table.columns.filter(
    (column) =>
      purposes.get(column.name) !== 'AllNan' && (column.kind !== 'number' || hasValue(column.values)),
  );
  const refused = present.filter((column) => column.kind !== 'number').map(({ name }) => `"${name}"`);
  if (refused.length > 0) {
    throw new DataError(
      `fitFeaturizer: with featurization off every column must hold numbers, but ${refused.join(', ')} ` +
        `${refused.length === 1 ? 'does' : 'do'} not. Drop or encode ${refused.length === 1 ? 'it' : 'them'}, ` +
        'or use featurization auto.',
    );
  }
  if (present.length === 0) return [];
  const settings: FeaturizationSettings = { blockedSteps: ['MissingIndicator'] };
  const specs = present.map((column) => {
    const purpose = purposes.get(column.name) ?? 'Numeric';
    return fitNumeric(
      { column, purpose, overridden: false, dtype: inputType(column, purpose) },
      plan,
      settings,
    );
  });
  return [{ step: new NumericStep(specs) }];
}

function hasValue(values: Float64Array): boolean {
  return values.some((value) => !Number.isNaN(value));
}
