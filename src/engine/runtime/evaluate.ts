import type { HostTensor } from '#core';
import type { Value } from '../ir/value.ts';
import { Plan, type PlanOptions } from './plan.ts';

/**
 * Compiles values that depend on constants and variables alone, and runs them once.
 *
 * @returns one tensor per value
 * @throws GraphError when a value depends on an input that nothing feeds
 */
export async function evaluate(values: readonly Value[], options: PlanOptions = {}): Promise<HostTensor[]> {
  const plan = await Plan.create(values, new Map(), { threads: 1, ...options });
  try {
    return await plan.run();
  } finally {
    await plan.release();
  }
}
