import { expect, it } from 'vitest';
import { ConfigError } from '#core';

it('runs the sources of a layer imported by name, not the built files, so that no test passes on a stale build', () => {
  const { stack } = new ConfigError('test: rule, but got values. Way out.');
  expect(stack).toMatch(/src[\\/]core[\\/]errors\.ts/);
  expect(stack).not.toMatch(/dist[\\/]core/);
});
