import { expect, test } from 'vitest';
import { ConfigError } from '#core';
import { GroupNorm } from './norm.ts';

test('GroupNorm refuses groups that do not divide the channels when it is built', () => {
  for (const [groups, channels] of [
    [2, 3],
    [4, 2],
    [0, 4],
    [-2, 4],
    [0.5, 4],
  ]) {
    expect(() => new GroupNorm(groups, channels)).toThrow(ConfigError);
  }
  expect(() => new GroupNorm(2, 3)).toThrow(
    'GroupNorm: groups must be a whole number that divides the channels, but got 2 groups and 3 channels',
  );
});
