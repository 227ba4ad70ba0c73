/** What a worker process of `ProcessPool` does: one job, from file to file. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { Deadline } from '#core';
import { outputsOf } from '../ensemble/out-of-fold.ts';
import { JobRunner } from './run-job.ts';
import { type Job, type JobKind, type JobResults, sharedClock, type TrialEnvironment } from './trial-job.ts';

export interface ProcessJob {
  /** The predictions of a fold are empty: they come back in the answer. */
  readonly job: Job;
  /** Time the job has from `sentAt` on. */
  readonly seconds: number;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}

export interface ProcessAnswer {
  readonly result: JobResults[JobKind];
  /** Of the validation rows of the job's fold. */
  readonly predictions?: Float64Array;
}

interface Files {
  readonly environment: string;
  readonly input: string;
  readonly output: string;
}

export async function runTrialJob(files: Files, { signal }: { readonly signal: AbortSignal }): Promise<null> {
  const environment: TrialEnvironment = deserialize(readFileSync(files.environment));
  const { job, seconds, sentAt }: ProcessJob = deserialize(readFileSync(files.input));
  const deadline = new Deadline(seconds - (sharedClock() - sentAt) / 1000, signal);
  const answer = await perform(new JobRunner(environment), environment, job, deadline);
  // A process that is killed while it writes leaves nothing that could be read.
  writeFileSync(`${files.output}.part`, serialize(answer));
  renameSync(`${files.output}.part`, files.output);
  return null;
}

async function perform(
  runner: JobRunner,
  { layout, folds }: TrialEnvironment,
  job: Job,
  deadline: Deadline,
): Promise<ProcessAnswer> {
  if (job.kind !== 'fold') return { result: await runner.run(job, deadline) };
  const outputs = outputsOf(layout);
  const all = new Float64Array(outputs * layout.y.length);
  const result = await runner.run({ ...job, predictions: all }, deadline);
  const start = outputs * layout.fold.indexOf(job.fold);
  return { result, predictions: all.slice(start, start + outputs * folds[job.fold].validation.length) };
}
