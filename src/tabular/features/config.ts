import { ConfigError, columnHint, nearestName } from '#core';
import type { Table } from '#data';
import { overrideFaults, type Purpose } from './purposes.ts';
import { type StepName, stepNames } from './steps/step.ts';

/** How missing values of a column are filled in. `mean` and `median` are for numbers and dates only. */
export type Imputation =
  | 'mean'
  | 'median'
  | 'mostFrequent'
  /** Categories only, the default there: missing values are a category of their own. */
  | 'category'
  | { readonly constant: number | string };

/** Wishes about featurisation. Everything not said follows the `auto` rules. */
export interface FeaturizationSettings {
  /** Column → purpose. */
  readonly columnPurposes?: Readonly<Record<string, Purpose>>;
  /** Columns to leave out. */
  readonly dropColumns?: readonly string[];
  /** Steps not to use; columns that depend on a blocked step give no features. */
  readonly blockedSteps?: readonly StepName[];
  /** Column, or `*` for all others → imputation. */
  readonly imputation?: Readonly<Record<string, Imputation>>;
  /** Encode high-cardinality categories by the target. The search decides when absent. */
  readonly targetEncoding?: boolean;
  /** Keep whole numbers with few values as numbers in the `ordinal` encoding; default true. */
  readonly integersAsNumbers?: boolean;
}

/** `auto`: by the rules; `off`: numbers as they are, anything else refused; or settings. Plain JSON. */
export type FeaturizationConfig = 'auto' | 'off' | FeaturizationSettings;

/** What the settings say about missing values of a column. */
export function imputationOf(settings: FeaturizationSettings, column: string): Imputation | undefined {
  const wishes = settings.imputation ?? {};
  return Object.hasOwn(wishes, column) ? wishes[column] : wishes['*'];
}

type Fault = string;
type Check = (value: unknown, table: Table) => Fault[];

const checks: { readonly [K in keyof Required<FeaturizationSettings>]: Check } = {
  columnPurposes: (value, table) =>
    isRecord(value)
      ? Object.entries(value).flatMap(([column, purpose]) => overrideFaults(table, column, String(purpose)))
      : [mustBe('columnPurposes', 'an object of column → purpose', value)],
  dropColumns: (value, table) =>
    isStrings(value)
      ? value.flatMap((column) => unknownColumn('dropColumns', column, table))
      : [mustBe('dropColumns', 'an array of column names', value)],
  blockedSteps: (value) =>
    isStrings(value) ? value.flatMap(blockFaults) : [mustBe('blockedSteps', 'an array of step names', value)],
  imputation: (value, table) =>
    isRecord(value)
      ? Object.entries(value).flatMap(([column, how]) => imputationFaults(column, how, table))
      : [mustBe('imputation', 'an object of column (or "*") → imputation', value)],
  targetEncoding: (value) =>
    typeof value === 'boolean' ? [] : [mustBe('targetEncoding', 'true or false', value)],
  integersAsNumbers: (value) =>
    typeof value === 'boolean' ? [] : [mustBe('integersAsNumbers', 'true or false', value)],
};

/**
 * A featurisation config from parsed JSON.
 * @param table the raw columns it is for, label dropped
 * @throws ConfigError naming all faults, with the nearest names
 */
export function parseFeaturizationConfig(json: unknown, table: Table): FeaturizationConfig {
  if (json === 'auto' || json === 'off') return json;
  if (!isRecord(json)) {
    throw new ConfigError(
      `featurization: it must be "auto", "off" or an object of settings, but got ${JSON.stringify(json)}. ` +
        `Settings are: ${Object.keys(checks).join(', ')}.`,
    );
  }
  const faults = Object.entries(json).flatMap(([key, value]) =>
    Object.hasOwn(checks, key)
      ? checks[key as keyof FeaturizationSettings](value, table)
      : [unknownName('settings', key, Object.keys(checks))],
  );
  if (faults.length > 0) throw new ConfigError(`featurization: ${faults.join(' ')}`, { faults });
  return json as FeaturizationSettings;
}

function blockFaults(step: string): Fault[] {
  if (step === 'NumericImputer') {
    return ['blockedSteps cannot hold "NumericImputer", because linear models need it. Use columnPurposes.'];
  }
  return (stepNames as readonly string[]).includes(step)
    ? []
    : [unknownName('blockedSteps', step, stepNames)];
}

function imputationFaults(column: string, how: unknown, table: Table): Fault[] {
  const where = `imputation of "${column}"`;
  if (column !== '*' && !table.has(column)) return unknownColumn('imputation', column, table);
  const kind = column === '*' ? undefined : table.column(column).kind;
  if (how === 'mostFrequent') return [];
  if (how === 'mean' || how === 'median') {
    return kind === 'string'
      ? [`${where} must be mostFrequent, category or {"constant": …} for strings, but got ${how}.`]
      : [];
  }
  if (how === 'category') return [];
  const constant = isRecord(how) && Object.keys(how).length === 1 ? how['constant'] : undefined;
  if (typeof constant !== 'number' && typeof constant !== 'string') {
    return [mustBe(where, 'mean, median, mostFrequent, category or {"constant": value}', how)];
  }
  if (kind === 'number' && typeof constant === 'string') {
    return [mustBe(`${where} (numbers)`, 'a number as constant', constant)];
  }
  return kind === 'date'
    ? [`${where} must be mean, median or mostFrequent for dates, but got a constant.`]
    : [];
}

function unknownColumn(where: string, column: string, table: Table): Fault[] {
  if (table.has(column)) return [];
  return [
    `${where} must name columns of the data, but got "${column}". ${columnHint(column, table.columnNames)}`,
  ];
}

function unknownName(where: string, name: string, known: readonly string[]): Fault {
  const near = nearestName(name, known);
  return (
    `${where} must be among those known, but got "${name}". ` +
    (near === undefined ? `Known are: ${known.join(', ')}.` : `Did you mean "${near}"?`)
  );
}

function mustBe(where: string, rule: string, value: unknown): Fault {
  return `${where} must be ${rule}, but got ${JSON.stringify(value)}.`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
