import { describe, expect, it } from 'vitest';
import { columnHint, nearestName } from '#core';

describe('nearestName', () => {
  it('takes another case for near, and another single letter for something else', () => {
    expect(nearestName('Y', ['x', 'y'])).toBe('y');
    expect(nearestName('b', ['a', 'c'])).toBeUndefined();
    expect(nearestName('duraton', ['age', 'duration'])).toBe('duration');
  });
});

describe('columnHint', () => {
  it('suggests the near column, else names at most 20 of them', () => {
    expect(columnHint('agee', ['age', 'job'])).toBe('Did you mean "age"?');
    expect(columnHint('label', ['a', 'b'])).toBe('Columns are: a, b.');
    const many = Array.from({ length: 23 }, (_, i) => `f${i}`);
    expect(columnHint('outcome', many)).toMatch(/^Columns are: f0, f1, .*, f19 and 3 more\.$/);
  });
});
