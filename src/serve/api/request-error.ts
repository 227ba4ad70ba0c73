import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { TrainyardError } from '#core';

/** Codes of answers, by HTTP status. */
const codes: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'RequestTimeout',
  409: 'Conflict',
  412: 'PreconditionFailed',
  413: 'PayloadTooLarge',
  415: 'UnsupportedMediaType',
  416: 'RangeNotSatisfiable',
  429: 'TooManyRequests',
  500: 'InternalError',
  501: 'NotSupported',
  503: 'Unavailable',
};

/** An answer other than success: its sentence is for the client. */
export class RequestError extends TrainyardError {
  readonly statusCode: number;
  readonly field: string | undefined;

  /** @param field the part of the request that is at fault */
  constructor(statusCode: number, message: string, field?: string) {
    super(codes[statusCode] ?? 'Error', message, { statusCode, field });
    this.statusCode = statusCode;
    this.field = field;
  }
}

/** @throws RequestError 404 */
export function notFound(message: string): never {
  throw new RequestError(404, message);
}

interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly field?: string };
}

/** The body of every answer that is no success. */
export function errorBody(statusCode: number, message: string, field?: string): ErrorBody {
  return {
    error: { code: codes[statusCode] ?? 'Error', message, ...(field === undefined ? {} : { field }) },
  };
}

/** Status of an error that the layers below threw: their classes say whose fault it is. */
function statusOf(error: FastifyError | Error): number {
  if (error instanceof RequestError) return error.statusCode;
  if (error instanceof TrainyardError) {
    const { code, details } = error;
    // A state that a run cannot leave for another, or something that is in use: right request, wrong moment.
    const isConflict =
      code === 'CONFIG' && (('from' in details && 'to' in details) || isInUse(error.message));
    if (isConflict) return 409;
    const statuses: Record<string, number> = { CONFIG: 400, DATA: 404, UNSUPPORTED: 501, RUNTIME: 503 };
    return statuses[code] ?? 500;
  }
  const status = 'statusCode' in error ? error.statusCode : undefined;
  return status !== undefined && status >= 400 && status < 600 ? status : 500;
}

function isInUse(message: string): boolean {
  return /^(deleteExperiment|deleteRun|deleteModel|createRun: ids)/.test(message);
}

/** Writes what a handler threw. The sentence of an unexpected error stays in the server's log. */
export function answerError(
  thrown: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  // What was found while a file came, the store wraps in its own words.
  const error = thrown.cause instanceof RequestError ? thrown.cause : thrown;
  // A file that breaks off because its sender has gone is no failure of the store.
  const isGone = request.raw.destroyed && !request.raw.complete;
  const status = isGone ? 400 : statusOf(error);
  if (status === 500 || status === 503) request.log.error(error);
  if (status === 503) reply.header('retry-after', '5');
  const field = error instanceof RequestError ? error.field : fieldOf(error);
  const isOurs = error instanceof TrainyardError || status < 500;
  const message = isOurs
    ? error.message
    : `${request.method}: must not fail, but did. See the server's log for request ${request.id}.`;
  const body = errorBody(status, message, field);
  // Azure's clients read `message` at the top.
  const isAzure = request.url.startsWith('/pipelines/');
  return reply.code(status).send(isAzure ? { ...body, message } : body);
}

function fieldOf(error: FastifyError | Error): string | undefined {
  const field = error instanceof TrainyardError ? error.details['field'] : undefined;
  return typeof field === 'string' ? field : undefined;
}
