import { isFinal, type Store } from '#tracking';

const POLL_MS = 300;

/** Gives a run's log piece by piece; with `follow` until the run has ended. */
export async function followLog(
  store: Store,
  runId: string,
  { follow }: { readonly follow: boolean },
  show: (text: string) => void,
): Promise<void> {
  let offset = 0;
  for (;;) {
    // Read before the log, so that a final state says that what follows is all.
    const { state } = await store.getRun(runId);
    for (;;) {
      const { text, next } = await store.readLog(runId, { offset });
      if (next === offset) break;
      offset = next;
      show(text);
    }
    if (!follow || isFinal(state) || state === 'NotResponding') return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
