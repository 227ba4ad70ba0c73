import { accessSync, constants, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { ConfigError, nearestName } from '#core';
import { type MetricName, metricInfo, parseMetricName } from '#metrics';
import type { Learner, Task } from '../learners/learner.ts';
import { learners, learnersFor } from '../learners/registry.ts';
import type { AutoMLOptions } from './automl-options.ts';
import { baseline } from './portfolio.ts';
import { tryWriting } from './write-model.ts';

const MAX_CONCURRENCY = 8;

/** Limits of a run with their defaults filled in. */
export interface RunLimits {
  readonly timeoutSeconds: number;
  readonly trialTimeoutSeconds: number;
  readonly maxTrials: number | undefined;
  readonly exitScore: number | undefined;
  readonly concurrency: number;
  readonly seed: number;
}

/**
 * Checks the numbers among the options and the place of the output, before anything is read or computed.
 *
 * @throws ConfigError naming every fault
 */
export function parseLimits(options: AutoMLOptions): RunLimits {
  const faults = [
    positive('timeoutSeconds', options.timeoutSeconds),
    positive('trialTimeoutSeconds', options.trialTimeoutSeconds),
    whole('maxTrials', options.maxTrials, 1, Number.MAX_SAFE_INTEGER),
    whole('concurrency', options.concurrency, 1, 256),
    whole('folds', options.folds, 2, 50),
    whole('seed', options.seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    options.exitScore === undefined || Number.isFinite(options.exitScore)
      ? undefined
      : `exitScore must be a number, but got ${options.exitScore}`,
    options.folds !== undefined && options.validation !== undefined && options.validation.kind !== 'auto'
      ? 'folds and validation exclude each other; give the folds within validation'
      : undefined,
    options.earlyStopping === false && options.timeoutSeconds === undefined && options.maxTrials === undefined
      ? 'without early stopping a timeoutSeconds or maxTrials must end the search'
      : undefined,
    outputFault(options.out),
    ...learnerNameFaults('allow', options.allow),
    ...learnerNameFaults('block', options.block),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) {
    throw new ConfigError(`automl: ${faults.join('; ')}. Correct the options.`, { faults });
  }
  return {
    timeoutSeconds: options.timeoutSeconds ?? Number.POSITIVE_INFINITY,
    trialTimeoutSeconds: options.trialTimeoutSeconds ?? Number.POSITIVE_INFINITY,
    maxTrials: options.maxTrials,
    exitScore: options.exitScore,
    concurrency: options.concurrency ?? Math.min(MAX_CONCURRENCY, availableParallelism()),
    seed: options.seed ?? 0,
  };
}

/** @throws ConfigError for a metric that is unknown, of another task, or needs a positive class of two */
export function parsePrimaryMetric(name: string | undefined, task: Task, classes: number): MetricName {
  const metric = parseMetricName(name ?? (task === 'classification' ? 'AUC_weighted' : 'r2_score'), task);
  if (metric.endsWith('_binary') && classes !== 2) {
    throw new ConfigError(
      `automl: ${metric} needs a label of two classes, but this one has ${classes}. Use ` +
        `${metric.replace('_binary', '_macro')}.`,
      { metric, classes },
    );
  }
  return metricInfo(metric).name;
}

/**
 * The learners a search may use, the baseline apart.
 *
 * @throws ConfigError when none remains
 */
export function chooseLearners(
  task: Task,
  { allow, block }: Pick<AutoMLOptions, 'allow' | 'block'>,
): Learner[] {
  const has = (names: readonly string[], learner: Learner) =>
    names.some((name) => name.toLowerCase() === learner.name.toLowerCase());
  const usable = learnersFor(task).filter((learner) => learner.name !== baseline.learner);
  const chosen = usable.filter(
    (learner) => (allow === undefined || has(allow, learner)) && !has(block ?? [], learner),
  );
  const onlyBaseline = allow?.some((name) => name.toLowerCase() === 'dummy') ?? false;
  if (chosen.length === 0 && !onlyBaseline) {
    throw new ConfigError(
      `automl: some learner must remain for ${task}, but allow and block leave none of ` +
        `${usable.map(({ name }) => name).join(', ')}. Allow one of them.`,
      { allow, block },
    );
  }
  return chosen;
}

/**
 * Number of the positive class.
 *
 * @throws ConfigError when the label has no such class
 */
export function parsePositiveClass(
  label: string | undefined,
  metric: MetricName,
  classLabels: readonly string[],
): number | undefined {
  if (label === undefined) return metric.endsWith('_binary') ? 1 : undefined;
  const index = classLabels.indexOf(label);
  if (index >= 0) return index;
  const near = nearestName(label, classLabels);
  throw new ConfigError(
    `automl: the positive label must be a class of the label, but got "${label}". ` +
      (near === undefined
        ? `Classes are: ${classLabels.slice(0, 20).join(', ')}.`
        : `Did you mean "${near}"?`),
    { label },
  );
}

function positive(name: string, value: number | undefined): string | undefined {
  return value === undefined || value > 0 ? undefined : `${name} must be above 0, but got ${value}`;
}

function whole(name: string, value: number | undefined, low: number, high: number): string | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= low && value <= high)) return undefined;
  const range = high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `from ${low} to ${high}`;
  return `${name} must be a whole number${low === Number.MIN_SAFE_INTEGER ? '' : ` ${range}`}, but got ${value}`;
}

function learnerNameFaults(option: string, names: readonly string[] | undefined): string[] {
  const known = learners.map((learner) => learner.name);
  return (names ?? [])
    .filter((name) => !known.some((other) => other.toLowerCase() === name.toLowerCase()))
    .map((name) => {
      const near = nearestName(name, known);
      const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
      return `${option} must name learners, but got "${name}" (${hint})`;
    });
}

/** The output must be a place for a file now, not only after hours of search. */
function outputFault(out: string | undefined): string | undefined {
  if (out === undefined) return undefined;
  if (out.trim() === '') return 'out must name a file, but got an empty name';
  const path = resolve(out);
  const folder = dirname(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    return `out must lie in a folder that exists, but ${folder} does not`;
  }
  const present = statSync(path, { throwIfNoEntry: false });
  if (present?.isDirectory()) return `out must be a file, but ${path} is a folder`;
  if (present !== undefined && !present.isFile()) return `out must be a file, but ${path} is none`;
  try {
    if (present !== undefined) accessSync(path, constants.W_OK);
    tryWriting(path);
  } catch (error) {
    return `out must be writable, but ${path} is not (${(error as NodeJS.ErrnoException).code})`;
  }
  return undefined;
}
