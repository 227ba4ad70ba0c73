import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError, RuntimeFailure } from '#core';

/** The folder of a workspace, and the file in it that says so. */
const WORKSPACE_FOLDER = '.trainyard';
const CONFIG_FILE = 'config.json';
const CONFIG_VERSION = 1;

/** What `config.json` holds. */
export interface WorkspaceConfig {
  readonly version: number;
  readonly name: string;
}

/** @throws ConfigError when there is a workspace already, or the name is empty or too long */
export async function createConfig(path: string, name?: string): Promise<{ root: string; name: string }> {
  const folder = resolve(path);
  const chosen = name ?? (basename(folder) || 'workspace');
  if (chosen.trim() === '' || chosen.length > 200) {
    throw new ConfigError(
      `Workspace.create: name must have 1 to 200 characters, but got ${chosen.length}. Choose another.`,
    );
  }
  const root = join(folder, WORKSPACE_FOLDER);
  const config: WorkspaceConfig = { version: CONFIG_VERSION, name: chosen };
  try {
    await mkdir(root, { recursive: true });
    await writeFile(join(root, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`, { flag: 'wx' });
    // Runs, models and copies of data are no source code.
    await writeFile(join(root, '.gitignore'), `*\n!${CONFIG_FILE}\n`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      throw new ConfigError(
        `Workspace.create: the folder must not have a workspace yet, but got ${root}. Use Workspace.open.`,
        { root },
      );
    }
    throw new RuntimeFailure(
      `Workspace.create: the folder must be writable, but got ${folder}: ${message}. Choose another.`,
      { root, cause: code },
      { cause: error },
    );
  }
  return { root, name: chosen };
}

/**
 * The nearest workspace at or above a folder.
 *
 * @throws ConfigError when there is none, or its configuration cannot be read
 */
export async function findConfig(path: string): Promise<{ root: string; name: string }> {
  const start = resolve(path);
  for (let folder = start; ; folder = dirname(folder)) {
    const root = join(folder, WORKSPACE_FOLDER);
    const isThere = await stat(join(root, CONFIG_FILE)).then(
      (facts) => facts.isFile(),
      () => false,
    );
    if (isThere) return { root, name: (await readConfig(join(root, CONFIG_FILE))).name };
    if (folder === dirname(folder)) break;
  }
  throw new ConfigError(
    `Workspace.open: ${WORKSPACE_FOLDER}/${CONFIG_FILE} must be in the folder or above it, but got ${start}, which has none. Make one with \`trainyard init\` or Workspace.create.`,
    { path: start },
  );
}

async function readConfig(file: string): Promise<WorkspaceConfig> {
  let found: unknown;
  try {
    found = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(
      `Workspace.open: ${file} must be readable JSON, but got: ${(error as Error).message}. Remove it and run \`trainyard init\`; runs and models stay.`,
      { file },
    );
  }
  const { version, name } = (found ?? {}) as Partial<Record<keyof WorkspaceConfig, unknown>>;
  if (typeof version === 'number' && version > CONFIG_VERSION) {
    throw new ConfigError(
      `Workspace.open: ${file} may have version ${CONFIG_VERSION}, but got ${version}. Update Trainyard.`,
      { file, version },
    );
  }
  if (typeof name !== 'string' || name === '') {
    throw new ConfigError(
      `Workspace.open: ${file} must hold a name, but got ${JSON.stringify(name) ?? 'none'}. Write { "version": 1, "name": "my-workspace" }.`,
      { file },
    );
  }
  return { version: CONFIG_VERSION, name };
}
