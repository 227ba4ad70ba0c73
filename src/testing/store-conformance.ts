import type { Store } from '#tracking';
import type { ConformanceCase } from './learner-conformance.ts';
import { artifactCases, eventCases } from './store-file-cases.ts';
import { leaseCases } from './store-lease-cases.ts';
import { metricCases } from './store-metric-cases.ts';
import { registryCases } from './store-registry-cases.ts';
import { experimentCases, runCases } from './store-run-cases.ts';

/** A check that is given two stores open on the same workspace, as two processes would have it. */
export type StoreCase = readonly [name: string, run: (store: Store, other: Store) => Promise<void>];

/**
 * The checks every store must pass, for any test runner. The workspace may hold other records; the checks make their
 * own names and leave what they made.
 *
 * @param open opens the same workspace at every call; the checks close what they opened
 * @example
 * for (const { name, run } of storeConformance(() => openStore({ root }))) it(name, run);
 */
export function storeConformance(open: () => Promise<Store>): ConformanceCase[] {
  const cases: readonly StoreCase[] = [
    ...experimentCases,
    ...runCases,
    ...leaseCases,
    ...metricCases,
    ...eventCases,
    ...artifactCases,
    ...registryCases,
  ];
  return cases.map(([name, check]) => ({
    name,
    run: async () => {
      const store = await open();
      const other = await open();
      try {
        await check(store, other);
      } finally {
        await store.close();
        await other.close();
      }
    },
  }));
}
