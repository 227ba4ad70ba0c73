import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openStore } from '#tracking';
import { createScoringServer } from '../scoring/create-scoring-server.ts';
import { checkToken, createToken, getAuthenticationHeader } from './token.ts';

const root = mkdtempSync(join(tmpdir(), 'trainyard-token-'));
const store = await openStore({ root, url: '' });
afterAll(async () => {
  await store.close();
  rmSync(root, { recursive: true, force: true });
});
const check = (text: string | undefined) =>
  checkToken(store, text === undefined ? undefined : `Bearer ${text}`, 'score');

test('a public host is refused as long as there is no token', async () => {
  const server = createScoringServer({ model: 'none.onnx', host: '0.0.0.0', port: 0, tokens: store });
  await expect(server).rejects.toThrow(/needs a token, but got 0\.0\.0\.0 and none/);
});

test('a token opens what its scopes name, and admin everything', async () => {
  for (const scope of ['score', 'admin'] as const) {
    const { text } = await createToken(store, { name: scope, scopes: [scope] });
    expect(text).toMatch(/^ty_[\w-]{43}$/);
    expect(await check(text)).toBeUndefined();
  }
});

test('no token, an unknown, expired, revoked and too narrow one are told apart', async () => {
  expect(await check(undefined)).toMatchObject({
    statusCode: 401,
    message: expect.stringMatching(/must be given/),
  });
  expect(await check('ty_wrong')).toMatchObject({
    statusCode: 401,
    message: expect.stringMatching(/must be known/),
  });
  const narrow = await createToken(store, { name: 'reader', scopes: ['read'] });
  expect(await check(narrow.text)).toMatchObject({
    statusCode: 403,
    message: expect.stringMatching(/scope score, but has read/),
  });
  const revoked = await createToken(store, { name: 'old', scopes: ['score'] });
  await store.revokeToken(revoked.record.id);
  expect(await check(revoked.text)).toMatchObject({
    statusCode: 401,
    message: expect.stringMatching(/revoked/),
  });
  const brief = await createToken(store, { name: 'brief', scopes: ['score'], expiresInSeconds: 0.001 });
  await expect.poll(async () => (await check(brief.text))?.message).toMatch(/expired/);
});

test('the store holds no text of a token', async () => {
  const { text, record } = await createToken(store, { name: 'kept', scopes: ['read'] });
  expect(JSON.stringify([record, await store.listTokens()])).not.toContain(text);
});

test('scopes must be known, and at least one', async () => {
  await expect(createToken(store, { name: 'x', scopes: [] })).rejects.toThrow(/but got none/);
});

test('the header of a call carries the token', () => {
  expect(getAuthenticationHeader({ token: 'ty_x' })).toEqual({ Authorization: 'Bearer ty_x' });
  expect(() => getAuthenticationHeader({ token: '' })).toThrow(/a token must be given/);
});
