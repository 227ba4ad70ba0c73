import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { main } from '#cli';

export const program = fileURLToPath(new URL('../../bin/trainyard.js', import.meta.url));

/** Options of a search that takes a second. */
export const quick = '--max-trials 2 --folds 2 --concurrency 1 --no-ensembles --no-importance'.split(' ');

export interface Finished {
  /** Exit code, or the name of the signal that ended the process. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly pid: number;
  readonly finished: Promise<Finished>;
  /** Resolves when standard error holds the text. */
  waitFor(text: string | RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `trainyard …` in a folder as a process of its own, from what `npm run build` made. */
export function startTrainyard(folder: string, args: readonly string[]): Started {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting: { text: string | RegExp; resolve: () => void }[] = [];
  const seen = (text: string | RegExp) =>
    typeof text === 'string' ? stderr.includes(text) : text.test(stderr);
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
    for (const { text: wanted, resolve } of waiting) if (seen(wanted)) resolve();
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? String(signal), stdout, stderr }));
  });
  return {
    pid: child.pid as number,
    finished,
    waitFor: (text) =>
      new Promise((resolve, reject) => {
        if (seen(text)) resolve();
        waiting.push({ text, resolve });
        finished.then(() => reject(new Error(`ended without saying ${text}:\n${stderr}`)), reject);
      }),
    kill: (signal) => child.kill(signal),
  };
}

export function runTrainyard(folder: string, args: readonly string[]): Promise<Finished> {
  return startTrainyard(folder, args).finished;
}

/**
 * Runs `trainyard …` within the process of the tests, from the sources, with a folder as the current one. Saves the
 * start of a process where a test needs no process of its own.
 */
export async function callTrainyard(folder: string, args: readonly string[]): Promise<Finished> {
  const before = process.cwd();
  const written = { stdout: '', stderr: '' };
  const write = (to: 'stdout' | 'stderr') => (text: string) => {
    written[to] += text.endsWith('\n') ? text : `${text}\n`;
  };
  process.chdir(folder);
  try {
    const terminal = {
      out: write('stdout'),
      note: write('stderr'),
      interactive: false,
      width: 100,
      color: false,
    };
    return { code: await main(args, terminal), ...written };
  } finally {
    process.chdir(before);
  }
}

/** A folder for the tests of a file, removed after them. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * The run failed the way it should: a code other than 0, one line of error with these words in it, one line of help
 * after it, no stack, nothing on standard output.
 */
export function expectError({ code, stdout, stderr }: Finished, ...words: (string | RegExp)[]): void {
  const lines = stderr.trimEnd().split('\n');
  expect(lines.slice(-2)).toEqual([
    expect.stringMatching(/^error: .{20,600}$/),
    expect.stringMatching(/^See: trainyard( \w+)? --help$/),
  ]);
  expect(lines.filter((line) => line.startsWith('error:'))).toHaveLength(1);
  expect(stderr).not.toMatch(/^ +at /m);
  expect(stderr).not.toContain('This looks like a fault');
  for (const word of words) {
    if (typeof word === 'string') expect(lines.at(-2)).toContain(word);
    else expect(lines.at(-2)).toMatch(word);
  }
  expect(stdout).toBe('');
  expect([1, 2]).toContain(code);
}

/** Like {@link expectError}, and nothing was said before the error: it came before the work. */
export function expectErrorAtOnce(finished: Finished, ...words: (string | RegExp)[]): void {
  expectError(finished, ...words);
  expect(finished.stderr.trimEnd().split('\n')).toHaveLength(2);
}
