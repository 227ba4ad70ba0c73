import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CancelledError, Deadline, hashString, nearestName, Rng, version } from '#core';

describe('Rng', () => {
  it('repeats its stream for a seed and forks independent ones', () => {
    const draw = (rng: Rng) => Array.from({ length: 5 }, () => rng.nextUint32());
    expect(draw(new Rng(7))).toEqual(draw(new Rng(7)));
    expect(draw(new Rng(7))).not.toEqual(draw(new Rng(8)));
    expect(draw(new Rng(7).fork('a'))).not.toEqual(draw(new Rng(7).fork('b')));
    const used = new Rng(7);
    used.uniform();
    expect(draw(used.fork('a'))).toEqual(draw(new Rng(7).fork('a')));
  });

  it('tells seeds apart beyond 32 bits', () => {
    expect(new Rng(1).nextUint32()).not.toBe(new Rng(1 + 2 ** 32).nextUint32());
  });

  it('draws uniform and normal numbers with the right moments', () => {
    const rng = new Rng(1);
    const n = 20_000;
    let uniform = 0;
    let normal = 0;
    let square = 0;
    for (let i = 0; i < n; i++) {
      uniform += rng.uniform();
      const z = rng.normal();
      normal += z;
      square += z * z;
    }
    // Standard errors: 0.289 / √n = 0.002, 1 / √n = 0.007, √2 / √n = 0.01; five of them are allowed.
    expect(Math.abs(uniform / n - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(normal / n)).toBeLessThan(0.035);
    expect(Math.abs(square / n - 1)).toBeLessThan(0.05);
  });

  it('permutes: every number once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer(), (n, seed) => {
        const order = new Rng(seed).permutation(n);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });
});

describe('hashString', () => {
  it('is a 32-bit number that depends on text and seed', () => {
    expect(hashString('a')).toBe(hashString('a'));
    expect(hashString('a')).not.toBe(hashString('b'));
    expect(hashString('a')).not.toBe(hashString('a', 1));
    expect(hashString('')).toBeGreaterThanOrEqual(0);
  });
});

describe('Deadline', () => {
  it('never ends without a limit and ends at once with none left', () => {
    expect(Deadline.none.expired).toBe(false);
    expect(Deadline.none.remainingSeconds).toBe(Number.POSITIVE_INFINITY);
    const over = new Deadline(0);
    expect(over.remainingSeconds).toBe(0);
    expect(() => over.check('fit')).toThrow(CancelledError);
    expect(() => over.check('fit')).toThrow('fit: ran out of time.');
  });

  it('ends when its signal is aborted', () => {
    const controller = new AbortController();
    const deadline = new Deadline(60, controller.signal);
    deadline.check('fit');
    controller.abort();
    expect(() => deadline.check('fit')).toThrow('fit: was cancelled.');
  });
});

describe('nearestName', () => {
  it('finds a mistyped name whatever its case, and nothing when none is near', () => {
    expect(nearestName('durration', ['age', 'duration'])).toBe('duration');
    expect(nearestName('AGE', ['age', 'duration'])).toBe('age');
    expect(nearestName('salary', ['age', 'duration'])).toBeUndefined();
  });
});

describe('version', () => {
  it('is the one of package.json', () => {
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
  });
});
