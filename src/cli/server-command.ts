import { setFlagsFromString } from 'node:v8';
import { Command } from 'commander';
import { jsonText } from './json-text.ts';
import { portNumber } from './parse-options.ts';
import type { Terminal } from './terminal.ts';
import { withWorkspace } from './with-workspace.ts';

interface ServerFlags {
  readonly host: string;
  readonly port: number;
  readonly json?: boolean;
}

/** `trainyard server` */
export function serverCommand(terminal: Terminal): Command {
  return new Command('server')
    .description('Serve the workspace over HTTP: runs, artefacts, models, and published pipelines to start.')
    .option('--host <address>', 'to listen at; 127.0.0.1 can be reached from this machine only', '127.0.0.1')
    .option('--port <n>', 'to listen at, 0 for any free one', portNumber, 8000)
    .option('--json', 'say where it listens as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard server
  $ trainyard token create --scope submit --expires 30d
  $ curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8000/api/v1/runs

Ctrl-C ends it once running requests have been answered.`,
    )
    .action(({ host, port, json }: ServerFlags) => {
      // What loading leaves behind stays for as long as the server runs: a fifth less of it is worth a slower start.
      setFlagsFromString('--optimize-for-size');
      return withWorkspace(async (workspace) => {
        const [{ createServer }, { PipelineRunner }] = await Promise.all([
          import('#serve'),
          import('#pipeline'),
        ]);
        const pipelines = new PipelineRunner(workspace);
        const server = await createServer({ store: workspace.store, pipelines, host, port });
        setFlagsFromString('--no-optimize-for-size');
        try {
          if (json) terminal.out(jsonText({ url: server.url, port: server.port, workspace: workspace.root }));
          else
            terminal.out(`Workspace "${workspace.name}" at ${server.url}, described at ${server.url}/docs.`);
          await untilAskedToEnd();
        } finally {
          await server.close();
          await pipelines.close();
        }
      });
    });
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function untilAskedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(signal === 'SIGINT' ? 130 : 143);
      asked = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
