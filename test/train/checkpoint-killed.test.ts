import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { listCheckpoints, readCheckpoint } from '#train';

const root = mkdtempSync(join(tmpdir(), 'trainyard-killed-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Writes one checkpoint after the other, each full of its own step, until it is killed. */
const writer = `
  import { writeCheckpoint } from 'trainyard/train';
  for (let step = 1; ; step++) {
    const data = new Float32Array(200_000).fill(step);
    const tensors = new Map([['w', { dtype: 'float32', shape: [data.length], data }]]);
    await writeCheckpoint(process.argv[1], { tensors, state: { step } }, { keep: 2 });
    console.log(step);
  }`;

// The built package, because Node runs the writer without a test runner around it.
it.each([0, 7, 20])(
  'a writer killed %d ms after its second checkpoint leaves the last or a newer one, whole',
  async (delayMs) => {
    for (const path of [join(root, `folder-${delayMs}`), join(root, `file-${delayMs}.safetensors`)]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer, path]);
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      let complaint = '';
      child.stderr.on('data', (chunk: Buffer) => {
        complaint += chunk.toString();
      });
      const closed = once(child, 'close');
      while (!said.includes('2\n') && child.exitCode === null) await setTimeout(1);
      await setTimeout(delayMs);
      child.kill('SIGKILL');
      await closed;
      expect(complaint).toBe('');
      const { tensors, state } = await readCheckpoint(path);
      const { step } = state as { step: number };
      const steps = said.trim().split('\n').map(Number);
      expect(step).toBeGreaterThanOrEqual(Math.max(...steps));
      const data = tensors.get('w')?.data as Float32Array;
      expect(data.every((value) => value === step)).toBe(true);
      if (!path.endsWith('.safetensors')) expect((await listCheckpoints(path)).length).toBeLessThanOrEqual(3);
    }
  },
  30_000,
);
