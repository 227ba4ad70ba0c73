import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostTensor } from '#core';
import { sortNodes, type Value } from '../ir/value.ts';
import type { Updates } from './emit-plan.ts';
import { Plan, type PlanOptions } from './plan.ts';

/** Where a step's time went. */
export interface Profile {
  /** Mean milliseconds per run of all kernels. */
  readonly totalMs: number;
  /** By op, most first. */
  readonly byOp: readonly ProfileEntry[];
  /** By the line of the user's program that the forward node or its gradient belongs to, most first. */
  readonly byLine: readonly ProfileEntry[];
}

export interface ProfileEntry {
  readonly name: string;
  readonly ms: number;
  /** Kernels per run. */
  readonly kernels: number;
}

interface TraceEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly dur?: number;
}

/**
 * Runs a graph several times under ONNX Runtime's profiler. Variables move on as in training.
 *
 * @param feeds one tensor per graph input
 * @param options runs: how many are averaged, after one that is not counted
 */
export async function profileGraph(
  outputs: readonly Value[],
  updates: Updates,
  feeds: Readonly<Record<string, HostTensor>>,
  { runs = 5, ...options }: PlanOptions & { readonly runs?: number } = {},
): Promise<Profile> {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-profile-'));
  try {
    const plan = await Plan.create(outputs, updates, { ...options, profilePrefix: join(folder, 'run') });
    try {
      for (let run = 0; run <= runs; run++) await plan.run(feeds);
      plan.endProfiling();
    } finally {
      await plan.release();
    }
    const [file] = readdirSync(folder);
    const events = JSON.parse(readFileSync(join(folder, file), 'utf8')) as TraceEvent[];
    return summarize(events, plan, runs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function summarize(events: readonly TraceEvent[], { values, endMark }: Plan, runs: number): Profile {
  const lines = new Map(
    sortNodes(values).map((node) => [`${node.op}.${node.id}`, node.site?.toString() || 'optimiser and loss']),
  );
  const byOp = new Map<string, { ms: number; count: number }>();
  const byLine = new Map<string, { ms: number; count: number }>();
  const seen = new Set<string>();
  let totalMs = 0;
  for (const { cat, name = '', dur = 0 } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || name === `${endMark}_kernel_time`) continue;
    // Memory is taken in the first run.
    if (!seen.has(name)) {
      seen.add(name);
      continue;
    }
    const key = name.split('.').slice(0, 2).join('.');
    const ms = dur / 1000 / runs;
    totalMs += ms;
    addTo(byOp, key.split('.')[0], ms);
    addTo(byLine, lines.get(key) ?? 'elsewhere', ms);
  }
  const list = (entries: typeof byOp) =>
    [...entries]
      .map(([name, { ms, count }]) => ({ name, ms, kernels: Math.round(count / runs) }))
      .sort((a, b) => b.ms - a.ms);
  return { totalMs, byOp: list(byOp), byLine: list(byLine) };
}

function addTo(entries: Map<string, { ms: number; count: number }>, name: string, ms: number): void {
  const held = entries.get(name) ?? { ms: 0, count: 0 };
  entries.set(name, { ms: held.ms + ms, count: held.count + 1 });
}

/** A profile as two short tables. */
export function formatProfile({ totalMs, byOp, byLine }: Profile, shown = 12): string {
  const table = (title: string, entries: readonly ProfileEntry[]) => [
    title,
    ...entries.slice(0, shown).map(({ name, ms, kernels }) => {
      const share = ((100 * ms) / totalMs).toFixed(0).padStart(3);
      return `  ${ms.toFixed(3).padStart(9)} ms ${share} % ${String(kernels).padStart(5)} kernels  ${name}`;
    }),
  ];
  return [
    `${totalMs.toFixed(2)} ms per step in kernels`,
    ...table('by op', byOp),
    ...table('by line', byLine),
  ].join('\n');
}
