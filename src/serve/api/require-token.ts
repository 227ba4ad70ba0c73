import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { FastifyReply } from 'fastify';
import { ConfigError } from '#core';
import type { TokenScope, TokenStore } from '#tracking';
import { checkToken } from '../auth/token.ts';
import type { ApiApp } from './api-app.ts';
import { RequestError } from './request-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a token must be allowed to call the route; without it nobody is asked for one. */
    scope?: TokenScope;
  }
}

const MINUTE_MS = 60_000;
/** Tokens that are wrong, a minute and address: enough for somebody who mistypes, too few to search. */
const MAX_REFUSALS = 60;
const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** @throws ConfigError for an address that others can reach while there is no token that could let only some in */
export async function refusePublicHost(store: TokenStore, host: string): Promise<void> {
  if (loopback.has(host)) return;
  const tokens = await store.listTokens();
  if (tokens.some((token) => token.revokedAt === null)) return;
  throw new ConfigError(
    `createServer: a host that others can reach needs a token, but got ${host} and none. Make one with \`trainyard token create --scope read\`, or listen at 127.0.0.1.`,
    { host },
  );
}

/**
 * Refuses requests to routes with a scope unless they carry a token that has it, and callers who ask too often; sets
 * the headers that keep browsers from doing what they should not.
 */
export async function requireToken(
  app: ApiApp,
  store: TokenStore,
  { requestsPerMinute }: { readonly requestsPerMinute: number },
): Promise<void> {
  await app.register(helmet, {
    // Plain HTTP, as behind a proxy: who adds TLS adds this.
    strictTransportSecurity: false,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
  });
  await app.register(rateLimit, { global: false });
  const limitRequests = app.createRateLimit({ max: requestsPerMinute, timeWindow: MINUTE_MS });
  const limitRefusals = app.createRateLimit({ max: MAX_REFUSALS, timeWindow: MINUTE_MS });
  app.addHook('onRequest', async (request, reply) => {
    const all = await limitRequests(request);
    if (!all.isAllowed && all.isExceeded) refuse(reply, requestsPerMinute, all.ttlInSeconds);
    const { scope } = request.routeOptions.config;
    if (scope === undefined) return;
    const refusal = await checkToken(store, request.headers.authorization, scope);
    if (refusal === undefined) return;
    if (refusal.statusCode === 401) {
      reply.header('www-authenticate', 'Bearer');
      const refused = request.headers.authorization === undefined ? undefined : await limitRefusals(request);
      if (refused?.isAllowed === false && refused.isExceeded) {
        refuse(reply, MAX_REFUSALS, refused.ttlInSeconds);
      }
    }
    throw new RequestError(refusal.statusCode, refusal.message);
  });
}

/** @throws RequestError 429 */
function refuse(reply: FastifyReply, max: number, seconds: number): never {
  reply.header('retry-after', String(seconds));
  throw new RequestError(
    429,
    `server: an address may ask ${max} times a minute, but asked more often. Wait ${seconds} seconds.`,
  );
}
