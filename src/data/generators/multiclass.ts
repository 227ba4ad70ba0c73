import { ConfigError, Rng } from '#core';
import { numberColumn, stringColumn, Table } from '../table.ts';
import { blank, checkGeneratorOptions, drawIndex } from './draw.ts';

export interface GenerateMulticlassOptions {
  readonly rows: number;
  readonly seed: number;
  /** Number of classes, 2 to 26; default 5. */
  readonly classes?: number;
  /** Share of feature cells blanked at random after the label was drawn, in [0, 1); default 0. */
  readonly missing?: number;
}

/** The best that any model can reach on rows whose classes were drawn with known probabilities. */
export interface MulticlassTruth {
  readonly classes: readonly string[];
  /** P(class k | row i) at `i * K + k`. */
  readonly probabilities: Float64Array;
  /** Scores of the true probabilities against the classes drawn. */
  readonly bestLogLoss: number;
  readonly bestAccuracy: number;
  /** The same, averaged over all classes that could have been drawn for these rows. */
  readonly expectedLogLoss: number;
  readonly expectedAccuracy: number;
}

const colours = ['red', 'green', 'blue', 'grey'] as const;

/**
 * Classes around a circle: with centres c_k at angle 2πk/K and radius 1.5,
 *
 *     z_k = −2.2·‖(a, b) − c_k‖² + 1.2·[k = colour mod K] + 0.8·sin(2c + k) − 0.6·k,   P(class k) = softmax(z)_k
 *
 * `a`, `b` normal with deviation 1.3, `c` uniform on [−3, 3], `colour` one of four, numbered from 0; `d` follows a
 * with an error, `e` is unrelated. Later classes are rarer.
 *
 * @throws ConfigError for a number of rows or classes, or a share, out of range
 */
export function generateMulticlass(options: GenerateMulticlassOptions): {
  table: Table;
  truth: MulticlassTruth;
} {
  const { rows, seed, classes: size = 5, missing = 0 } = options;
  checkGeneratorOptions('generateMulticlass', rows, missing);
  if (!Number.isInteger(size) || size < 2 || size > 26) {
    throw new ConfigError(
      `generateMulticlass: classes must be a whole number from 2 to 26, but got ${size}. Ask for fewer.`,
    );
  }
  const classes = Array.from({ length: size }, (_, k) => `class_${String.fromCharCode(97 + k)}`);
  const rng = new Rng(seed);
  const features = rng.fork('features');
  const labels = rng.fork('label');
  const [a, b, c, d, e] = Array.from({ length: 5 }, () => [] as number[]);
  const colour: string[] = [];
  const y = new Uint8Array(rows);
  const probabilities = new Float64Array(rows * size);
  for (let i = 0; i < rows; i++) {
    a.push(1.3 * features.normal());
    b.push(1.3 * features.normal());
    c.push(6 * features.uniform() - 3);
    d.push(a[i] + 0.5 * features.normal());
    e.push(features.normal());
    const hue = features.integer(colours.length);
    colour.push(colours[hue]);
    const p = probabilities.subarray(i * size, (i + 1) * size);
    classProbabilities(p, a[i], b[i], c[i], hue);
    y[i] = drawIndex(labels, p);
  }
  const blanks = rng.fork('missing');
  const numbers = { a, b, c, d, e };
  const table = new Table([
    ...Object.entries(numbers).map(([name, values]) => numberColumn(name, blank(blanks, values, missing))),
    stringColumn('colour', blank(blanks, colour, missing)),
    stringColumn(
      'label',
      Array.from(y, (k) => classes[k]),
    ),
  ]);
  return { table, truth: multiclassTruth(classes, probabilities, y) };
}

function classProbabilities(p: Float64Array, a: number, b: number, c: number, hue: number): void {
  const size = p.length;
  for (let k = 0; k < size; k++) {
    const angle = (2 * Math.PI * k) / size;
    const distance = (a - 1.5 * Math.cos(angle)) ** 2 + (b - 1.5 * Math.sin(angle)) ** 2;
    p[k] = -2.2 * distance + (k === hue % size ? 1.2 : 0) + 0.8 * Math.sin(2 * c + k) - 0.6 * k;
  }
  const top = Math.max(...p);
  let sum = 0;
  for (let k = 0; k < size; k++) {
    p[k] = Math.exp(p[k] - top);
    sum += p[k];
  }
  for (let k = 0; k < size; k++) p[k] /= sum;
}

function multiclassTruth(
  classes: readonly string[],
  probabilities: Float64Array,
  y: Uint8Array,
): MulticlassTruth {
  const size = classes.length;
  let loss = 0;
  let right = 0;
  let entropy = 0;
  let expectedRight = 0;
  for (let i = 0; i < y.length; i++) {
    const p = probabilities.subarray(i * size, (i + 1) * size);
    const top = p.indexOf(Math.max(...p));
    loss -= Math.log(p[y[i]]);
    if (top === y[i]) right++;
    expectedRight += p[top];
    for (const q of p) if (q > 0) entropy -= q * Math.log(q);
  }
  return {
    classes,
    probabilities,
    bestLogLoss: loss / y.length,
    bestAccuracy: right / y.length,
    expectedLogLoss: entropy / y.length,
    expectedAccuracy: expectedRight / y.length,
  };
}
