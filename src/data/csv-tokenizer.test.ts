import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvTokenizer, tokenizeCsv } from './csv-tokenizer.ts';
import { csvField } from './text-rows.ts';

const fieldsOf = (text: string, delimiter = ',') => tokenizeCsv(text, delimiter).map(({ fields }) => fields);

describe('CsvTokenizer', () => {
  it('splits records and tells their lines', () => {
    expect(
      tokenizeCsv('a,b\n"x\r\ny",""""\r\n\n1,', ',').map(({ fields, line }) => [line, ...fields]),
    ).toEqual([
      [1, 'a', 'b'],
      [2, 'x\r\ny', '"'],
      [5, '1', ''],
    ]);
  });

  it('flags open quotes and text after quotes', () => {
    expect(tokenizeCsv('"a"b,c\n"open,\n', ',')).toMatchObject([
      { textAfterQuote: true, unclosed: false },
      { textAfterQuote: false, unclosed: true },
    ]);
  });

  it('takes quotes inside plain fields as they are', () => {
    expect(fieldsOf('5" pipe;x\n', ';')).toEqual([['5" pipe', 'x']]);
  });

  it('undoes quoting, however the text is cut', () => {
    const field = fc.string({ unit: fc.constantFrom('a', ' ', ',', '"', '\n', '\r', 'ü', ';') });
    const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 7 }), (records, step) => {
        const text = records
          .map((record) => `${record.map((value) => csvField(value, ',')).join(',')}\n`)
          .join('');
        const found: string[][] = [];
        const tokenizer = new CsvTokenizer(',', (record) => found.push(record.fields));
        for (let i = 0; i < text.length; i += step) tokenizer.feed(text.slice(i, i + step));
        tokenizer.end();
        expect(found).toEqual(records);
      }),
    );
  });
});
