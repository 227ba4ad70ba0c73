import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequestError } from './request-error.ts';

/** What is known of a file, and how to read a part of it. */
export interface StoredFile {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  open(range?: { start: number; end: number }): Promise<Readable>;
}

/**
 * Answers GET and HEAD with a file: one range of it (RFC 9110, 14), or 304 to those who have it. It is always a
 * download, so that a browser does not run a page that somebody kept as an artefact.
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: StoredFile,
): Promise<FastifyReply> {
  const etag = `"${file.sha256}"`;
  reply
    .header('etag', etag)
    .header('accept-ranges', 'bytes')
    .header('x-content-type-options', 'nosniff')
    .header('content-disposition', `attachment; filename*=UTF-8''${encodeFileName(file.name)}`);
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const condition = request.headers['if-range'];
  const header = condition === undefined || condition === etag ? request.headers.range : undefined;
  const range = header === undefined ? undefined : parseRange(header, file.size);
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${file.size}`);
    throw new RequestError(
      416,
      `header: Range must lie within ${file.size} bytes, but got ${JSON.stringify(header)}. Correct it.`,
      'Range',
    );
  }
  const length = range === undefined ? file.size : range.end - range.start + 1;
  reply.type('application/octet-stream').header('content-length', length);
  if (range !== undefined) {
    reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.size}`);
  }
  return reply.send(request.method === 'HEAD' ? null : await file.open(range));
}

/** The last part of a path, as RFC 8187 wants it. */
function encodeFileName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}

/** `undefined`: to be ignored, as several ranges and other units are. */
function parseRange(
  header: string,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [, first, last] = match;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end };
}
