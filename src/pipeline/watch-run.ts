import { isFinal, type RunEvent, type Store } from '#tracking';

export interface WatchOptions {
  /** Sequence number of the last event that is known; only later ones come. 0, the beginning, by default. */
  readonly after?: number;
  readonly signal?: AbortSignal;
  /** Seconds between two looks at most, when nothing happens; 0.2 by default. */
  readonly pollSeconds?: number;
}

/** After something has happened, more is likely to. */
const SHORTEST_WAIT_SECONDS = 0.02;

/**
 * The events of a run and everything below it, in order, until it is over or `signal` is aborted: what the terminal view
 * and the server's event stream are made from.
 */
export async function* watchRun(
  store: Store,
  runId: string,
  { after = 0, signal, pollSeconds = 0.2 }: WatchOptions = {},
): AsyncGenerator<RunEvent> {
  let last = after;
  let waitSeconds = SHORTEST_WAIT_SECONDS;
  while (!signal?.aborted) {
    // Asked before the events are read, so that none written before the end is missed.
    const isOver = isFinal((await store.getRun(runId)).state);
    const events = await store.readEvents(runId, { after: last, limit: 500 });
    for (const event of events) {
      last = event.seq;
      yield event;
      if (signal?.aborted) return;
    }
    if (events.length > 0) {
      waitSeconds = SHORTEST_WAIT_SECONDS;
      continue;
    }
    if (isOver) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(waitSeconds, pollSeconds) * 1000);
      signal?.addEventListener('abort', done);
    });
    waitSeconds = Math.min(waitSeconds * 1.5, pollSeconds);
  }
}
