import { ConfigError } from '#core';

/** One option of a transform: how a loose value becomes the settled one that its JSON form shows. */
export interface Field<In, Out> {
  /** The settled value when none is given; without it the option is required. */
  readonly initial?: Out;
  /** @throws ConfigError */
  parse(where: string, value: unknown): Out;
  /** Never set: carries the type of what users may write. */
  readonly accepts?: In;
}

/** Smallest and largest value that is drawn. */
export type Range = readonly [low: number, high: number];

interface Limits {
  readonly min?: number;
  readonly max?: number;
}

function checkNumber(where: string, value: unknown, { min = -Infinity, max = Infinity }: Limits): number {
  if (typeof value === 'number' && value >= min && value <= max && Number.isFinite(value)) return value;
  const bounds = [
    ...(min === -Infinity ? [] : [`at least ${min}`]),
    ...(max === Infinity ? [] : [`at most ${max}`]),
  ];
  throw new ConfigError(
    `${where}: must be a number${bounds.length > 0 ? ` of ${bounds.join(' and ')}` : ''}, but got ${JSON.stringify(value)}. Change it.`,
    { value },
  );
}

export function number(initial: number | undefined, limits: Limits = {}): Field<number, number> {
  return {
    ...(initial === undefined ? {} : { initial }),
    parse: (where, value) => checkNumber(where, value, limits),
  };
}

export function wholeNumber(initial: number | undefined, limits: Limits = {}): Field<number, number> {
  return {
    ...(initial === undefined ? {} : { initial }),
    parse: (where, value) => {
      const checked = checkNumber(where, value, limits);
      if (Number.isInteger(checked)) return checked;
      throw new ConfigError(`${where}: must be a whole number, but got ${checked}. Round it.`, { value });
    },
  };
}

/**
 * A range, or one number `v` for the range from −v to v; from `from` to `v` where that is given, v alone with 'same'.
 */
export function range(
  initial: Range,
  { from, ...limits }: Limits & { readonly from?: number | 'same' } = {},
): Field<number | Range, Range> {
  return {
    initial,
    parse: (where, value) => {
      const first = from === 'same' ? value : from;
      const pair: unknown = typeof value === 'number' ? [first ?? -value, value] : value;
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new ConfigError(
          `${where}: must be a number or a pair [low, high], but got ${JSON.stringify(value)}. Give one of them.`,
          { value },
        );
      }
      const [low, high] = pair.map((end: unknown) => checkNumber(where, end, limits));
      if (low > high) {
        throw new ConfigError(
          `${where}: low must not exceed high, but got ${JSON.stringify(value)}. Swap them.`,
          { value },
        );
      }
      return [low, high];
    },
  };
}

export function choice<const T extends string>(initial: T, ...others: readonly T[]): Field<T, T> {
  const allowed: readonly string[] = [initial, ...others];
  return {
    initial,
    parse: (where, value) => {
      if (typeof value === 'string' && allowed.includes(value)) return value as T;
      throw new ConfigError(
        `${where}: must be one of ${allowed.join(', ')}, but got ${JSON.stringify(value)}. Choose one.`,
        { value },
      );
    },
  };
}

export function flag(initial: boolean): Field<boolean, boolean> {
  return {
    initial,
    parse: (where, value) => {
      if (typeof value === 'boolean') return value;
      throw new ConfigError(
        `${where}: must be true or false, but got ${JSON.stringify(value)}. Choose one.`,
        {
          value,
        },
      );
    },
  };
}

/** Three numbers, one for each of red, green and blue, or one for all. */
export function triple(
  initial: readonly [number, number, number],
  limits: Limits = {},
): Field<number | readonly [number, number, number], readonly [number, number, number]> {
  return {
    initial,
    parse: (where, value) => {
      const values: unknown = typeof value === 'number' ? [value, value, value] : value;
      if (!Array.isArray(values) || values.length !== 3) {
        throw new ConfigError(
          `${where}: must be one number or three, but got ${JSON.stringify(value)}. Give red, green and blue.`,
          { value },
        );
      }
      const [red, green, blue] = values.map((entry: unknown) => checkNumber(where, entry, limits));
      return [red, green, blue];
    },
  };
}

export type Fields = Readonly<Record<string, Field<unknown, unknown>>>;

/** What users write for `fields`. */
export type Accepted<F extends Fields> = {
  readonly [K in keyof F]?: F[K] extends Field<infer In, unknown> ? In : never;
};

/** What transforms get. */
export type Settled<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<unknown, infer Out> ? Out : never;
};

/**
 * Checks every option, fills in what is absent and refuses names that `fields` lacks.
 * @throws ConfigError
 */
export function settle<F extends Fields>(where: string, fields: F, given: object): Settled<F> {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(fields, name));
  if (unknown.length > 0) {
    throw new ConfigError(
      `${where}: options must be among ${Object.keys(fields).join(', ')}, but got ${unknown.join(', ')}. Correct the name.`,
      { unknown },
    );
  }
  const values = given as Readonly<Record<string, unknown>>;
  const settled = Object.entries(fields).map(([name, field]) => {
    const value = values[name];
    if (value !== undefined) return [name, field.parse(`${where}.${name}`, value)];
    if (field.initial !== undefined) return [name, field.initial];
    throw new ConfigError(`${where}: ${name} is required, but is absent. Give it.`, { name });
  });
  return Object.fromEntries(settled) as Settled<F>;
}
