/** A file of 1 GB through `trainyard server`, up and down. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ownRow } from '../report.js';
import { runCommand, startCommand } from './start-command.js';

const MEGABYTES = 1000;
const CHUNK = 1 << 20;
const rateMust = 200;
const memoryMust = 150;

/** @returns {Promise<{ rows: object[], notes: string[] }>} */
export async function benchArtifacts() {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-artifact-bench-'));
  try {
    const file = join(folder, 'large.bin');
    writeLarge(file);
    runCommand(folder, 'init');
    const token = ['token', 'create', '--scope', 'read', '--scope', 'submit', '--json'];
    const authorization = `Bearer ${JSON.parse(runCommand(folder, ...token)).token}`;
    const server = await startCommand(folder, 'server', '--port', '0', '--json');
    const idle = server.peakMegabytes();
    const created = await fetch(`${server.url}/api/v1/runs`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ experimentName: 'bench' }),
    });
    const run = await created.json();
    const address = `${server.url}/api/v1/runs/${run.id}/artifacts/large.bin`;
    settleDisk();
    const up = await rate(async () => {
      const headers = { authorization, 'content-length': MEGABYTES * 1_000_000 };
      const call = request(address, { method: 'PUT', headers });
      const answered = answerTo(call);
      await pipeline(createReadStream(file, { highWaterMark: CHUNK }), call);
      (await answered).resume();
    });
    settleDisk();
    const returned = createHash('sha256');
    const down = await rate(async () => {
      const call = request(address, { headers: { authorization } });
      const answered = answerTo(call);
      call.end();
      for await (const part of await answered) returned.update(part);
    });
    const memory = server.peakMegabytes();
    await server.stop();
    const same = (await digest(file)) === returned.digest('hex');
    return {
      rows: [
        row('artifact-up', 'artefact of 1 GB, up', 'MB/s', up, `≥ ${rateMust}`, up >= rateMust && same),
        row(
          'artifact-down',
          'artefact of 1 GB, down',
          'MB/s',
          down,
          `≥ ${rateMust}`,
          down >= rateMust && same,
        ),
        row('artifact-memory', "the server's resident memory meanwhile", 'MB', memory, `≤ ${memoryMust}`, memory === null ? null : memory <= memoryMust), // biome-ignore format: a row
      ],
      notes: [
        `artefacts: the server had ${idle?.toFixed(0)} MB before; the file came back ${same ? 'as it was' : 'CHANGED'}`,
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes out what earlier parts left in the page cache, so that no part pays for another's writing. */
function settleDisk() {
  spawnSync('sync');
}

/** @param {import('node:http').ClientRequest} call */
function answerTo(call) {
  return new Promise((resolve, reject) => {
    call.once('error', reject);
    call.once('response', (response) => {
      if (response.statusCode < 300) resolve(response);
      else reject(new Error(`bench: the server answered ${response.statusCode}.`));
    });
  });
}

function writeLarge(file) {
  const part = Buffer.alloc(1_000_000);
  for (let i = 0; i < part.length; i++) part[i] = (i * 31 + (i >> 8)) & 255;
  const handle = openSync(file, 'w');
  for (let i = 0; i < MEGABYTES; i++) {
    part.writeUInt32LE(i, 0);
    writeSync(handle, part);
  }
  closeSync(handle);
}

async function rate(work) {
  const start = performance.now();
  await work();
  return MEGABYTES / ((performance.now() - start) / 1000);
}

async function digest(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

const row = (id, what, unit, ours, must, pass) => ownRow({ id, what, unit, ours, must, pass });
