import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ComputeSettings, LocalCompute, type ComputeTarget as Target } from '#compute';
import { ConfigError, DataError, nearestName, UnsupportedError } from '#core';
import type { Lookup } from './lookup.ts';
import type { Workspace } from './workspace.ts';

/** What is kept of a compute target. */
export interface ComputeDescription extends ComputeSettings {
  readonly name: string;
  /** `local`, or the kind of a cluster. */
  readonly type: string;
}

/** Makes a target of one type from what was kept of it. */
export type ComputeFactory = (name: string, settings: ComputeSettings) => Target;

const factories = new Map<string, ComputeFactory>([
  ['local', (name, settings) => new LocalCompute(name, settings)],
]);

/** This machine with its default settings, which every workspace has without being told. */
const local: ComputeDescription = { name: 'local', type: 'local' };

/** Teaches workspaces another type of compute target, such as a cluster. */
export function registerComputeType(type: string, factory: ComputeFactory): void {
  factories.set(type, factory);
}

/** Compute targets of a workspace by name. One file each, so that two processes do not undo each other's. */
export class ComputeTargets implements Lookup<Target> {
  private readonly folder: string;
  private readonly started = new Map<string, Target>();

  constructor(folder: string) {
    this.folder = folder;
  }

  async has(name: string): Promise<boolean> {
    return (await this.find(name)) !== undefined;
  }

  async get(name: string): Promise<Target> {
    const description = await this.find(name);
    if (description === undefined) {
      const names = await this.keys();
      const near = nearestName(name, names);
      throw new DataError(
        `ComputeTarget.get: the target must exist, but got ${JSON.stringify(name)}. ${near === undefined ? `There are: ${names.join(', ')}; make one with ComputeTarget.create.` : `Did you mean "${near}"?`}`,
        { name },
      );
    }
    return this.start(description);
  }

  /** What is kept of a target, without starting it. */
  async find(name: string): Promise<ComputeDescription | undefined> {
    try {
      return JSON.parse(await readFile(this.fileOf(name), 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return name === local.name ? local : undefined;
      if (error instanceof ConfigError) throw error;
      throw new ConfigError(
        `ComputeTarget.get: ${this.fileOf(name)} must be readable JSON, but got: ${(error as Error).message}. Remove it and create the target again.`,
        { name },
      );
    }
  }

  async keys(): Promise<readonly string[]> {
    const files = await readdir(this.folder).catch(() => []);
    const names = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5));
    return [...new Set([local.name, ...names])].sort();
  }

  /** Keeps a target's settings; those it had are replaced. @throws ConfigError that names all faults */
  async create(name: string, { type = 'local', ...settings }: ComputeSettings & { type?: string } = {}) {
    checkSettings(settings);
    const description: ComputeDescription = { name, type, ...settings };
    const file = this.fileOf(name);
    await mkdir(this.folder, { recursive: true });
    const temporary = `${file}.${randomUUID()}`;
    await writeFile(temporary, `${JSON.stringify(description, null, 2)}\n`);
    await rename(temporary, file);
    await this.started.get(name)?.close();
    this.started.delete(name);
    return this.start(description);
  }

  /** Ends its workers and forgets it. What is not there is no error. */
  async delete(name: string): Promise<void> {
    await this.started.get(name)?.close();
    this.started.delete(name);
    await rm(this.fileOf(name), { force: true });
  }

  /** Ends the workers of all targets that this process has started. */
  async close(): Promise<void> {
    const targets = [...this.started.values()];
    this.started.clear();
    await Promise.all(targets.map((target) => target.close()));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Target> {
    for (const name of await this.keys()) yield await this.get(name);
  }

  private start({ name, type, ...settings }: ComputeDescription): Target {
    const present = this.started.get(name);
    if (present !== undefined) return present;
    const factory = factories.get(type);
    if (factory === undefined) {
      throw new UnsupportedError(
        `ComputeTarget: the type must be ${[...factories.keys()].join(', ') || 'registered'}, but got ${JSON.stringify(type)}. Call registerComputeType first.`,
        { name, type },
      );
    }
    const target = factory(name, settings);
    this.started.set(name, target);
    return target;
  }

  private fileOf(name: string): string {
    if (!/^[a-z0-9][a-z0-9_-]{0,62}$/i.test(name)) {
      throw new ConfigError(
        `ComputeTarget: name must be 1 to 63 letters, digits, '-' and '_', but got ${JSON.stringify(name)}. Use project-compute.`,
        { name },
      );
    }
    return join(this.folder, `${name}.json`);
  }
}

/** A place where jobs run, as Azure ML's class of that name; see `ComputeTarget` of `trainyard/compute`. */
export type ComputeTarget = Target;

export const ComputeTarget = {
  /** A target of a workspace. @throws DataError when there is none of that name */
  get: (workspace: Workspace, name: string): Promise<Target> => workspace.computeTargets.get(name),

  /** Keeps a target under a name; `local` unless another type was registered. One that is there gets the settings. */
  create: (
    workspace: Workspace,
    name: string,
    settings?: ComputeSettings & { type?: string },
  ): Promise<Target> => workspace.computeTargets.create(name, settings),
};

function checkSettings({ minNodes = 0, maxNodes, idleSeconds = 0 }: ComputeSettings): void {
  const faults: string[] = [];
  if (!Number.isSafeInteger(minNodes) || minNodes < 0) faults.push(`minNodes from 0, but got ${minNodes}`);
  if (maxNodes !== undefined) {
    if (!Number.isSafeInteger(maxNodes) || maxNodes < 1) faults.push(`maxNodes from 1, but got ${maxNodes}`);
    else if (minNodes > maxNodes) faults.push(`minNodes up to maxNodes ${maxNodes}, but got ${minNodes}`);
  }
  if (!(idleSeconds >= 0)) faults.push(`idleSeconds from 0, but got ${idleSeconds}`);
  if (faults.length === 0) return;
  throw new ConfigError(
    `ComputeTarget.create: the settings must be ${faults.join('; ')}. Use { minNodes: 0, maxNodes: 4, idleSeconds: 120 }.`,
    { faults },
  );
}
