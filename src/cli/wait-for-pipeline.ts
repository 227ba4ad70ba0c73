import type { PipelineRun } from '#pipeline';
import { jsonText } from './json-text.ts';
import type { Terminal } from './terminal.ts';

/**
 * Waits for a run that this process drives. The first Ctrl-C or SIGTERM cancels it, politely to its steps; the second
 * ends the process at once, and `trainyard run resume` goes on.
 */
export async function waitForPipeline(
  terminal: Terminal,
  run: PipelineRun,
  { json, isResumed = false }: { readonly json: boolean; readonly isResumed?: boolean },
): Promise<void> {
  let asked = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked) process.exit(signal === 'SIGINT' ? 130 : 143);
    asked = true;
    terminal.note('\nCancelling: steps are asked to end. Again to end at once.');
    // What goes wrong is the run's state, which is waited for below.
    run.cancel().catch(() => {});
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    // The events of a resumed run say that it did not respond, at which waiting would end: they are shown afterwards.
    if (isResumed) await run.ended;
    await run.waitForCompletion({ showOutput: !json });
    if (json) terminal.out(jsonText(await run.details()));
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await run.ended;
  }
}
