export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where layers report what they do; the CLI prints it to standard error, tracking stores it. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
}

/** Drops everything. */
export const silentLogger: Logger = { log: () => {} };

/** Work with a known or unknown end: `total` is `undefined` when unknown. */
export interface Progress {
  update(done: number, total: number | undefined, note?: string): void;
}
