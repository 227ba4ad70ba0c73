import { formatTable } from '#data';
import type { Json } from '#tracking';

/** Two columns, names and values, without the values that are not there. */
export function formatFacts(facts: readonly (readonly [string, string | null | undefined])[]): string {
  const rows = facts.flatMap(([name, value]) =>
    value === undefined || value === null || value === '' ? [] : [[name, value]],
  );
  return formatTable(rows, { widest: 200 });
}

/** `a=1, b=two`, as tags and parameters are written on the command line. */
export function formatPairs(pairs: Readonly<Record<string, Json | undefined>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** `2026-01-31 12:00:05` of ISO 8601, in UTC. */
export function formatTime(time: string | null): string {
  return time === null ? '' : time.slice(0, 19).replace('T', ' ');
}

/** `1.5 MB`, with the decimal prefixes of file managers. */
export function formatSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `1m 05s` between two times; '' while one is missing. */
export function formatSpan(start: string | null, end: string | null): string {
  if (start === null || end === null) return '';
  const seconds = Math.max(0, (Date.parse(end) - Date.parse(start)) / 1000);
  if (seconds < 60) return `${seconds.toFixed(1)}s`;
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  const pad = (part: number) => String(part).padStart(2, '0');
  return minutes < 60 ? `${minutes}m ${pad(rest)}s` : `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}
