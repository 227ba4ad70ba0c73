/** Values at which an axis has marks, rising, and the text of each. */
export interface AxisTicks {
  readonly values: readonly number[];
  readonly labels: readonly string[];
}

/**
 * Round values (1, 2 or 5 times a power of ten apart) that enclose [low, high].
 *
 * @param most intervals at most
 */
export function axisTicks(low: number, high: number, most = 5): AxisTicks {
  const step = roundStep(spanOf(low, high) / most);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  const values = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { values, labels: labelTicks(values, step) };
}

/**
 * Whole numbers inside [low, high].
 *
 * @param most marks at most
 */
export function wholeTicks(low: number, high: number, most = 8): AxisTicks {
  const step = Math.max(1, roundStep((high - low) / most));
  const values: number[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) values.push(value);
  if (step > 1 && low === 1 && values[0] > 1) values.unshift(1);
  return { values, labels: values.map(String) };
}

function spanOf(low: number, high: number): number {
  return high > low ? high - low : Math.abs(low) || 1;
}

/** The smallest of 1, 2, 5 times a power of ten that is not below `step`. */
function roundStep(step: number): number {
  if (!(step > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= step * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function labelTicks(values: readonly number[], step: number): string[] {
  const largest = Math.max(...values.map(Math.abs));
  if (largest < 1e-2 || largest >= 1e5) return values.map((value) => shortExponent(value, step));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return values.map((value) => (value === 0 ? 0 : value).toFixed(decimals));
}

/** `2.5e-4`, with no more digits than the step needs. */
function shortExponent(value: number, step: number): string {
  if (Math.abs(value) < step / 2) return '0';
  const digits = Math.floor(Math.log10(Math.abs(value)) + 1e-9) - Math.floor(Math.log10(step) + 1e-9);
  return value
    .toExponential(Math.max(0, digits))
    .replace('e+', 'e')
    .replace(/(\.\d*?)0+e/, '$1e')
    .replace('.e', 'e');
}
