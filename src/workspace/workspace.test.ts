import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, DataError } from '#core';
import { ComputeTarget, Experiment, registerComputeType, Workspace } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-workspace-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let serial = 0;
const freshFolder = () => {
  const path = join(folder, `w${serial++}`);
  mkdirSync(path);
  return path;
};
// SQLite, whatever the environment says.
const databaseUrl = '';

describe('a workspace', () => {
  it('is found from any folder below it, by its name', async () => {
    const path = freshFolder();
    const made = await Workspace.create({ path, name: 'bank "marketing" <b>', databaseUrl });
    await made.close();
    mkdirSync(join(path, 'src/deep'), { recursive: true });
    for (const from of [path, join(path, 'src/deep'), join(path, '.trainyard')]) {
      await using found = await Workspace.open({ path: from, databaseUrl });
      expect([found.name, found.root]).toEqual(['bank "marketing" <b>', join(path, '.trainyard')]);
    }
    expect(readFileSync(join(path, '.trainyard/.gitignore'), 'utf8')).toContain('*');
  });

  it('is called like its folder unless it has a name', async () => {
    const path = freshFolder();
    await using workspace = await Workspace.create({ path, databaseUrl });
    expect(workspace.name).toBe(basename(path));
  });

  it('is not made twice, and what is there stays', async () => {
    const path = freshFolder();
    await (await Workspace.create({ path, name: 'first', databaseUrl })).close();
    await expect(Workspace.create({ path, name: 'second', databaseUrl })).rejects.toThrow(
      /must not have a workspace yet.*Workspace\.open/,
    );
    await using workspace = await Workspace.open({ path, databaseUrl });
    expect(workspace.name).toBe('first');
  });

  it('tells how to make one where there is none, and makes nothing', async () => {
    const path = freshFolder();
    const failure = await Workspace.open({ path, databaseUrl }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect((failure as Error).message).toMatch(/trainyard init/);
    expect(readdirSync(path)).toEqual([]);
  });

  it.each([
    ['torn', '{"version": 1, "na', /must be readable JSON/],
    ['from a newer program', '{"version": 2, "name": "x"}', /may have version 1, but got 2\. Update/],
    ['without a name', '{"version": 1}', /must hold a name/],
    ['something else', 'null', /must hold a name/],
  ])('refuses a configuration that is %s', async (_, text, message) => {
    const path = freshFolder();
    mkdirSync(join(path, '.trainyard'));
    writeFileSync(join(path, '.trainyard/config.json'), text);
    await expect(Workspace.open({ path, databaseUrl })).rejects.toThrow(message);
    expect(existsSync(join(path, '.trainyard/workspace.db'))).toBe(false);
  });

  it('looks experiments up by name', async () => {
    await using workspace = await Workspace.create({ path: freshFolder(), databaseUrl });
    expect(await workspace.experiments.has('udacity-project')).toBe(false);
    await expect(workspace.experiments.get('x')).rejects.toThrow(DataError);
    for (const name of ['udacity-project', `Ünï "q" <i> '; --`]) {
      await (await new Experiment(workspace, name).startLogging()).complete();
    }
    expect(await workspace.experiments.keys()).toEqual(['udacity-project', `Ünï "q" <i> '; --`]);
    expect((await workspace.experiments.get('udacity-project')).name).toBe('udacity-project');
    await expect(workspace.experiments.get('x')).rejects.toThrow(/There are: "udacity-project"/);
    const names: string[] = [];
    for await (const { name } of workspace.experiments) names.push(name);
    expect(names).toHaveLength(2);
  });
});

describe('compute targets of a workspace', () => {
  const closed: string[] = [];
  registerComputeType('recorded', (name, settings) => ({
    name,
    type: 'recorded',
    settings: { minNodes: 0, maxNodes: 1, idleSeconds: 0, ...settings },
    submit: () => {
      throw new Error('not asked for here');
    },
    status: () => ({ nodes: 0, busy: 0, queued: 0 }),
    waitForCompletion: async () => {},
    close: async () => {
      closed.push(name);
    },
  }));

  it('are kept with their settings for other processes, and closed with the workspace', async () => {
    const path = freshFolder();
    const first = await Workspace.create({ path, databaseUrl });
    const settings = { minNodes: 1, maxNodes: 4, idleSeconds: 120 };
    const made = await ComputeTarget.create(first, 'project-compute', { type: 'recorded', ...settings });
    expect(await ComputeTarget.get(first, 'project-compute')).toBe(made);
    await using second = await Workspace.open({ path, databaseUrl });
    expect(await second.computeTargets.keys()).toEqual(['local', 'project-compute']);
    expect((await ComputeTarget.get(second, 'project-compute')).settings).toEqual(settings);
    expect(await second.computeTargets.has('other')).toBe(false);
    await expect(ComputeTarget.get(second, 'project-computer')).rejects.toThrow(
      /Did you mean "project-compute"/,
    );
    await first.close();
    expect(closed).toEqual(['project-compute']);
    await second.computeTargets.delete('project-compute');
    await expect(ComputeTarget.get(second, 'project-compute')).rejects.toThrow(DataError);
  });

  it('are this machine unless told otherwise, with or without a name', async () => {
    await using workspace = await Workspace.create({ path: freshFolder(), databaseUrl });
    const local = await ComputeTarget.get(workspace, 'local');
    expect([local.name, local.type]).toEqual(['local', 'local']);
    const named = await ComputeTarget.create(workspace, 'small', { maxNodes: 1, idleSeconds: 0 });
    const work = join(folder, 'double.mjs');
    writeFileSync(work, 'export default (input) => 2 * input;');
    expect(await named.submit({ name: 'double', module: work, input: 21 }).result).toBe(42);
    const names: string[] = [];
    for await (const { name } of workspace.computeTargets) names.push(name);
    expect(names).toEqual(['local', 'small']);
  });

  it('refuse names that are no files and settings that no target can meet', async () => {
    await using workspace = await Workspace.create({ path: freshFolder(), databaseUrl });
    for (const name of ['', '../x', 'a b', 'x'.repeat(64)]) {
      await expect(ComputeTarget.create(workspace, name)).rejects.toThrow(/name must be 1 to 63/);
    }
    await expect(
      ComputeTarget.create(workspace, 'x', { minNodes: -1, maxNodes: 0, idleSeconds: Number.NaN }),
    ).rejects.toThrow(/minNodes from 0.*maxNodes from 1.*idleSeconds from 0/);
    await expect(ComputeTarget.create(workspace, 'x', { minNodes: 2, maxNodes: 1 })).rejects.toThrow(
      /minNodes up to maxNodes 1, but got 2/,
    );
    await expect(ComputeTarget.create(workspace, 'x', { type: 'moon' })).rejects.toThrow(/the type must be/);
  });
});
