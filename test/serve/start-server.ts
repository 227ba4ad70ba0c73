import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/trainyard.js', import.meta.url));

/**
 * `trainyard server` as a process of its own, from what `npm run build` made.
 * @param database address of a PostgreSQL database, '' for SQLite
 */
export async function startServer(
  folder: string,
  database: string,
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [program, 'server', '--port', '0', '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TRAINYARD_DATABASE_URL: database },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  let stdout = '';
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    stdout += chunk;
    if (stdout.trimEnd().endsWith('}')) return { child, url: JSON.parse(stdout).url };
  }
  throw new Error(`the server did not start: ${stderr}`);
}

/** Resolves when the process is gone. */
export async function endServer(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill(signal);
  await closed;
}
