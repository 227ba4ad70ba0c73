import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng, type Shape, sizeOf } from '#core';
import { interpret, referenceTensor } from '#engine';
import * as build from './build.ts';
import { broadcastShapes } from './shapes.ts';
import type { Value } from './value.ts';

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

/** Two shapes that broadcast: parts of one, with some sizes set to 1. */
const broadcastable = shapes.chain((shape) => {
  const part = fc
    .tuple(fc.nat(shape.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
    .map(([cut, ones]) => shape.slice(cut).map((dim, axis) => (ones[axis] ? 1 : dim)));
  return fc.tuple(part, part);
});

const numbers = (shape: Shape, seed: number) => {
  const rng = new Rng(seed);
  return Array.from({ length: sizeOf(shape) }, () => rng.normal());
};

function run(value: Value, operands: readonly (readonly [string, Shape, readonly number[]])[]) {
  const bindings = Object.fromEntries(
    operands.map(([name, shape, data]) => [name, referenceTensor(data, shape)]),
  );
  return interpret([value], bindings)[0];
}

describe('broadcasting', () => {
  it.each(['add', 'sub', 'mul', 'div', 'maximum', 'minimum'] as const)(
    '%s of two shapes is that of both expanded, and has the inferred size',
    (op) => {
      const make = { ...build }[op];
      fc.assert(
        fc.property(broadcastable, fc.nat(1000), ([a, b], seed) => {
          const operands = [
            ['x', a, numbers(a, seed)],
            ['z', b, numbers(b, seed + 1)],
          ] as const;
          const [x, z] = [build.input('x', 'float32', a), build.input('z', 'float32', b)];
          const common = broadcastShapes([a, b], 'test');
          const direct = make(x, z);
          const expanded = make(build.expand(x, common), build.expand(z, common));
          const result = run(direct, operands);
          expect(direct.shape).toEqual(common);
          expect(result.data).toHaveLength(sizeOf(direct.shape));
          expect(result.data).toEqual(run(expanded, operands).data);
        }),
        { numRuns: 60 },
      );
    },
  );

  it('shapes of another kind are refused, whichever comes first', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 2, max: 4 }), (shape, dim) => {
        const [a, b] = [
          [...shape, dim],
          [...shape, dim + 1],
        ];
        expect(() => broadcastShapes([a, b], 'test')).toThrow(/must agree or be 1/);
        expect(() => broadcastShapes([b, a], 'test')).toThrow(/must agree or be 1/);
      }),
    );
  });
});

describe('shape rules', () => {
  it('reductions, transposes, slices and pads give as many elements as inferred', () => {
    const inner = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(inner, fc.nat(3), fc.boolean(), (shape, pick, keepDims) => {
        const axis = pick % shape.length;
        const x = build.input('x', 'float32', shape);
        const order = shape.map((_, i) => (i + pick) % shape.length);
        const made = [
          build.sum(x, axis, keepDims),
          build.logSumExp(x, axis, keepDims),
          build.argMax(x, axis, keepDims),
          build.transpose(x, order),
          build.sliceAxis(x, axis, 0, Math.ceil(shape[axis] / 2)),
          build.pad(x, shape.map(() => 1), shape.map(() => pick)), // biome-ignore format: short
          build.concat([x, x], axis),
        ];
        for (const value of made) {
          expect(run(value, [['x', shape, numbers(shape, 1)]]).data).toHaveLength(sizeOf(value.shape));
        }
      }),
    );
  });
});

describe('softmax', () => {
  it('has rows that sum to 1 and does not change when a number is added to a row', () => {
    const matrix = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 }));
    fc.assert(
      fc.property(
        matrix,
        fc.nat(1000),
        fc.double({ min: -50, max: 50, noNaN: true }),
        ([n, k], seed, shift) => {
          const x = build.input('x', 'float32', [n, k]);
          const data = numbers([n, k], seed);
          const y = run(build.softmax(x, 1), [['x', [n, k], data]]).data;
          for (let row = 0; row < n; row++) {
            expect(y.slice(row * k, (row + 1) * k).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
          }
          const moved = run(build.softmax(x, 1), [['x', [n, k], data.map((value) => value + shift)]]).data;
          moved.forEach((value, i) => {
            expect(value).toBeCloseTo(y[i], 10);
          });
        },
      ),
    );
  });
});
