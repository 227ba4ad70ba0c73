import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

/**
 * A process of the built package, which Node runs without a test runner around it. It is given `--input-type=module`
 * text and arguments, from `process.argv[1]` on.
 */
export class NodeScript {
  readonly child: ChildProcess;
  /** What it printed so far. */
  output = '';
  complaint = '';
  private readonly closed: Promise<unknown>;

  constructor(text: string, args: readonly string[]) {
    const environment = { ...process.env, TRAINYARD_DATABASE_URL: '' };
    const flags = ['--input-type=module', '-e', text, ...args];
    this.child = spawn(process.execPath, flags, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.output += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.complaint += chunk.toString();
    });
    this.closed = once(this.child, 'close');
  }

  /** Waits until it printed the text. */
  async said(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`it ended early: ${this.output}${this.complaint}`);
      await setTimeout(2);
    }
  }

  /** Whole lines of what it printed. */
  lines(): readonly string[] {
    return this.output.split('\n').slice(0, -1);
  }

  /** Waits for its end and answers its exit code. */
  async ended(): Promise<number | null> {
    await this.closed;
    return this.child.exitCode;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.closed;
  }
}
