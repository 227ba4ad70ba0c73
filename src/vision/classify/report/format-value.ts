const ABSENT = '–';

/** A number with fixed decimals; an en dash where there is none. */
export function formatFixed(value: number | null | undefined, decimals = 3): string {
  return typeof value === 'number' && Number.isFinite(value) ? value.toFixed(decimals) : ABSENT;
}

/** A share in whole percent, `97 %`; only 1 is `100 %`. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return ABSENT;
  const percent = Math.round(share * 100);
  if (percent === 100 && share < 1) return '> 99 %';
  if (percent === 0 && share > 0) return '< 1 %';
  return `${percent} %`;
}

/** A count with a comma between thousands, decimals cut to the given number. */
export function formatCount(value: number, decimals = 0): string {
  if (!Number.isFinite(value)) return ABSENT;
  const [whole, rest] = value.toFixed(decimals).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return rest === undefined ? grouped : `${grouped}.${rest}`;
}

/** `850 ms`, `42 s`, `12 min 4 s`, `3 h 20 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return ABSENT;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `16.8 MB`, in powers of 1000. */
export function formatBytes(bytes: number): string {
  return formatScaled(bytes, ['B', 'kB', 'MB', 'GB']);
}

/** `4.35 M`, in powers of 1000. */
export function formatLarge(value: number): string {
  return formatScaled(value, ['', 'k', 'M', 'G']).trim();
}

function formatScaled(value: number, units: readonly string[]): string {
  if (!Number.isFinite(value)) return ABSENT;
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${unit === 0 ? scaled : Number(scaled.toPrecision(3))} ${units[unit]}`;
}

/** `2026-03-01 14:05 UTC` of an ISO 8601 time in UTC; other texts as they are. */
export function formatTime(text: string): string {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z$/.exec(text);
  return found === null ? text : `${found[1]} ${found[2]} UTC`;
}

/** A text cut to a number of characters as a reader counts them, with an ellipsis. */
export function shorten(text: string, most: number): string {
  const line = text.replace(/\s+/g, ' ');
  if (line.length <= most) return line;
  const characters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment);
  return characters.length <= most
    ? line
    : `${characters
        .slice(0, most - 1)
        .join('')
        .trimEnd()}…`;
}
