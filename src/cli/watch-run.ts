import { isFinal, type Json, type RunEvent, type RunState, type Store } from '#tracking';
import { formatTime } from './format-facts.ts';
import { colorState, formatMetric } from './format-runs.ts';
import { styled, type Terminal } from './terminal.ts';

const POLL_MS = 300;

/**
 * Prints what happens to a run and its descendants, a line each, until it has ended or nobody drives it any more.
 * @returns the state it is left in
 */
export async function watchRun(
  store: Store,
  runId: string,
  terminal: Terminal,
  { json }: { readonly json: boolean },
): Promise<RunState> {
  let after = 0;
  const names = new Map<string, string>();
  for (;;) {
    const { state } = await store.getRun(runId);
    for (;;) {
      const events = await store.readEvents(runId, { after, limit: 500 });
      for (const event of events) {
        after = event.seq;
        if (json) terminal.out(JSON.stringify(event));
        else await printEvent(store, names, event, terminal);
      }
      if (events.length === 0) break;
    }
    if (isFinal(state) || state === 'NotResponding') {
      if (!json) terminal.out(`Run ${runId} is ${colorState(terminal, state)}.`);
      return state;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function printEvent(
  store: Store,
  names: Map<string, string>,
  event: RunEvent,
  terminal: Terminal,
): Promise<void> {
  const text = describeEvent(event);
  if (text === undefined) return;
  let name = names.get(event.runId);
  if (name === undefined) {
    const run = await store.findRun(event.runId);
    name = run?.name ? run.name : event.runId;
    names.set(event.runId, name);
  }
  const time = styled(terminal, 'dim', formatTime(event.time).slice(11));
  terminal.out(`${time}  ${name}: ${text}`);
}

/** `undefined`: not for people. */
function describeEvent({ type, data }: RunEvent): string | undefined {
  const fields = isObject(data) ? data : {};
  if (type === 'state') return [fields['to'] ?? fields['state'], fields['error']].filter(Boolean).join(': ');
  if (type === 'created') return 'created';
  if (type === 'artifact') return `file ${fields['path']}`;
  if (type === 'metrics') {
    const entries = Object.entries(isObject(fields['latest']) ? fields['latest'] : fields);
    const shown = entries.flatMap(([key, value]) =>
      typeof value === 'number' ? [`${key} ${formatMetric(value)}`] : [],
    );
    return shown.length === 0 ? undefined : shown.join(', ');
  }
  if (type === 'log' || type === 'child') return undefined;
  return `${type} ${JSON.stringify(data)}`;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
