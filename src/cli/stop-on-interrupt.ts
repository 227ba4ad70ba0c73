import type { Terminal } from './terminal.ts';

/**
 * First Ctrl-C: end in order; second: at once.
 * @returns what takes the listeners away
 */
export function stopOnInterrupt(stop: AbortController, terminal: Terminal): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    terminal.note('\nStopping after this step. Again to end at once.');
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}
