/** Starts `trainyard` commands that listen, as a user does. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../bin/trainyard.js', import.meta.url));

/** @param {string} cwd @param {string[]} args @returns {string} what it printed */
export const runCommand = (cwd, ...args) =>
  execFileSync(process.execPath, [cli, ...args], { cwd, stdio: ['ignore', 'pipe', 'ignore'] }).toString();

/**
 * @param {string} cwd
 * @param {string[]} args of a command that prints `{ url }` as JSON
 */
export async function startCommand(cwd, ...args) {
  const child = spawn(process.execPath, [cli, ...args], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      try {
        resolve(JSON.parse(text).url);
      } catch {
        // It goes on.
      }
    });
    child.once('exit', (code) => reject(new Error(`bench: ${args[0]} ended with status ${code}.`)));
  });
  return {
    url,
    /** Most resident memory so far in MB, where the system tells. */
    peakMegabytes() {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
      } catch {
        return null;
      }
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}
