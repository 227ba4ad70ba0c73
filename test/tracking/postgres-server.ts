import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Folder of the server's programs, or `undefined` where it is not installed. */
export const postgresBin = findPrograms();

/** A PostgreSQL server of one test file: its own folder, port and password. */
export class PostgresServer {
  private readonly bin: string;
  private readonly folder: string;
  private readonly port: number;
  private readonly password: string;
  private readonly user: { uid?: number; gid?: number };
  private process: ChildProcess | undefined;

  private constructor(bin: string, folder: string, port: number, password: string) {
    this.bin = bin;
    this.folder = folder;
    this.port = port;
    this.password = password;
    this.user = serverUser();
  }

  static async start(): Promise<PostgresServer> {
    if (postgresBin === undefined) throw new Error('PostgreSQL is not installed');
    const folder = mkdtempSync(join(tmpdir(), 'trainyard-postgres-'));
    const password = randomBytes(12).toString('hex');
    const server = new PostgresServer(postgresBin, folder, await freePort(), password);
    server.create();
    await server.launch();
    process.once('exit', () => server.process?.kill('SIGQUIT'));
    return server;
  }

  /** Address of a database, made when it is not there. */
  async database(name: string): Promise<string> {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: this.address('postgres') });
    await client.connect();
    try {
      const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
      if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
    } finally {
      await client.end();
    }
    return this.address(name);
  }

  address(database: string): string {
    return `postgres://tester:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Ends the server, at once as a crash would (SIGQUIT) or by closing connections (SIGINT), and starts it again. */
  async restart(signal: 'SIGQUIT' | 'SIGINT' = 'SIGINT'): Promise<void> {
    await this.halt(signal);
    await this.launch();
  }

  async halt(signal: 'SIGQUIT' | 'SIGINT' = 'SIGINT'): Promise<void> {
    const server = this.process;
    if (server === undefined) return;
    this.process = undefined;
    const closed = once(server, 'close');
    server.kill(signal);
    await closed;
  }

  async launch(): Promise<void> {
    const data = join(this.folder, 'data');
    const options = ['-D', data, '-p', String(this.port), '-k', this.folder, '-h', '127.0.0.1'];
    const server = spawn(join(this.bin, 'postgres'), options, {
      ...this.user,
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.process = server;
    let said = '';
    server.stderr.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-4000);
    });
    while (!said.includes('ready to accept connections')) {
      if (server.exitCode !== null) throw new Error(`PostgreSQL did not start: ${said}`);
      await setTimeout(10);
    }
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private create(): void {
    const { uid, gid } = this.user;
    const secret = join(this.folder, 'password');
    writeFileSync(secret, this.password);
    chmodSync(this.folder, 0o700);
    if (uid !== undefined && gid !== undefined) {
      chownSync(this.folder, uid, gid);
      chownSync(secret, uid, gid);
    }
    const login = ['-U', 'tester', '--auth', 'scram-sha-256', '--pwfile', secret];
    const options = ['-D', join(this.folder, 'data'), '--encoding', 'UTF8', '--locale', 'C', '--no-sync'];
    execFileSync(join(this.bin, 'initdb'), [...login, ...options], {
      ...this.user,
      cwd: this.folder,
      stdio: 'pipe',
    });
  }
}

function findPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root)
    ? readdirSync(root).sort((a, b) => Number.parseFloat(b) - Number.parseFloat(a))
    : [];
  const folders = [
    ...versions.map((version) => join(root, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** The server refuses to run as root: then it is the user that Debian makes for it, or nobody. */
function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString());
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // Not on this system.
    }
  }
  throw new Error('there is no user to run PostgreSQL as');
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
