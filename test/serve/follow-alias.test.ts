import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '#core';
import { generateBank, tableRecords } from '#data';
import { runAutoML } from '#tabular';
import { Model, Workspace } from '#workspace';

let folder: string;
let workspace: Workspace;
let child: ChildProcess;
const table = generateBank({ rows: 200, seed: 1 }).table;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-follow-'));
  workspace = await Workspace.create({ path: folder });
  const out = join(folder, 'model.onnx');
  await runAutoML({ table, label: 'y', maxTrials: 1, folds: 2, importance: false, out }).result;
  for (let i = 0; i < 2; i++) await Model.register({ workspace, path: out, name: 'bank' });
  await (await Model.get(workspace, 'bank', 1)).setAlias('champion');
}, 60_000);
afterAll(async () => {
  child?.kill('SIGKILL');
  await workspace.close();
  await rm(folder, { recursive: true, force: true });
});

it('an alias that moves is followed by the server, and none of 200 callers has a failed request', async () => {
  const command = [
    join(packageRoot, 'bin', 'trainyard.js'),
    'serve',
    'bank@champion',
    '--port',
    '0',
    '--json',
  ];
  child = spawn(process.execPath, command, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  const url = await new Promise<string>((resolve) => {
    let text = '';
    child.stdout!.on('data', (chunk) => {
      text += chunk;
      if (text.trimEnd().endsWith('}')) resolve(JSON.parse(text).url);
    });
  });
  const [row] = tableRecords(table, 0, 1);
  const served = new Set<string | null>();
  let isOver = false;
  const call = async (): Promise<void> => {
    while (!isOver) {
      const response = await fetch(`${url}/score`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(row),
      });
      expect(response.status).toBe(200);
      served.add(response.headers.get('azureml-model-deployment'));
      await response.json();
    }
  };
  const callers = Array.from({ length: 200 }, call);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await (await Model.get(workspace, 'bank', 2)).setAlias('champion', { by: 'a test' });
  while (!served.has('bank:2')) await new Promise((resolve) => setTimeout(resolve, 50));
  isOver = true;
  await Promise.all(callers);
  expect([...served].sort()).toEqual(['bank:1', 'bank:2']);
}, 60_000);
