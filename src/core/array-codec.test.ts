import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, decodeArray, encodeArray, type TypedArray } from '#core';

const arrays: fc.Arbitrary<TypedArray> = fc.oneof(
  fc.int8Array(),
  fc.uint8Array(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
);

describe('encodeArray', () => {
  it('is undone by decodeArray after a round through JSON, for every array type', () => {
    fc.assert(
      fc.property(arrays, (array) => {
        const copy = decodeArray(JSON.parse(JSON.stringify(encodeArray(array))));
        expect(copy.constructor).toBe(array.constructor);
        expect(copy).toEqual(array);
      }),
    );
  });

  it('writes little-endian bytes', () => {
    expect(encodeArray(new Uint16Array([1, 0x0203]))).toEqual({ dtype: 'uint16', data: 'AQADAg==' });
  });

  it('writes only the elements of a view', () => {
    const view = new Float64Array([1, 2, 3]).subarray(1, 2);
    expect(decodeArray(encodeArray(view))).toEqual(new Float64Array([2]));
  });
});

describe('decodeArray', () => {
  it('refuses what is no encoded array', () => {
    for (const value of [
      null,
      3,
      {},
      { dtype: 'float128', data: '' },
      { dtype: 'int8' },
      { dtype: 'toString', data: '' },
    ]) {
      expect(() => decodeArray(value)).toThrow(DataError);
    }
  });

  it('names the document and both types when the element type differs', () => {
    expect(() => decodeArray(encodeArray(new Int8Array(1)), 'float32', 'TreeModel.load')).toThrow(
      'TreeModel.load: the array must hold float32, but it holds int8.',
    );
  });

  it('refuses bytes that end inside an element', () => {
    expect(() => decodeArray({ dtype: 'float64', data: 'AAAA' })).toThrow('a multiple of 8 bytes, but got 3');
  });
});
