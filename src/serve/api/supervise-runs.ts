import type { Store } from '#tracking';

/**
 * Looks for runs whose process is gone, now and then.
 * @returns `stop`, which waits for the look that is under way
 */
export function superviseRuns(store: Store, seconds: number): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    try {
      await store.markNotResponding();
    } catch (error) {
      // A locked or absent database is tried again; requests that need it say so themselves.
      process.stderr.write(`trainyard server: ${error instanceof Error ? error.message : String(error)}\n`);
    }
    if (stopped) return;
    timer = setTimeout(() => {
      current = look();
    }, seconds * 1000);
    timer.unref();
  };
  let current = look();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await current;
    },
  };
}
