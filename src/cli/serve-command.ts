import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { ConfigError } from '#core';
import type { ScoringServer } from '#serve';
import type { Workspace } from '#workspace';
import { jsonText } from './json-text.ts';
import { portNumber } from './parse-options.ts';
import type { Terminal } from './terminal.ts';
import { withWorkspace } from './with-workspace.ts';

/** Between two looks at what an alias points at. */
const FOLLOW_MS = 2000;

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly token: boolean;
  readonly json?: boolean;
}

/** `trainyard serve` */
export function serveCommand(terminal: Terminal): Command {
  return new Command('serve')
    .description("Score rows or pictures with a model over HTTP, in the form of Azure ML's online endpoints.")
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

Classifiers of pictures take forms with one or more files, a picture as the body, or base64 in JSON:
  $ trainyard serve bird.onnx
  $ curl -F image=@photo.jpg -F image=@other.png http://127.0.0.1:5001/score
  $ curl -H 'Content-Type: image/jpeg' --data-binary @photo.jpg http://127.0.0.1:5001/score

Ctrl-C ends it once running requests have been answered.`,
    )
    .action(async (model: string, flags: ServeFlags) => {
      const isFile = existsSync(model);
      if (!isFile && /\.onnx$|[/\\]/i.test(model)) {
        throw new ConfigError(
          `serve: MODEL must be a file or a registered model, but "${model}" does not exist. Check the path.`,
          { model },
        );
      }
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
  const isRegistered = !existsSync(model) && workspace !== undefined;
  const source = isRegistered ? await registered(workspace, model) : { model };
  const tokens = token && workspace !== undefined ? { tokens: workspace.store } : {};
  const server = await createScoringServer({ ...source, ...tokens, host, port });
  const following = isRegistered ? follow(terminal, workspace, model, server) : undefined;
  try {
    terminal.out(
      json ? jsonText({ url: server.url, port: server.port, model }) : `${model} at ${server.url}/score.`,
    );
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  } finally {
    await following?.stop();
    await server.close();
  }
}

/** Serves the version that an alias points at, whenever that changes. */
function follow(
  terminal: Terminal,
  workspace: Workspace,
  model: string,
  server: ScoringServer,
): { stop(): Promise<void> } {
  let served: string | undefined;
  let looking = Promise.resolve();
  const look = async (): Promise<void> => {
    const { Model } = await import('#workspace');
    const { name, version } = parseReference(model);
    const found = await Model.get(workspace, name, version);
    const current = `${found.name}:${found.version}`;
    if (served !== undefined && served !== current) {
      const next = await registered(workspace, model);
      await server.swap(next.model, next.modelVersion);
      terminal.note(`Now serving ${next.modelVersion}.`);
    }
    served = current;
  };
  const timer = setInterval(() => {
    // A store that is away for a moment, or an alias that is, is asked again; what is served stays.
    looking = looking.then(look).catch((error: unknown) => {
      terminal.note(`serve: ${error instanceof Error ? error.message : String(error)}`);
    });
  }, FOLLOW_MS);
  looking = look().catch(() => {});
  return {
    stop: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}

/** `name`, `name:version`, `name:alias` or `name@alias`. */
function parseReference(text: string): { name: string; version: number | string | undefined } {
  const [, name = text, version] = /^(.+?)[:@]([^:@]+)$/.exec(text) ?? [];
  return { name, version: version !== undefined && /^\d+$/.test(version) ? Number(version) : version };
}

async function registered(
  workspace: Workspace,
  text: string,
): Promise<{ model: Uint8Array; modelVersion: string }> {
  const { Model } = await import('#workspace');
  const { name, version } = parseReference(text);
  const found = await Model.get(workspace, name, version);
  const parts: Buffer[] = [];
  for await (const part of await found.open()) parts.push(part as Buffer);
  return { model: Buffer.concat(parts), modelVersion: `${found.name}:${found.version}` };
}
