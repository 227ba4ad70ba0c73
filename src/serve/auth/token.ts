import { createHash, randomBytes } from 'node:crypto';
import { ConfigError, timestamp } from '#core';
import type { TokenRecord, TokenScope, TokenStore } from '#tracking';

const tokenScopes: readonly TokenScope[] = ['read', 'submit', 'score', 'admin'];

export interface NewToken {
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  /** Seconds from now on; without it the token does not expire. */
  readonly expiresInSeconds?: number;
}

/**
 * Makes a bearer token of 256 random bits.
 *
 * @returns the text, which is kept nowhere and cannot be shown again, and the record
 * @throws ConfigError for an empty name, no or unknown scopes, or an expiry that is not above 0
 */
export async function createToken(
  store: TokenStore,
  { name, scopes, expiresInSeconds }: NewToken,
): Promise<{ text: string; record: TokenRecord }> {
  const unknown = scopes.filter((scope) => !tokenScopes.includes(scope));
  if (scopes.length === 0 || unknown.length > 0) {
    throw new ConfigError(
      `createToken: scopes must be of ${tokenScopes.join(', ')}, but got ${unknown.join(', ') || 'none'}. Name at least one.`,
      { scopes },
    );
  }
  if (name.trim() === '') throw new ConfigError('createToken: name must not be empty, but is. Name its use.');
  if (expiresInSeconds !== undefined && !(expiresInSeconds > 0 && expiresInSeconds <= 1e10)) {
    throw new ConfigError(
      `createToken: expiry must be above 0 seconds and below 300 years, but got ${expiresInSeconds}. Give e.g. 30d.`,
    );
  }
  const text = `ty_${randomBytes(32).toString('base64url')}`;
  const expiresAt =
    expiresInSeconds === undefined
      ? null
      : new Date(Date.parse(timestamp()) + expiresInSeconds * 1000).toISOString();
  const record = await store.createToken({
    name,
    hash: hashToken(text),
    scopes: [...new Set(scopes)],
    expiresAt,
  });
  return { text, record };
}

/**
 * What a store keeps of a token. A slow hash protects passwords, which can be guessed; 256 random bits cannot, so one
 * SHA-256 is enough. Looking up by the hash compares nothing of the secret itself, so its timing tells nothing of it.
 */
function hashToken(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Why a token may not do something: status and sentence. */
export interface TokenRefusal {
  readonly statusCode: 401 | 403;
  readonly message: string;
}

/** Checks an `Authorization` header. `admin` may do everything. @returns the refusal, if any */
export async function checkToken(
  store: TokenStore,
  header: string | undefined,
  scope: TokenScope,
): Promise<TokenRefusal | undefined> {
  const refuse = (statusCode: 401 | 403, message: string): TokenRefusal => ({ statusCode, message });
  const text = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  if (text === undefined)
    return refuse(
      401,
      'token: must be given as `Authorization: Bearer …`, but got none. Make one with `trainyard token create`.',
    );
  const token = await store.findTokenByHash(hashToken(text));
  if (token === undefined) return refuse(401, 'token: must be known here, but is not. Check its text.');
  if (token.revokedAt !== null)
    return refuse(401, `token: must not be revoked, but was at ${token.revokedAt}. Make another.`);
  if (token.expiresAt !== null && Date.parse(token.expiresAt) <= Date.parse(timestamp()))
    return refuse(401, `token: must not have expired, but did at ${token.expiresAt}. Make another.`);
  if (token.scopes.includes(scope) || token.scopes.includes('admin')) return undefined;
  return refuse(
    403,
    `token: must have scope ${scope}, but has ${token.scopes.join(', ')}. Make one with that scope.`,
  );
}

/**
 * Headers of a call to a server, as Azure ML's method of that name.
 *
 * @param options.token default the environment variable `TRAINYARD_TOKEN`
 * @throws ConfigError when there is none
 */
export function getAuthenticationHeader({
  token = process.env['TRAINYARD_TOKEN'],
}: {
  token?: string;
} = {}): {
  Authorization: string;
} {
  if (token === undefined || token === '') {
    throw new ConfigError(
      'getAuthenticationHeader: a token must be given, but TRAINYARD_TOKEN is not set. Make one with `trainyard token create`.',
    );
  }
  return { Authorization: `Bearer ${token}` };
}
