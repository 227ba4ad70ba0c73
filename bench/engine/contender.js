/** A contender as a child process that times steps when it is told to. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** The environment without workarounds for old OpenBLAS builds, which slow a current one down. */
export function withoutBlasSettings() {
  const { OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, ...rest } = process.env;
  return rest;
}

export class Contender {
  /**
   * @param {string} name
   * @param {string} command
   * @param {string[]} args
   * @param {Record<string, string>} [env]
   */
  constructor(name, command, args, env = {}) {
    this.name = name;
    /** @type {number[]} */
    this.samples = [];
    /** @type {Record<string, any>} */
    this.summary = {};
    this.child = spawn(command, [...args, '--serve'], {
      env: { ...withoutBlasSettings(), ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.child.on('error', () => {});
  }

  /** @returns {Promise<Record<string, any> | undefined>} the next line, undefined when it has ended */
  async next() {
    const { value, done } = await this.lines.next();
    return done ? undefined : JSON.parse(value);
  }

  /** Waits for it. @returns {Promise<boolean>} whether it is there */
  async start() {
    const hello = await this.next().catch(() => undefined);
    this.hello = hello ?? {};
    return hello?.ready === true;
  }

  /** @param {number} steps */
  async run(steps) {
    this.child.stdin.write(`run ${steps}\n`);
    const reply = await this.next();
    this.samples.push(...(reply?.milliseconds ?? []));
  }

  async stop() {
    this.child.stdin.end();
    this.summary = (await this.next().catch(() => undefined)) ?? {};
    this.child.kill();
  }

  get median() {
    const sorted = [...this.samples].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }

  /** Quartiles over the median: how much the times spread. */
  get spread() {
    const sorted = [...this.samples].sort((a, b) => a - b);
    return [0.25, 0.75].map((share) => sorted[Math.floor(share * (sorted.length - 1))] / this.median);
  }
}

/**
 * Runs contenders in turns, so that all see the machine in the same states.
 * @param {Contender[]} contenders
 * @param {{ rounds: number, steps: number }} how
 * @returns {Promise<Contender[]>} those that were there
 */
export async function race(contenders, { rounds, steps }) {
  const present = [];
  for (const contender of contenders) if (await contender.start()) present.push(contender);
  for (let round = 0; round < rounds; round++) {
    for (const contender of present) await contender.run(steps);
  }
  for (const contender of present) await contender.stop();
  return present;
}

/** The one with the least median. @param {Contender[]} contenders */
export const fastest = (contenders) =>
  contenders.reduce((best, each) => (each.median < best.median ? each : best));
