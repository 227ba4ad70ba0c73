import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { storeConformance } from '#testing';
import { openStore } from '#tracking';
import { PostgresServer, postgresBin } from './postgres-server.ts';

const root = mkdtempSync(join(tmpdir(), 'trainyard-store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the store on SQLite', () => {
  // An empty address overrides what the environment says.
  const cases = storeConformance(() => openStore({ root: join(root, 'sqlite'), url: '' }));
  for (const { name, run } of cases) it(name, run);
});

describe.skipIf(postgresBin === undefined)('the store on PostgreSQL', () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await PostgresServer.start();
    url = await server.database('conformance');
  });
  afterAll(() => server.stop());

  const cases = storeConformance(() => openStore({ root: join(root, 'postgresql'), url }));
  for (const { name, run } of cases) it(name, run);
});
