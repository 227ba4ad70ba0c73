import { isAbsolute } from 'node:path';
import { ConfigError } from '#core';
import type { ComputeSettings, JobSpec } from './compute-target.ts';

/** @throws ConfigError that names all faults of the settings */
export function checkSettings({ minNodes, maxNodes, idleSeconds }: Required<ComputeSettings>): void {
  const faults: string[] = [];
  if (!Number.isSafeInteger(minNodes) || minNodes < 0)
    faults.push(`minNodes a whole number from 0, but got ${minNodes}`);
  if (!Number.isSafeInteger(maxNodes) || maxNodes < 1)
    faults.push(`maxNodes a whole number from 1, but got ${maxNodes}`);
  else if (minNodes > maxNodes) faults.push(`minNodes up to maxNodes ${maxNodes}, but got ${minNodes}`);
  if (!(idleSeconds >= 0)) faults.push(`idleSeconds at least 0, but got ${idleSeconds}`);
  if (faults.length === 0) return;
  throw new ConfigError(`LocalCompute: settings must be ${faults.join('; ')}. Change them.`, { faults });
}

/** @throws ConfigError that names all faults of a job */
export function checkJob(job: JobSpec): void {
  const faults: string[] = [];
  if (!isAbsolute(job.module) && !job.module.startsWith('file:'))
    faults.push(`module an absolute path or file: address, but got ${JSON.stringify(job.module)}`);
  for (const key of ['memoryLimitMB', 'graceSeconds', 'timeoutSeconds'] as const) {
    const value = job[key];
    if (value !== undefined && !(value > 0)) faults.push(`${key} above 0, but got ${value}`);
  }
  const { retries = 0 } = job;
  if (!Number.isSafeInteger(retries) || retries < 0)
    faults.push(`retries a whole number from 0, but got ${retries}`);
  if (faults.length === 0) return;
  throw new ConfigError(`job ${job.name}: must have ${faults.join('; ')}. Change it.`, { faults });
}
