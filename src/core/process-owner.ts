import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process holds something, for others that want to know whether it is still there. */
export interface ProcessOwner {
  readonly host: string;
  readonly pid: number;
  /** When it started, in the system's own unit, so that a process number that was given again is told apart. */
  readonly startTime: string;
}

/** This process, as an owner. */
export function currentOwner(): ProcessOwner {
  return { host: hostname(), pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
}

/** Whether an owner's process is there; `undefined` when it is on another host, which nobody here can ask. */
export function isOwnerAlive(owner: ProcessOwner): boolean | undefined {
  if (owner.host !== hostname()) return undefined;
  const found = startTimeOf(owner.pid);
  // The same number with another start is another process.
  return found !== undefined && (found === '' || owner.startTime === '' || found === owner.startTime);
}

export function isSameOwner(a: ProcessOwner, b: ProcessOwner): boolean {
  return a.host === b.host && a.pid === b.pid && a.startTime === b.startTime;
}

/**
 * When a process started: clock ticks since boot where there is `/proc` (see proc(5)), what `ps` says elsewhere, '' when
 * nobody can tell. `undefined` when there is no such process, or it has ended and waits for its parent.
 */
function startTimeOf(pid: number): string | undefined {
  if (existsSync('/proc/self/stat')) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name in brackets may hold anything, spaces and brackets included; the state is the first field after it.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, but belongs to somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return undefined;
  }
  if (process.platform === 'win32') return '';
  try {
    const environment = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { env: environment })
      .toString()
      .trim();
  } catch {
    return '';
  }
}
