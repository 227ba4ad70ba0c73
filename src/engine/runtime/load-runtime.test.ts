import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { distFile } from '#core';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'load-runtime-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('turns the telemetry of ONNX Runtime off, which leaves files behind otherwise', () => {
  const engine = pathToFileURL(distFile('engine', 'index.js')).href;
  const script = `
    const { tensor } = await import(${JSON.stringify(engine)});
    console.log(await tensor([1, 2]).add(1).array(), process.env.ORT_DISABLE_TELEMETRY);`;
  const { ORT_DISABLE_TELEMETRY, ...env } = process.env;
  const run = (more: NodeJS.ProcessEnv) =>
    execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...env, ...more, TMPDIR: folder, HOME: folder },
    })
      .toString()
      .trim();
  expect(run({})).toBe('[ 2, 3 ] 1');
  expect(readdirSync(folder)).toEqual([]);
  // What the user sets stays.
  expect(run({ ORT_DISABLE_TELEMETRY: 'true' })).toBe('[ 2, 3 ] true');
});
