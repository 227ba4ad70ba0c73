import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashString, Rng } from '#core';
import { stringColumn, Table } from '#data';
import { OnnxSession } from '#engine';
import { type Featurizer, type FeaturizerOptions, fitFeaturizer, loadFeaturizer } from '../featurizer.ts';
import { tableFeeds } from '../inputs.ts';

const textTable = (texts: readonly (string | null)[]) => new Table([stringColumn('t', texts)]);

function fitText(texts: readonly (string | null)[], options: Partial<FeaturizerOptions> = {}) {
  const table = textTable(texts);
  const purposes = [{ column: 't', purpose: 'Text' as const, reason: 'test' }];
  return fitFeaturizer(table, { encoding: 'onehot', purposes, ...options });
}

const wordsOnly = { config: { blockedSteps: ['CharTfIdf'] } } as const;
const charsOnly = { config: { blockedSteps: ['WordTfIdf'] } } as const;
const bucketName = (word: string) => `t:word#${hashString(word) % 256}`;

/** Feature name → value of a text, zeros left out. */
function featuresOf(featurizer: Featurizer, text: string | null): Record<string, number> {
  const matrix = featurizer.transform(textTable([text]));
  return Object.fromEntries(
    matrix.features.flatMap(({ name }, j) => {
      const [value] = matrix.dense(j);
      return value === 0 ? [] : [[name, value]];
    }),
  );
}

async function onnxFeatures(
  featurizer: Featurizer,
  texts: readonly (string | null)[],
): Promise<Float32Array> {
  const session = await OnnxSession.create(featurizer.toOnnx(), { threads: 1 });
  const { features } = await session.run(tableFeeds(textTable(texts), featurizer.inputs()));
  await session.release();
  return features.data as Float32Array;
}

describe('words', () => {
  it('are counted in hash buckets with pairs of neighbours, whatever their case and edge punctuation', () => {
    const { featurizer } = fitText(['Good dog!', 'good dog', '(GOOD) cat', null, 'cat...'], {
      ...wordsOnly,
      encoding: 'ordinal',
    });
    // "good dog" is in two rows, "good cat" in one.
    const names = featurizer.features.map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(['good', 'dog', 'cat', 'good dog'].map(bucketName)));
    expect(featuresOf(featurizer, 'Good dog')).toEqual({ [bucketName('good')]: 1, [bucketName('dog')]: 1 });
    expect(featuresOf(featurizer, 'Good dog! cat... cat...')).toEqual({
      [bucketName('good')]: 1,
      [bucketName('dog')]: 1,
      [bucketName('good dog')]: 1,
      [bucketName('cat')]: 2,
    });
    // A spelling that training did not show is unknown.
    expect(featuresOf(featurizer, 'gOOd, mouse')).toEqual({});
  });

  it('are weighted by ln((1 + n) / (1 + df)) + 1 and divided by the norm of the row', () => {
    const { featurizer, training } = fitText(['a b', 'a b', 'a c', 'a c'], wordsOnly);
    // a is in all 4 rows: idf 1. b, c, "a b", "a c" in 2: idf ln(5/3) + 1.
    const idf = Math.log(5 / 3) + 1;
    const norm = Math.sqrt(1 + 2 * idf * idf);
    const features = featuresOf(featurizer, 'a b');
    expect(features[bucketName('a')]).toBeCloseTo(1 / norm, 6);
    expect(features[bucketName('b')]).toBeCloseTo(idf / norm, 6);
    expect(features[bucketName('a b')]).toBeCloseTo(idf / norm, 6);
    expect(training.columns.every(({ kind }) => kind === 'sparse')).toBe(true);
  });

  it('stand between spaces only: tabs and line ends are letters', () => {
    const { featurizer } = fitText(['a\tb', 'a\tb', 'a b', 'a b'], { ...wordsOnly, encoding: 'ordinal' });
    expect(featuresOf(featurizer, 'a\tb')).toEqual({ [bucketName('a\tb')]: 1 });
    expect(featuresOf(featurizer, 'a  b')).toEqual({ [bucketName('a')]: 1, [bucketName('b')]: 1 });
  });

  it('give nothing when none is in two rows', () => {
    expect(() => fitText(['one', 'two', 'six'], wordsOnly)).toThrow('at least one feature must remain');
  });
});

