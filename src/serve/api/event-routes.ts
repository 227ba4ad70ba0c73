import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { isFinal, type RunEvent, type Store } from '#tracking';
import type { ApiApp, ApiContext } from './api-app.ts';
import { pageSchema, present } from './page-schemas.ts';
import { eventSchema } from './record-schemas.ts';
import { RequestError } from './request-error.ts';
import { findRun, runParams } from './run-routes.ts';

const POLL_MS = 250;
/** Proxies close connections on which nothing comes for a minute, and this server after its idle time. */
const KEEP_ALIVE_MS = 10_000;
const BATCH = 500;

/** Events of a run and its descendants: as a list, or as they happen. */
export function eventRoutes(app: ApiApp, { store, closing }: ApiContext): void {
  app.get(
    '/runs/:id/events',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['runs'],
        summary: 'Events after a number, in order',
        description:
          'With `Accept: text/event-stream` they come as they happen (Server-Sent Events) until the run has ended, which ' +
          'the event `end` says; `Last-Event-ID` goes on after an interruption. Otherwise a list.',
        params: runParams,
        querystring: Type.Object(
          {
            after: Type.Optional(Type.Integer({ minimum: 0 })),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          },
          { additionalProperties: false },
        ),
        response: { 200: pageSchema(eventSchema), 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const run = await findRun(store, id);
      const lastId = request.headers['last-event-id'];
      const after = lastId === undefined ? request.query.after : parseEventId(lastId);
      if (!/\btext\/event-stream\b/.test(request.headers.accept ?? '')) {
        const events = await store.readEvents(id, {
          ...present({ after }),
          limit: request.query.limit ?? 100,
        });
        return reply.send({ items: events });
      }
      const waiting = await store.readEvents(id, { ...present({ after }), limit: 1 });
      // To a client that comes back for more than there will be, this says not to come again.
      if (lastId !== undefined && isFinal(run.state) && waiting.length === 0)
        return reply.code(204).send(null);
      return streamEvents(store, { id, after: after ?? 0, closing }, reply);
    },
  );
}

function parseEventId(value: string | string[]): number {
  const id = Number(value);
  if (Number.isSafeInteger(id) && id >= 0 && value !== '') return id;
  throw new RequestError(
    400,
    `header: Last-Event-ID must be the number of an event, but got ${JSON.stringify(value)}. Leave it out to begin at the first.`,
    'Last-Event-ID',
  );
}

async function streamEvents(
  store: Store,
  { id, after, closing }: { id: string; after: number; closing: AbortSignal },
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.hijack();
  const stream = reply.raw;
  const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
  for (const [name, value] of headers) stream.setHeader(name, value as string);
  stream.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // A connection that is kept for more would hold up the end of the server.
    connection: 'close',
    // nginx would keep events until its buffer is full.
    'x-accel-buffering': 'no',
  });
  const gone = new AbortController();
  stream.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  try {
    await pumpEvents(store, stream, { id, after, signal });
  } catch (error) {
    // The answer has begun: all that is left is to end it, so that the client comes back.
    if (!signal.aborted) reply.log.error(error);
  }
  stream.end();
  return reply;
}

async function pumpEvents(
  store: Store,
  stream: ServerResponse,
  { id, after, signal }: { id: string; after: number; signal: AbortSignal },
): Promise<void> {
  let last = after;
  let quietMs = 0;
  stream.write('retry: 1000\n\n');
  while (!signal.aborted) {
    const run = await store.findRun(id);
    const events = await store.readEvents(id, { after: last, limit: BATCH });
    for (const event of events) {
      last = event.seq;
      if (!stream.write(formatEvent(event))) await once(stream, 'drain', { signal });
    }
    if (events.length === BATCH) continue;
    // The state was read before the events, so that none is left behind it.
    if (run === undefined || isFinal(run.state)) {
      const data = JSON.stringify({ state: run?.state ?? null });
      stream.write(`event: end\ndata: ${data}\n\n`);
      return;
    }
    quietMs = events.length > 0 ? 0 : quietMs + POLL_MS;
    if (quietMs >= KEEP_ALIVE_MS) {
      stream.write(': still here\n\n');
      quietMs = 0;
    }
    await wait(POLL_MS, signal);
  }
}

/** JSON has no line breaks outside its escapes, so that the data is one line. */
function formatEvent(event: RunEvent): string {
  const type = event.type.replace(/[\r\n]/g, ' ');
  return `id: ${event.seq}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
