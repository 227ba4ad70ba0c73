import { availableParallelism, totalmem } from 'node:os';
import { ConfigError, DataError, Deadline, hashString, now, silentLogger } from '#core';
import { fingerprintTable, type Table } from '#data';
import { type MetricName, metricInfo } from '#metrics';
import type { OutOfFold } from '../ensemble/out-of-fold.ts';
import { type Scoring, tunesDecisionByDefault } from '../ensemble/score.ts';
import { type FeaturizationConfig, parseFeaturizationConfig } from '../features/config.ts';
import { fitFeaturizer } from '../features/featurizer.ts';
import { type Guardrail, guardrails } from '../features/guardrails.ts';
import { type ColumnPurpose, inferPurposes, isUsed } from '../features/purposes.ts';
import { repairInfinite } from '../features/repair-infinite.ts';
import type { DataShape, Encoding, Learner } from '../learners/learner.ts';
import { fitPipeline, prepareFeatures } from '../pipeline/pipeline.ts';
import { appendTable } from './append-table.ts';
import type { AutoMLOptions } from './automl-options.ts';
import type { ValidationReport } from './automl-result.ts';
import { chooseLearners, parsePositiveClass, parsePrimaryMetric, type RunLimits } from './parse-options.ts';
import { encodeKnownTarget, type PreparedTarget, prepareTarget } from './target.ts';
import type { Fold, TrialEnvironment } from './trial-job.ts';
import { chooseValidation, planValidation, type ValidationChoice, validationColumns } from './validation.ts';

const GIBIBYTE = 2 ** 30;
/** Rows from which the number of features is estimated. */
const SHAPE_ROWS = 2000;
/** Rows and rounds of the fit that measures how fast this machine is. */
const PROBE_ROWS = 4000;
const PROBE_ROUNDS = 10;
/** Rounds of a typical boosted model. */
const TYPICAL_ROUNDS = 250;

/** Everything about a run that does not change any more. */
export interface PreparedRun {
  readonly target: PreparedTarget;
  readonly metric: MetricName;
  readonly learners: readonly Learner[];
  readonly purposes: readonly ColumnPurpose[];
  readonly featurization: FeaturizationConfig;
  readonly fingerprint: string;
  /** Rows in use, label and helper columns dropped, infinite values repaired. */
  readonly features: Table;
  /** Validation, given what an earlier process chose. */
  readonly plan: (earlier: ValidationReport | undefined) => Promise<PlannedRun>;
}

export interface PlannedRun {
  readonly validation: ValidationReport;
  readonly environment: TrialEnvironment;
  /** Looks at the data; takes a while for many rows. */
  readonly checkData: () => readonly Guardrail[];
  /** Rows, classes and width of the features in each encoding. */
  readonly shapes: Readonly<Record<Encoding, DataShape>>;
}

/**
 * Checks the data and the names among the options, and gets everything ready that the search needs.
 *
 * @throws ConfigError or DataError for whatever cannot work
 */
export function prepareRun(options: AutoMLOptions, limits: RunLimits): PreparedRun {
  const { table: raw, label } = options;
  const target = prepareTarget(raw, {
    label,
    ...(options.task === undefined ? {} : { task: options.task }),
    ...(options.weights === undefined ? {} : { weightColumn: options.weights }),
  });
  const metric = parsePrimaryMetric(options.metric, target.task, target.classes);
  const learners = chooseLearners(target.task, options);
  const labelled = target.rows.length === raw.rows ? raw : raw.take(target.rows);
  const helpers = [label, ...helperColumns(options)];
  const given = givenValidation(options, target, labelled, helpers);
  for (const column of helpers) labelled.column(column);
  const { table: features, repaired } = repairInfinite(labelled.drop(...helpers));
  if (features.columns.length === 0) {
    throw new DataError(
      `automl: there must be a column besides the label, but "${label}" is the only one. Add columns to learn from.`,
      { column: label },
    );
  }
  const featurization = parseFeaturizationConfig(options.featurization ?? 'auto', features);
  const purposes = usefulPurposes(features, featurization);
  const shape = { rows: features.rows, width: features.columns.length, classes: target.classes };
  const scoring = scoringOf(options, target, metric);

  const plan = async (earlier: ValidationReport | undefined): Promise<PlannedRun> => {
    const choice =
      earlier === undefined
        ? await chooseValidation(options.validation, options.folds, {
            timeoutSeconds: limits.timeoutSeconds,
            concurrency: limits.concurrency,
            guessedSeconds: guessSeconds(shape),
            measureSeconds: () => measureSeconds(features, target, { purposes, featurization }, learners),
          })
        : earlierChoice(earlier, options);
    const y = given?.y ?? target.y;
    const { report, folds } = planValidation(choice, {
      table: given?.labelled ?? labelled,
      y,
      classes: target.classes,
      classCounts: target.classCounts,
      classLabels: target.labels?.values ?? [],
      trainingRows: features.rows,
      seed: limits.seed,
    });
    const validation = earlier ?? report;
    const environment: TrialEnvironment = {
      table: (given?.features ?? features).share(),
      y,
      ...(target.weights === undefined ? {} : { weights: given?.weights ?? target.weights }),
      settings: { purposes, featurization },
      folds,
      finalRows: sharedRange(features.rows),
      layout: layoutOf(folds, y, target, given?.weights ?? target.weights),
      scoring,
      seed: limits.seed,
      threads: Math.max(1, Math.floor(availableParallelism() / limits.concurrency)),
      cacheBytes: Math.min(GIBIBYTE, totalmem() / (6 * limits.concurrency)),
    };
    const checkData = () =>
      guardrails(
        features,
        {
          name: label,
          y: target.y,
          classes: target.classes,
          ...(target.labels === null ? {} : { labels: target.labels.values }),
        },
        {
          purposes,
          config: featurization,
          validation,
          infinite: repaired,
          unlabelledRows: target.missingLabels,
          seed: limits.seed,
        },
      );
    return { validation, environment, checkData, shapes: featureShapes(features, environment, shape) };
  };
  return {
    target,
    metric,
    learners,
    purposes,
    featurization,
    fingerprint: fingerprintTable(raw),
    features,
    plan,
  };
}