describe('runs of characters', () => {
  it('are found wherever they stand, case ignored', () => {
    const { featurizer } = fitText(['nation', 'station', 'xyz', 'Ä+?'], {
      ...charsOnly,
      encoding: 'ordinal',
    });
    expect(featurizer.features.map(({ name }) => name)).toEqual(
      ['ati', 'ion', 'tio'].map((g) => `t:char=${g}`),
    );
    expect(featuresOf(featurizer, 'ION\nrATIo')).toEqual({
      't:char=ati': 1,
      't:char=ion': 1,
      't:char=tio': 1,
    });
    expect(featuresOf(featurizer, null)).toEqual({});
  });

  it('are at most 64, by rows and then by name, without those in more than nine rows of ten', () => {
    const rng = new Rng(2);
    const texts = Array.from(
      { length: 50 },
      () => `the ${Array.from({ length: 20 }, () => 'abcdefgh'[rng.integer(8)]).join('')}`,
    );
    const { featurizer } = fitText(texts, charsOnly);
    expect(featurizer.features.length).toBe(64);
    expect(featurizer.features.some(({ name }) => name === 't:char=the')).toBe(false);
  });
});

describe('text in ONNX', () => {
  const pieces = [
    'Good',
    'good,',
    'GOOD',
    'dog',
    'Dog.',
    'ÄRGER',
    'ärger',
    'ß',
    'ẞ',
    '\u212a',
    'k',
    'ſ',
    's',
    '.*',
    '(a)',
  ];
  const spaces = [' ', ' ', '  ', '\t', '\n', '\u00a0', ''];
  const text = fc
    .array(fc.tuple(fc.constantFrom(...pieces, '😀', 'i̇İ'), fc.constantFrom(...spaces)), { maxLength: 8 })
    .map((parts) => parts.flat().join(''));
  const texts = fc.array(fc.oneof(text, fc.constantFrom('', null), fc.string({ unit: 'grapheme' })), {
    minLength: 1,
    maxLength: 12,
  });

  it('agrees with TypeScript for texts with Unicode, tabs, line ends and repeated spaces', async () => {
    const encodings = fc.constantFrom('onehot' as const, 'ordinal' as const);
    await fc.assert(
      fc.asyncProperty(texts, texts, encodings, async (training, others, encoding) => {
        const rows = [...training, 'good dog ärger', 'good dog ärger', 'x'];
        const { featurizer, training: matrix } = fitText(rows, { encoding });
        const test = [...rows, ...others];
        const expected = featurizer.transform(textTable(test)).toRowMajor();
        expect(expected.subarray(0, matrix.rows * matrix.width)).toEqual(matrix.toRowMajor());
        const got = await onnxFeatures(featurizer, test);
        expect(got.length).toBe(expected.length);
        got.forEach((value, i) => {
          expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(encoding === 'ordinal' ? 0 : 5e-7);
        });
        const loaded = loadFeaturizer(JSON.parse(JSON.stringify(featurizer.toJSON())));
        expect(loaded.transform(textTable(test)).toRowMajor()).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('agrees for very long texts, empty texts alone and no rows', async () => {
    const { featurizer } = fitText(['a b', 'a b', 'b a', 'b a', 'c'], { encoding: 'ordinal' });
    const long = (n: number) => Array.from({ length: n }, (_, i) => 'ab'[i % 2]).join(' ');
    for (const test of [[long(255), long(256), long(257), long(258), long(400)], [''], [null, ''], []]) {
      const expected = featurizer.transform(textTable(test)).toRowMajor();
      expect(await onnxFeatures(featurizer, test)).toEqual(expected);
    }
  });
});
