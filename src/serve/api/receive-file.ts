import { type Readable, Transform } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { ApiApp } from './api-app.ts';
import { RequestError } from './request-error.ts';

/** Within such a group of routes every body is a stream of bytes, whatever its type says. */
export function acceptFiles(app: ApiApp): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}

/** A file that is being sent. */
export interface IncomingFile {
  readonly content: Readable;
  readonly size?: number;
  readonly sha256?: string;
}

/**
 * The body of an upload, with what its headers say of it: `Content-Length`, and `X-Content-SHA256` (hexadecimal), which
 * the store compares with what came.
 *
 * @throws RequestError 413 for more than `maxBytes`, at once where the length is known
 */
export function incomingFile(request: FastifyRequest, maxBytes: number): IncomingFile {
  const { 'content-length': length, 'x-content-sha256': digest } = request.headers;
  const size = length === undefined ? undefined : Number(length);
  if (size !== undefined && size > maxBytes) throw tooLarge(maxBytes);
  if (digest !== undefined && !/^[0-9a-f]{64}$/i.test(String(digest))) {
    throw new RequestError(
      400,
      `header: X-Content-SHA256 must be 64 hexadecimal digits, but got ${JSON.stringify(digest)}. Correct it or leave it out.`,
      'X-Content-SHA256',
    );
  }
  return {
    // Without a length, as in chunks, the bytes are counted.
    content: size === undefined ? request.raw.pipe(limitBytes(request.raw, maxBytes)) : request.raw,
    ...(size === undefined ? {} : { size }),
    ...(digest === undefined ? {} : { sha256: String(digest).toLowerCase() }),
  };
}

function limitBytes(source: Readable, maxBytes: number): Transform {
  let count = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      count += chunk.length;
      if (count > maxBytes) done(tooLarge(maxBytes));
      else done(null, chunk);
    },
  });
  // `pipe` does not pass on that the client is gone.
  source.once('error', (error) => counter.destroy(error));
  // The rest is read into nothing, so that the client gets to the answer and the connection is free again.
  counter.once('close', () => source.resume());
  source.once('close', () => {
    if (!source.readableEnded) counter.destroy(new Error('the client has gone'));
  });
  return counter;
}

function tooLarge(maxBytes: number): RequestError {
  return new RequestError(413, `body: may have ${maxBytes} bytes, but got more. Send it in parts.`, 'body');
}