/** Columns besides the label that are no features. */
function helperColumns({ label, weights, validation }: AutoMLOptions): string[] {
  const names = [...(weights === undefined ? [] : [weights]), ...validationColumns(validation)];
  if (!names.includes(label)) return names;
  throw new ConfigError(
    `automl: weights, folds and groups need columns of their own, but "${label}" is the label. Name another column.`,
    { label },
  );
}

/** Purposes of the columns. Without any useful one every trial would fail, so that is refused here. */
function usefulPurposes(features: Table, config: FeaturizationConfig): ColumnPurpose[] {
  const overrides = typeof config === 'object' ? (config.columnPurposes ?? {}) : {};
  const purposes = inferPurposes(features, { overrides });
  const dropped = typeof config === 'object' ? (config.dropColumns ?? []) : [];
  const text = config === 'off' ? features.columns.find(({ kind }) => kind !== 'number') : undefined;
  if (text !== undefined) {
    throw new DataError(
      `automl: with featurization off every column must hold numbers, but "${text.name}" holds ${text.kind}s. Drop or ` +
        'encode it, or use featurization auto.',
      { column: text.name },
    );
  }
  const useful = purposes.some(({ column, purpose }) => isUsed(purpose) && !dropped.includes(column));
  if (useful || config === 'off') return purposes;
  const reasons = purposes.map(
    ({ column, reason }) =>
      `"${column}" (${dropped.includes(column) ? 'dropped by the configuration' : reason})`,
  );
  const more = reasons.length > 5 ? ` and ${reasons.length - 5} more` : '';
  throw new DataError(
    `automl: some column must tell something about the label, but none is left: ${reasons.slice(0, 5).join(', ')}${more}. ` +
      'Add columns, or set columnPurposes to keep one.',
    { columns: purposes.map(({ column }) => column) },
  );
}

interface GivenValidation {
  /** Training rows followed by validation rows. */
  readonly labelled: Table;
  readonly features: Table;
  readonly y: Float64Array;
  readonly weights?: Float64Array;
}

function givenValidation(
  { validation, label, weights: weightColumn }: AutoMLOptions,
  target: PreparedTarget,
  labelled: Table,
  helpers: readonly string[],
): GivenValidation | undefined {
  if (validation?.kind !== 'given') return undefined;
  const { table } = validation;
  // `appendTable` names a column of weights that is missing, with all others.
  const weighted = weightColumn !== undefined && table.has(weightColumn) ? weightColumn : undefined;
  const known = encodeKnownTarget(table, label, target, weighted);
  if (known.rows.length === 0) {
    throw new DataError(
      `automl: validation data must have rows with a label, but "${label}" has none. Check the file.`,
      {
        column: label,
      },
    );
  }
  const joined = appendTable(labelled, table.take(known.rows));
  const y = sharedFloats(target.y.length + known.y.length);
  y.set(target.y);
  y.set(known.y, target.y.length);
  const { table: features } = repairInfinite(joined.drop(...helpers));
  if (target.weights === undefined || known.weights === undefined) return { labelled: joined, features, y };
  const weights = sharedFloats(y.length);
  weights.set(target.weights);
  weights.set(known.weights, target.weights.length);
  return { labelled: joined, features, y, weights };
}

/** The validation of an earlier process, carried out again. */
function earlierChoice({ kind, folds, reason }: ValidationReport, options: AutoMLOptions): ValidationChoice {
  const { validation } = options;
  if (validation !== undefined && validation.kind !== 'auto') return { option: validation, reason };
  return { option: kind === 'hold-out' ? { kind } : { kind: 'k-fold', folds }, reason };
}

