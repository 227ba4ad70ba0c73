/** What the notebook has from its surroundings: a folder, data, a workspace, a server with a token. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from 'trainyard/core';
import { generateBank, writeTable } from 'trainyard/data';
import { Workspace } from 'trainyard/workspace';

export interface NotebookOptions {
  readonly version: string;
  /** Where the workspace and what is downloaded lie. */
  readonly folder: string;
  /** CSV with the column `y`. */
  readonly data: string;
  readonly minutes: number;
}

/** Reads `--data FILE --minutes N --folder DIR`; without data, generates some. */
export async function parseNotebookOptions(defaults: { minutes: string }): Promise<NotebookOptions> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      minutes: { type: 'string', default: defaults.minutes },
      folder: { type: 'string', default: 'azure-automl' },
    },
  });
  const folder = resolve(values.folder);
  mkdirSync(folder, { recursive: true });
  const data = values.data === undefined ? join(folder, 'bank.csv') : resolve(values.data);
  if (!existsSync(data)) await writeTable(generateBank({ rows: 3000, seed: 1 }).table, data);
  return { version, folder, data, minutes: Number(values.minutes) };
}

/** The workspace of the folder, made the first time. */
export async function openWorkspace(folder: string): Promise<Workspace> {
  const isThere = existsSync(join(folder, '.trainyard', 'config.json'));
  return isThere
    ? Workspace.open({ path: folder })
    : Workspace.create({ path: folder, name: 'quick-starts-ws' });
}

/** `trainyard server` on a free port and a token for it, in `TRAINYARD_SERVER` and `TRAINYARD_TOKEN`. */
export async function startServer(folder: string): Promise<{ close(): Promise<void> }> {
  const cli = join(import.meta.dirname, '..', '..', '..', 'bin', 'trainyard.js');
  const server = spawn(process.execPath, [cli, 'server', '--port', '0', '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.env['TRAINYARD_SERVER'] = JSON.parse(await read(server.stdout)).url;
  const create = ['token', 'create', '--name', 'notebook', '--scope', 'read', '--scope', 'submit', '--json'];
  const token = spawn(process.execPath, [cli, ...create], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.env['TRAINYARD_TOKEN'] = JSON.parse(await read(token.stdout)).token;
  return {
    close: () =>
      new Promise((resolveClose) => {
        server.once('exit', () => resolveClose());
        if (!server.kill('SIGTERM')) resolveClose();
      }),
  };
}

/** One JSON document from the start of a stream, which goes on being read. */
function read(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolveText, reject) => {
    let text = '';
    stream.on('data', (chunk) => {
      text += chunk;
      try {
        JSON.parse(text);
        resolveText(text);
      } catch {
        // It goes on.
      }
    });
    stream.once('end', () => {
      reject(new Error(`A JSON document was expected, but got ${JSON.stringify(text)}.`));
    });
  });
}
