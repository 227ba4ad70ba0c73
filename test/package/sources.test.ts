import { expect, it } from 'vitest';
import { Deadline } from '#core';

it('runs the sources of a layer imported by name, so that no test passes on a stale build', () => {
  let stack: string | undefined;
  try {
    new Deadline(0).check('test');
  } catch (error) {
    stack = (error as Error).stack;
  }
  expect(stack).toMatch(/src[\\/]core[\\/]clock\.ts/);
});
