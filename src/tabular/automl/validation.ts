import { ConfigError } from '#core';
import type { Table } from '#data';
import type { ValidationOption } from './automl-options.ts';
import type { ValidationReport } from './automl-result.ts';
import { type FoldRule, MAX_FOLDS, makeFolds } from './make-folds.ts';
import type { Fold } from './trial-job.ts';

const DEFAULT_FOLDS = 5;
const DEFAULT_REPEATS = 5;
const DEFAULT_SHARE = 0.1;
const DEFAULT_MONTE_CARLO_SHARE = 0.2;
/** Without a timeout, a search should be able to finish its first trials within this time. */
const PATIENCE_SECONDS = 300;
/** Trials that should fit into the time for k-fold to be chosen. */
const TRIALS_TO_FIT = 8;
/** A guess this far from the limit needs no measurement. */
const CLEAR_FACTOR = 4;
/** The part of a timeout the search may use. */
const SEARCH_SHARE = 0.7;

/** A way to validate, chosen but not yet carried out. */
export interface ValidationChoice {
  readonly option: Exclude<ValidationOption, { kind: 'auto' }>;
  readonly reason: string;
}

export interface ChoiceContext {
  readonly timeoutSeconds: number;
  readonly concurrency: number;
  /** Expected seconds of one good boosted model on all rows on one thread: a guess, and a measurement. */
  readonly guessedSeconds: number;
  readonly measureSeconds: () => Promise<number>;
}

/**
 * Resolves the `auto` validation: k-fold when eight trials of it fit into the time (the timeout's larger part, or
 * five minutes), else a hold-out.
 */
export async function chooseValidation(
  option: ValidationOption | undefined,
  folds: number | undefined,
  { timeoutSeconds, concurrency, guessedSeconds, measureSeconds }: ChoiceContext,
): Promise<ValidationChoice> {
  if (option !== undefined && option.kind !== 'auto') return { option, reason: 'as given' };
  const given = option?.folds ?? folds;
  if (given !== undefined) return { option: { kind: 'k-fold', folds: given }, reason: 'as given' };
  const budget = Number.isFinite(timeoutSeconds) ? SEARCH_SHARE * timeoutSeconds : PATIENCE_SECONDS;
  const neededFor = (seconds: number) => (TRIALS_TO_FIT * DEFAULT_FOLDS * seconds) / concurrency;
  const guess = neededFor(guessedSeconds);
  const clear = guess < budget / CLEAR_FACTOR || guess > budget * CLEAR_FACTOR;
  const needed = clear ? guess : neededFor(await measureSeconds());
  const estimate = `${TRIALS_TO_FIT} trials of ${DEFAULT_FOLDS} folds would take about ${format(needed)} s`;
  if (needed <= budget) {
    return {
      option: { kind: 'k-fold', folds: DEFAULT_FOLDS },
      reason: `${DEFAULT_FOLDS} folds are affordable: ${estimate} of the ${format(budget)} s there are`,
    };
  }
  return {
    option: { kind: 'hold-out', share: DEFAULT_SHARE },
    reason: `folds are too slow: ${estimate}, more than the ${format(budget)} s there are`,
  };
}

export interface FoldData {
  /** All columns of the rows in use, label included. With given validation data its rows follow the training rows. */
  readonly table: Table;
  /** Class indices or values of these rows. */
  readonly y: Float64Array;
  readonly classes: number;
  /** Rows of each class. */
  readonly classCounts: readonly number[];
  readonly classLabels: readonly string[];
  /** Rows before those of given validation data; all rows otherwise. */
  readonly trainingRows: number;
  readonly seed: number;
}

export interface ValidationPlan {
  readonly report: ValidationReport;
  readonly folds: readonly Fold[];
}

/**
 * Splits the rows as chosen. More folds than rows allow are reduced, and rare classes named, in the report's reason.
 *
 * @throws ConfigError for shares or folds out of range, DataError for columns that do not give folds
 */
export function planValidation({ option, reason }: ValidationChoice, data: FoldData): ValidationPlan {
  const { repaired, notes } = repairFolds(option, data);
  const folds = makeFolds(repaired, data);
  return {
    report: { kind: repaired.kind, folds: folds.length, reason: [reason, ...notes].join('; ') },
    folds: folds.map(({ train, validation }) => ({ train: shared(train), validation: shared(validation) })),
  };
}

/** Columns that say how to validate and are therefore no features. */
export function validationColumns(option: ValidationOption | undefined): string[] {
  return option?.kind === 'fold-column' || option?.kind === 'group' ? [option.column] : [];
}

function repairFolds(
  option: ValidationChoice['option'],
  { y, classes, classCounts, classLabels }: FoldData,
): { repaired: FoldRule; notes: string[] } {
  const rows = y.length;
  switch (option.kind) {
    case 'given':
    case 'fold-column':
      return { repaired: option, notes: [] };
    case 'hold-out':
      return { repaired: { ...option, share: checkShare(option.share ?? DEFAULT_SHARE) }, notes: [] };
    case 'monte-carlo': {
      const share = checkShare(option.share ?? DEFAULT_MONTE_CARLO_SHARE);
      return {
        repaired: { ...option, share, repeats: checkFolds(option.repeats ?? DEFAULT_REPEATS, 1) },
        notes: [],
      };
    }
    default: {
      const wanted = checkFolds(option.folds ?? DEFAULT_FOLDS, 2);
      const folds = Math.max(2, Math.min(wanted, rows));
      const notes = folds < wanted ? [`${rows} rows allow ${folds} folds only, not ${wanted}`] : [];
      const rare =
        classes === 0 ? [] : classLabels.filter((_, k) => classCounts[k] > 0 && classCounts[k] < folds);
      if (rare.length > 0 && option.kind === 'k-fold') {
        const shown = rare.slice(0, 5).map((label) => `"${label}"`);
        const more = rare.length > shown.length ? ` and ${rare.length - shown.length} more` : '';
        notes.push(
          `${shown.join(', ')}${more} ${rare.length === 1 ? 'has' : 'have'} fewer rows than folds and ` +
            `${rare.length === 1 ? 'is' : 'are'} missing from some of them`,
        );
      }
      return { repaired: { ...option, folds }, notes };
    }
  }
}

function checkShare(share: number): number {
  if (share > 0 && share < 1) return share;
  throw new ConfigError(
    `automl: the share of rows held out must lie between 0 and 1, but got ${share}. Try 0.1 or 0.2.`,
    { share },
  );
}

function checkFolds(folds: number, low: number): number {
  if (Number.isSafeInteger(folds) && folds >= low && folds <= MAX_FOLDS) return folds;
  throw new ConfigError(
    `automl: the number of folds must be a whole number from ${low} to ${MAX_FOLDS}, but got ${folds}. Try 5.`,
    { folds },
  );
}

function shared(rows: ArrayLike<number>): Uint32Array {
  const out = new Uint32Array(new SharedArrayBuffer(4 * rows.length));
  out.set(rows);
  return out;
}

function format(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0);
}
