import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { currentOwner, isOwnerAlive } from './process-owner.ts';

it('this process lives', () => {
  expect(currentOwner().pid).toBe(process.pid);
  expect(isOwnerAlive(currentOwner())).toBe(true);
});

it('a process that has ended is gone', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const owner = { ...currentOwner(), pid: child.pid!, startTime: '' };
  expect(isOwnerAlive(owner)).toBe(true);
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  expect(isOwnerAlive(owner)).toBe(false);
});

it('a number that was given to another process does not count', () => {
  expect(isOwnerAlive({ ...currentOwner(), startTime: '1' })).toBe(false);
});

it('nobody here knows about processes of another host', () => {
  expect(isOwnerAlive({ ...currentOwner(), host: 'another-host.invalid' })).toBeUndefined();
});
