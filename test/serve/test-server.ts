import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished } from 'vitest';
import { createServer, createToken, type Server, type ServerOptions } from '#serve';
import { openStore, type Store, type TokenScope } from '#tracking';

/** A listening server over a store of its own, and a client that has a token. */
export interface TestServer {
  readonly root: string;
  readonly store: Store;
  readonly server: Server;
  /** Sends a request with the token of a scope; the body goes as JSON unless it is bytes. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** Makes a token. */
  token(scopes: readonly TokenScope[], expiresAt?: string | null): Promise<string>;
}

export interface CallOptions {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Fields;
}

/** An answer's JSON, whose form the test itself checks. */
export interface Fields {
  readonly [name: string]: Fields;
}

export async function startTestServer(
  options: Partial<ServerOptions> & { readonly url?: string; readonly root?: string } = {},
): Promise<TestServer> {
  const { url = '', root = mkdtempSync(join(tmpdir(), 'trainyard-serve-')), ...rest } = options;
  const store = await openStore({ root, url });
  const server = await createServer({ store, port: 0, ...rest });
  const atEnd = expect.getState().currentTestName === undefined ? afterAll : onTestFinished;
  atEnd(async () => {
    await server.close();
    await store.close();
    rmSync(root, { recursive: true, force: true });
  });
  const token = async (scopes: readonly TokenScope[], expiresAt: string | null = null) => {
    if (expiresAt === null) return (await createToken(store, { name: 'test', scopes })).text;
    const secret = randomBytes(32).toString('base64url');
    const hash = createHash('sha256').update(secret).digest('hex');
    await store.createToken({ name: 'expires', hash, scopes, expiresAt });
    return secret;
  };
  const all = await token(['admin']);
  return {
    root,
    store,
    server,
    token,
    call: async (method, path, body, { token = all, headers = {} } = {}) => {
      const isBytes = body instanceof Uint8Array;
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined
            ? {}
            : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: isJson ? JSON.parse(text) : {},
      };
    },
  };
}

/** Names that break what does not keep text, addresses, SQL and markup apart. */
export const strangeNames: readonly string[] = [
  'Größe – 学習 🚆',
  `"double" 'single' \`back\``,
  "x'); DELETE FROM runs; --",
  '<img src=x onerror=alert(1)> & <b>',
  '100 %_/?#&=+',
  '%2e%2e%2f',
  'line\nbreak\ttab',
  '__proto__',
  'constructor',
];
