import { InvalidArgumentError } from 'commander';

/** Seconds of `90`, `90s`, `5m`, `1.5h`. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(s|m|h)?$/.exec(text.trim());
  if (match === null || Number(match[1]) <= 0) {
    throw new InvalidArgumentError('Give a time such as 90s, 5m or 1.5h.');
  }
  return Number(match[1]) * { s: 1, m: 60, h: 3600 }[(match[2] ?? 's') as 's' | 'm' | 'h'];
}

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
    }
    return value;
  };
}

/** A number as JavaScript writes it, e.g. `-2.5e3`. @throws InvalidArgumentError for anything else */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Give a number.');
  return value;
}

/** The parts of `a,b,c`; several uses of an option add up. */
export function parseList(text: string, previous: readonly string[] = []): string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) throw new InvalidArgumentError('Give names separated by commas.');
  return [...previous, ...parts];
}

/** `name=value` as an object; several uses of an option add up. */
export function parsePair(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('Write name=value.');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}

/** A port to listen at. */
export function portNumber(text: string): number {
  const port = wholeNumber(0)(text);
  if (port > 65_535) throw new InvalidArgumentError('Give a port from 0 to 65535.');
  return port;
}

/** Height and width of `128x256`, in pixels. */
export function parseSize(text: string): [height: number, width: number] {
  const match = /^(\d+)[x×](\d+)$/i.exec(text.trim());
  const [height, width] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || height < 1 || width < 1) {
    throw new InvalidArgumentError('Give height and width in pixels such as 128x128.');
  }
  return [height, width];
}
