import { readdirSync, readFileSync } from 'node:fs';

/** Sends a signal to all processes of a group; one that is gone is no error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // Nobody is there any more.
  }
}

/** Whether a process of the group is there. */
export function isGroupAlive(pid: number): boolean {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Resident memory of all processes of a group in MB; `undefined` where there is no `/proc` to ask.
 * @source proc(5): field 5 of `stat` is the group, field 24 the resident pages
 */
export function groupMemory(group: number, pageSize = 4096): number | undefined {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return undefined;
  }
  let pages = 0;
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The name in brackets may hold anything; fields after it start with the state, the third.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(fields[2]) === group) pages += Number(fields[21]);
    } catch {
      // It has just ended.
    }
  }
  return (pages * pageSize) / 2 ** 20;
}
