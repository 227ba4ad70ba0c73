import { ConfigError, nearestName } from '#core';

/** What a parameter may be. Bounds are inclusive unless `above` or `below` is used. */
export type ParameterRule =
  | {
      readonly type: 'float' | 'int';
      readonly min?: number;
      readonly max?: number;
      /** Exclusive lower bound. */
      readonly above?: number;
      /** Exclusive upper bound. */
      readonly below?: number;
      /** `null` is allowed too. */
      readonly nullable?: boolean;
    }
  | { readonly type: 'boolean' }
  | { readonly type: 'choice'; readonly values: readonly (string | number | boolean | null)[] };

/** One rule per parameter. */
export type ParameterRules<P> = { readonly [K in keyof P]-?: ParameterRule };

/**
 * Fills in defaults and checks every given parameter against its rule.
 *
 * @param where name of the learner, for the error
 * @param given parameters by name; `undefined` means the default
 * @throws ConfigError naming every fault at once, unknown names with the nearest known one
 */
export function parseParameters<P extends object>(
  where: string,
  defaults: Readonly<P>,
  given: Readonly<Partial<P>>,
  rules: ParameterRules<P>,
): P {
  const parsed: P = { ...defaults };
  const faults: string[] = [];
  const names = Object.keys(rules);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!names.includes(name)) {
      faults.push(`"${name}" is not a parameter${suggestion(name, names)}`);
      continue;
    }
    const key = name as keyof P;
    const rule = describeFault(value, rules[key]);
    if (rule === undefined) parsed[key] = value as P[keyof P];
    else faults.push(`${name} must be ${rule}, but got ${JSON.stringify(value) ?? String(value)}`);
  }
  if (faults.length > 0) {
    const wayOut = names.length > 0 ? `The parameters are ${names.join(', ')}.` : 'It has no parameters.';
    throw new ConfigError(`${where}: ${faults.join('; ')}. ${wayOut}`, { faults });
  }
  return parsed;
}

/** The rule in words when `value` breaks it. */
function describeFault(value: unknown, rule: ParameterRule): string | undefined {
  if (rule.type === 'boolean') return typeof value === 'boolean' ? undefined : 'true or false';
  if (rule.type === 'choice') {
    if (rule.values.some((allowed) => allowed === value)) return undefined;
    const words = rule.values.map((allowed) => String(allowed));
    return `one of ${words.join(', ')}${typeof value === 'string' ? suggestion(value, words) : ''}`;
  }
  if (rule.nullable && value === null) return undefined;
  const fits =
    typeof value === 'number' &&
    (rule.type === 'int' ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    value >= (rule.min ?? -Infinity) &&
    value <= (rule.max ?? Infinity) &&
    value > (rule.above ?? -Infinity) &&
    value < (rule.below ?? Infinity);
  if (fits) return undefined;
  const bounds = [
    rule.min === undefined ? undefined : `at least ${rule.min}`,
    rule.above === undefined ? undefined : `above ${rule.above}`,
    rule.max === undefined ? undefined : `at most ${rule.max}`,
    rule.below === undefined ? undefined : `below ${rule.below}`,
  ].filter((bound) => bound !== undefined);
  const kind = rule.type === 'int' ? 'a whole number' : 'a number';
  return `${kind}${bounds.length > 0 ? ` ${bounds.join(' and ')}` : ''}${rule.nullable ? ', or null' : ''}`;
}

function suggestion(name: string, candidates: readonly string[]): string {
  const near = nearestName(name, candidates);
  return near === undefined ? '' : ` (did you mean "${near}"?)`;
}
