import { createHash } from 'node:crypto';
import { timestamp } from '#core';
import type { TokenScope } from '#tracking';
import type { ApiApp, ApiContext } from './api-app.ts';
import { RequestError } from './request-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a token must be allowed to call the route. */
    scope?: TokenScope;
  }
}

/** Refuses requests to routes with a scope unless they carry a token that has it. */
export function requireToken(app: ApiApp, { store }: ApiContext): void {
  app.addHook('onRequest', async (request) => {
    const scope = request.routeOptions.config.scope;
    if (scope === undefined) return;
    const secret = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (secret === undefined) throw new RequestError(401, 'token: must be given, but got none.');
    const hash = createHash('sha256').update(secret).digest('hex');
    const token = await store.findTokenByHash(hash);
    if (token === undefined || token.revokedAt !== null)
      throw new RequestError(401, 'token: must be known, but is not.');
    if (token.expiresAt !== null && token.expiresAt <= timestamp())
      throw new RequestError(401, `token: must not have expired, but did at ${token.expiresAt}.`);
    if (!token.scopes.includes(scope) && !token.scopes.includes('admin'))
      throw new RequestError(403, `token: must have scope ${scope}, but has ${token.scopes.join(', ')}.`);
  });
}
