import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { DataError } from '#core';
import type { Workspace } from '#workspace';
import { jsonText } from './json-text.ts';
import { portNumber } from './parse-options.ts';
import type { Terminal } from './terminal.ts';
import { withWorkspace } from './with-workspace.ts';

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly token: boolean;
  readonly json?: boolean;
}

/** `trainyard serve` */
export function serveCommand(terminal: Terminal): Command {
  return new Command('serve')
    .description("Score rows with a model over HTTP, in the form of Azure ML's online endpoints.")
    .argument('<model>', 'ONNX file, or a registered model as name:version or name@alias')
    .option('--host <address>', 'to listen at; one that others can reach needs --token', '127.0.0.1')
    .option('--port <n>', 'to listen at, 0 for any free one', portNumber, 5001)
    .option('--token', 'ask for a token of the workspace with scope score', false)
    .option('--json', 'say where it listens as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard serve model.onnx
  $ trainyard serve bank@champion --token --host 0.0.0.0
  $ curl -H 'Content-Type: application/json' http://127.0.0.1:5001/score \\
      -d '{"Inputs":{"data":[{"age":40}]},"GlobalParameters":{"method":"predict"}}'

Ctrl-C ends it once running requests have been answered.`,
    )
    .action(async (model: string, flags: ServeFlags) => {
      const isFile = existsSync(model);
      if (isFile && !flags.token) return serve(terminal, model, flags);
      await withWorkspace((workspace) => serve(terminal, model, flags, workspace));
    });
}

async function serve(
  terminal: Terminal,
  model: string,
  { host, port, token, json }: ServeFlags,
  workspace?: Workspace,
): Promise<void> {
  const { createScoringServer } = await import('#serve');
  const source =
    existsSync(model) || workspace === undefined ? { model } : await registered(workspace, model);
  const tokens = token && workspace !== undefined ? { tokens: workspace.store } : {};
  const server = await createScoringServer({ ...source, ...tokens, host, port });
  try {
    terminal.out(
      json ? jsonText({ url: server.url, port: server.port, model }) : `${model} at ${server.url}/score.`,
    );
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  } finally {
    await server.close();
  }
}

async function registered(
  workspace: Workspace,
  text: string,
): Promise<{ model: Uint8Array; modelVersion: string }> {
  const [, name, version, alias] = /^(.+?)(?::(\d+)|@(.+))?$/.exec(text) ?? [];
  const { Model } = await import('#workspace');
  if (name === undefined)
    throw new DataError('serve: a model must be named, but is not. Give a file or name:version.');
  const found = await Model.get(workspace, name, version === undefined ? alias : Number(version));
  const parts: Buffer[] = [];
  for await (const part of await found.open()) parts.push(part as Buffer);
  return { model: Buffer.concat(parts), modelVersion: `${found.name}:${found.version}` };
}
