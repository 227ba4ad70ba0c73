import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { ConfigError, DataError } from '#core';
import { checkName, checkText } from '../check-fields.ts';
import type { TokenRecord, TokenScope } from '../records.ts';
import type { TokenStore } from '../store.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

type Row = Omit<Selectable<Schema['tokens']>, 'seq' | 'hash'>;

const scopes: readonly TokenScope[] = ['read', 'submit', 'score', 'admin'];

export function tokenStore(database: Database): TokenStore {
  return {
    createToken: (token) => createToken(database, token),
    findTokenByHash: async (hash) => {
      const row = await database.read('findTokenByHash', (db) =>
        db
          .selectFrom('tokens')
          .selectAll()
          .where('hash', '=', checkText('token hash', hash, 500))
          .executeTakeFirst(),
      );
      return row && toRecord(row);
    },
    listTokens: async () => {
      const rows = await database.read('listTokens', (db) =>
        db.selectFrom('tokens').selectAll().orderBy('seq').execute(),
      );
      return rows.map(toRecord);
    },
    revokeToken: (id) => revokeToken(database, id),
  };
}

async function createToken(
  database: Database,
  token: Parameters<TokenStore['createToken']>[0],
): Promise<TokenRecord> {
  const unknown = token.scopes.find((scope) => !scopes.includes(scope));
  if (unknown !== undefined || token.scopes.length === 0) {
    throw new ConfigError(
      `token scopes: must be some of ${scopes.join(', ')}, but got ${unknown ?? 'none'}. Name what it is for.`,
    );
  }
  if (token.expiresAt !== null && Number.isNaN(Date.parse(token.expiresAt))) {
    throw new ConfigError(
      `token expiresAt: must be a time in ISO 8601, but got ${JSON.stringify(token.expiresAt)}. Write 2030-12-31T00:00:00Z.`,
    );
  }
  const row = {
    id: randomUUID(),
    name: checkName('token name', token.name),
    hash: checkName('token hash', token.hash),
    scopes_json: JSON.stringify(token.scopes),
    created_at: database.clock(),
    expires_at: token.expiresAt,
    revoked_at: null,
  };
  await database.write('createToken', ({ db }) => db.insertInto('tokens').values(row).execute());
  return toRecord(row);
}

/** Revoking twice keeps the first time. */
async function revokeToken(database: Database, id: string): Promise<void> {
  checkText('token id', id, 500);
  await database.write('revokeToken', async ({ db }) => {
    const row = await db.selectFrom('tokens').select('revoked_at').where('id', '=', id).executeTakeFirst();
    if (row === undefined) {
      const rows = await db.selectFrom('tokens').select('id').orderBy('seq', 'desc').limit(5).execute();
      throw new DataError(
        `token: must exist, but got ${JSON.stringify(id)}. Newest are: ${rows.map((other) => other.id).join(', ') || 'none'}.`,
        { id },
      );
    }
    if (row.revoked_at !== null) return;
    await db.updateTable('tokens').set({ revoked_at: database.clock() }).where('id', '=', id).execute();
  });
}

function toRecord(row: Row): TokenRecord {
  return {
    id: row.id,
    name: row.name,
    scopes: JSON.parse(row.scopes_json),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}
