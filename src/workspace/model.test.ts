import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, DataError } from '#core';
import { Experiment, Model, Workspace } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-models-'));
let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.create({ path: folder, databaseUrl: '' });
});
afterAll(async () => {
  await workspace.close();
  rmSync(folder, { recursive: true, force: true });
});
const file = (text: string) => {
  const path = join(folder, 'source.onnx');
  writeFileSync(path, text);
  return path;
};

describe('a registered model', () => {
  it('is found by version, alias or as the newest, and comes back as it went in', async () => {
    const name = 'bank / "best" <b>';
    const run = await new Experiment(workspace, 'e').startLogging();
    const first = await Model.register({
      workspace,
      path: file('one'),
      name,
      description: 'Voting ensemble',
      tags: { task: 'classification' },
      runId: run.id,
      metrics: { accuracy: 0.91 },
    });
    await run.complete();
    const second = await Model.register({ workspace, path: file('two'), name });
    expect([first.version, second.version]).toEqual([1, 2]);
    await first.setAlias('champion', { by: 'me', reason: 'tested' });
    expect((await Model.get(workspace, name)).version).toBe(2);
    expect((await Model.get(workspace, name, 1)).record.runId).toBe(run.id);
    const champion = await Model.get(workspace, name, 'champion');
    expect(champion.record).toMatchObject({ version: 1, aliases: ['champion'], metrics: { accuracy: 0.91 } });
    const saved = await champion.download(join(folder, 'out'));
    expect(readdirSync(join(folder, 'out'))).toEqual(['bank _ _best_ _b_.onnx']);
    expect(readFileSync(saved, 'utf8')).toBe('one');
    expect(await champion.download(join(folder, 'out'), { fileName: 'm.onnx' })).toMatch(/m\.onnx$/);
    expect((await Model.list(workspace, name)).map(({ version }) => version)).toEqual([2, 1]);
    expect(await workspace.models.keys()).toEqual([name]);
    expect(await workspace.models.has('other')).toBe(false);
    expect((await workspace.models.get(name)).version).toBe(2);
  });

  it('keeps a log of what its aliases pointed at', async () => {
    const [one, two] = [
      await Model.register({ workspace, path: file('1'), name: 'log' }),
      await Model.register({ workspace, path: file('2'), name: 'log' }),
    ];
    await one.setAlias('live');
    await two.setAlias('live', { by: 'ci', reason: 'better AUC' });
    await two.removeAlias('live');
    const log = await two.promotions();
    expect(log.map(({ alias, fromVersion, toVersion, by }) => [alias, fromVersion, toVersion, by])).toEqual(
      expect.arrayContaining([
        ['live', null, 1, ''],
        ['live', 1, 2, 'ci'],
        ['live', 2, null, ''],
      ]),
    );
    expect(log).toHaveLength(3);
  });

  it('says what there is when it is asked for something else', async () => {
    await Model.register({ workspace, path: file('1'), name: 'asked' });
    await expect(Model.get(workspace, 'asked', 7)).rejects.toThrow(/got 7\. There are: 1/);
    await expect(Model.get(workspace, 'asked', 'champion')).rejects.toThrow(/got "champion"/);
    await expect(Model.get(workspace, 'nothing')).rejects.toThrow(/Registered are: .*"asked"/);
    await expect(Model.register({ workspace, path: join(folder, 'absent'), name: 'x' })).rejects.toThrow(
      DataError,
    );
  });

  it('is not deleted while an alias points at it', async () => {
    const model = await Model.register({ workspace, path: file('1'), name: 'deleted' });
    await model.setAlias('live');
    await expect(model.delete()).rejects.toThrow(ConfigError);
    await model.removeAlias('live');
    await model.delete();
    expect(await workspace.models.has('deleted')).toBe(false);
  });

  it('is not given out when its file is damaged', async () => {
    const model = await Model.register({ workspace, path: file('whole'), name: 'damaged' });
    const models = join(workspace.root, 'models');
    const files = readdirSync(models, { recursive: true }).map((name) => join(models, String(name)));
    const [stored] = files.filter(
      (path) => statSync(path).isFile() && readFileSync(path, 'utf8') === 'whole',
    );
    writeFileSync(String(stored), 'torn!');
    await expect(model.download(join(folder, 'torn'))).rejects.toThrow(/stored file is damaged/);
    expect(readdirSync(join(folder, 'torn'))).toEqual([]);
  });
});