function scoringOf(options: AutoMLOptions, target: PreparedTarget, metric: MetricName): Scoring {
  const classLabels = target.labels?.values ?? [];
  const positiveClass = parsePositiveClass(options.positiveLabel, metric, classLabels);
  return {
    metric,
    tuneDecision:
      target.task === 'classification' &&
      metricInfo(metric).needsThreshold &&
      (options.tuneThreshold ?? tunesDecisionByDefault(metric)),
    classLabels,
    ...(positiveClass === undefined ? {} : { positiveClass }),
    ...(target.range === undefined
      ? {}
      : { range: target.range, standardDeviation: standardDeviation(target.y) }),
  };
}

function standardDeviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

function layoutOf(
  folds: readonly Fold[],
  y: Float64Array,
  { task, classes }: PreparedTarget,
  weights: Float64Array | undefined,
): OutOfFold {
  const entries = folds.reduce((sum, { validation }) => sum + validation.length, 0);
  const rows = new Uint32Array(new SharedArrayBuffer(4 * entries));
  const fold = new Uint16Array(new SharedArrayBuffer(2 * entries));
  let e = 0;
  for (const [f, { validation }] of folds.entries()) {
    rows.set(validation, e);
    fold.fill(f, e, e + validation.length);
    e += validation.length;
  }
  const pick = (values: Float64Array) => {
    const out = sharedFloats(entries);
    for (let i = 0; i < entries; i++) out[i] = values[rows[i]];
    return out;
  };
  return {
    task,
    classes,
    folds: folds.length,
    rows,
    fold,
    y: pick(y),
    ...(weights === undefined ? {} : { weights: pick(weights) }),
  };
}

/** Widths of the features, from some of the rows. */
function featureShapes(
  table: Table,
  { settings }: TrialEnvironment,
  shape: DataShape,
): Readonly<Record<Encoding, DataShape>> {
  const step = Math.max(1, Math.floor(table.rows / SHAPE_ROWS));
  const sample = table.take(Uint32Array.from({ length: Math.floor(table.rows / step) }, (_, i) => i * step));
  const shapeOf = (encoding: Encoding): DataShape => {
    try {
      const { purposes, featurization: config } = settings;
      const { featurizer } = fitFeaturizer(sample, { encoding, purposes, config, targetEncoding: false });
      return { ...shape, width: featurizer.features.length };
    } catch {
      // Columns that hold nothing in the sample, or nothing at all: the trials will say so.
      return shape;
    }
  };
  return { ordinal: shapeOf('ordinal'), onehot: shapeOf('onehot') };
}

/** Expected seconds of a typical boosted model on all rows, from their number alone. */
function guessSeconds({ rows, width, classes }: DataShape): number {
  return 1e-6 * rows * width * (classes > 2 ? classes : 1);
}

/** Expected seconds of a typical boosted model on all rows, from a short fit on some of them. */
async function measureSeconds(
  table: Table,
  { y, classes, rows: labelledRows }: PreparedTarget,
  settings: { purposes: readonly ColumnPurpose[]; featurization: FeaturizationConfig },
  learners: readonly Learner[],
): Promise<number> {
  const guess = guessSeconds({ rows: table.rows, width: table.columns.length, classes });
  const boosting = learners.find(({ name }) => name === 'GradientBoosting');
  if (boosting === undefined) return guess;
  const step = Math.max(1, Math.floor(labelledRows.length / PROBE_ROWS));
  const sample = Uint32Array.from({ length: Math.floor(labelledRows.length / step) }, (_, i) => i * step);
  const target = { y: Float64Array.from(sample, (row) => y[row]), classes };
  const config = (iterations: number) => ({
    encoding: boosting.encoding,
    scaler: null,
    learner: boosting.name,
    params: { iterations, maxLeaves: 15 },
  });
  const context = { seed: hashString('probe'), threads: 1, deadline: Deadline.none, logger: silentLogger };
  const sampleTable = table.take(sample);
  const growth = table.rows / sample.length;
  try {
    const prepared = prepareFeatures(sampleTable, target, config(1), settings, context.seed);
    const secondsOf = async (iterations: number) => {
      const start = now();
      await fitPipeline(sampleTable, target, config(iterations), settings, context, prepared);
      return now() - start;
    };
    await secondsOf(1);
    const few = await secondsOf(PROBE_ROUNDS);
    const many = await secondsOf(4 * PROBE_ROUNDS);
    return growth * (few + (TYPICAL_ROUNDS / (3 * PROBE_ROUNDS)) * Math.max(0, many - few));
  } catch {
    return guess;
  }
}

function sharedFloats(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(8 * length));
}

function sharedRange(length: number): Uint32Array {
  const rows = new Uint32Array(new SharedArrayBuffer(4 * length));
  for (let i = 0; i < length; i++) rows[i] = i;
  return rows;
}
