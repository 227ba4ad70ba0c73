/** Where a command writes: results to standard output, everything else to standard error. */
export interface Terminal {
  /** Result text or the JSON document. */
  out(text: string): void;
  /** Progress, warnings, explanations. */
  note(text: string): void;
  /** Whether `note` goes to a screen that can rewrite its last line. */
  readonly interactive: boolean;
  /** Columns of that screen. */
  readonly width: number;
  /** Escape codes are wanted. */
  readonly color: boolean;
}

/** The process's own standard streams. `NO_COLOR` is honoured (https://no-color.org). */
export function processTerminal(): Terminal {
  const interactive = process.stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  return {
    out: (text) => process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    note: (text) => process.stderr.write(text.endsWith('\n') ? text : `${text}\n`),
    interactive,
    width: process.stderr.columns ?? 140,
    color: interactive && !process.env['NO_COLOR'],
  };
}

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

const codes: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
  cyan: [36, 39],
};

/** `text` in a style where the terminal wants colour. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  const [on, off] = codes[style];
  return terminal.color ? `\x1b[${on}m${text}\x1b[${off}m` : text;
}
