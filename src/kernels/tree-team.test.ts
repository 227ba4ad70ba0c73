import { describe, expect, it } from 'vitest';
import { RuntimeFailure } from '#core';
import { TreeTeam } from './tree-team.ts';

describe('TreeTeam', () => {
  it('lends the same memory again once it was given back', () => {
    const first = TreeTeam.acquire(1);
    const address = first.allocate(1 << 20);
    first.f32(address, 4).set([1, 2, 3, 4]);
    const other = TreeTeam.acquire(1);
    expect(other).not.toBe(first);
    first.release();
    const again = TreeTeam.acquire(1);
    expect(again).toBe(first);
    expect(again.allocate(1 << 20)).toBe(address);
    other.release();
    again.release();
  });

  it('aligns, rewinds and zeroes what it allocates', () => {
    const team = TreeTeam.acquire(1);
    const a = team.allocate(5);
    const mark = team.mark();
    const b = team.allocate(100);
    expect(a % 64).toBe(0);
    expect(b % 64).toBe(0);
    expect(b).toBeGreaterThanOrEqual(a + 5);
    team.u8(b, 100).fill(9);
    team.rewind(mark);
    expect(team.allocateZeroed(100)).toBe(b);
    expect(team.u8(b, 100).every((byte) => byte === 0)).toBe(true);
    team.release();
  });

  it('says so when a fit needs more than 4 GiB', () => {
    const team = TreeTeam.acquire(1);
    expect(() => team.allocate(2 ** 32)).toThrow(RuntimeFailure);
    team.release();
  });
});
