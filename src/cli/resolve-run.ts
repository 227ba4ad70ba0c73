import { DataError } from '#core';
import type { Store } from '#tracking';

/** The run's id; `latest` is the newest topmost run. @throws DataError when there is none */
export async function resolveRun(store: Store, id: string): Promise<string> {
  if (id !== 'latest') return (await store.getRun(id)).id;
  const [newest] = (await store.listRuns({ parentId: null, limit: 1 })).items;
  if (newest !== undefined) return newest.id;
  throw new DataError('run: there must be one to be the latest, but the workspace has none. Start one.');
}
