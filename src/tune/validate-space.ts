import { ConfigError } from '#core';
import type { Dimension, Parameters, ParameterValue, SearchSpace } from './space.ts';

function dimensionFault(name: string, dimension: Dimension): string | undefined {
  if (dimension.type === 'choice') {
    if (dimension.values.length === 0) return `${name} has no values`;
    return new Set(dimension.values).size < dimension.values.length
      ? `${name} lists a value twice`
      : undefined;
  }
  const { low, high, log, type } = dimension;
  if (!Number.isFinite(low) || !Number.isFinite(high)) return `${name} is not finite: ${low} … ${high}`;
  if (low > high) return `${name} is reversed: ${low} … ${high}`;
  if (log && low <= 0) return `${name} is logarithmic from ${low}`;
  if (type === 'int' && !(Number.isInteger(low) && Number.isInteger(high))) {
    return `${name} is an integer from ${low} to ${high}`;
  }
  return undefined;
}

/**
 * Checks that every range of a space is finite, not reversed, above 0 where logarithmic, whole where integer, and
 * that every choice has distinct values.
 *
 * @throws ConfigError naming every faulty dimension
 */
export function validateSpace(space: SearchSpace): void {
  const faults = Object.entries(space)
    .map(([name, dimension]) => dimensionFault(name, dimension))
    .filter((fault) => fault !== undefined);
  if (faults.length === 0) return;
  throw new ConfigError(
    `validateSpace: ranges must be finite, ordered and above 0 where logarithmic, and choices distinct, but ` +
      `${faults.join('; ')}. Correct the search space.`,
    { faults },
  );
}

/** Whether `value` is a member of `dimension`. */
export function contains(dimension: Dimension, value: ParameterValue | undefined): boolean {
  if (value === undefined) return false;
  if (dimension.type === 'choice') return dimension.values.includes(value);
  if (typeof value !== 'number' || !(value >= dimension.low && value <= dimension.high)) return false;
  return dimension.type === 'float' || Number.isInteger(value);
}

/**
 * Checks that `parameters` is a point of `space`: every dimension given and inside its range, nothing else given.
 *
 * @throws ConfigError naming every parameter that is missing, unknown or out of range
 */
export function validateParameters(space: SearchSpace, parameters: Parameters): void {
  const faults: string[] = [];
  for (const [name, dimension] of Object.entries(space)) {
    if (!(name in parameters)) faults.push(`${name} is missing`);
    else if (!contains(dimension, parameters[name])) {
      faults.push(`${name} is ${JSON.stringify(parameters[name])}, outside ${describeDimension(dimension)}`);
    }
  }
  for (const name of Object.keys(parameters)) {
    if (!(name in space)) faults.push(`${name} is unknown`);
  }
  if (faults.length === 0) return;
  throw new ConfigError(
    `validateParameters: a point must have one value inside each range, but ${faults.join('; ')}. ` +
      'Correct the values or the space.',
    { faults },
  );
}

/** A dimension as short text: `1 … 10 (log)`, `"a" | "b"`. */
export function describeDimension(dimension: Dimension): string {
  if (dimension.type === 'choice') return dimension.values.map((value) => JSON.stringify(value)).join(' | ');
  return `${dimension.low} … ${dimension.high}${dimension.log ? ' (log)' : ''}`;
}
