import type { ApiApp } from './api-app.ts';
import { errorBody } from './request-error.ts';

/**
 * Answers 408 when a body that is read as a whole has not come in time. Files may take long: of those the server closes
 * connections on which nothing comes.
 */
export function limitBodyTime(app: ApiApp, seconds: number): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    if (request.routeOptions.config.isUpload === true || request.raw.complete) return payload;
    const timer = setTimeout(() => {
      if (reply.sent) return;
      const message = `body: must come within ${seconds} seconds, but did not. Send all that Content-Length says.`;
      reply.raw.once('finish', () => request.raw.destroy());
      reply.code(408).header('connection', 'close').send(errorBody(408, message));
    }, seconds * 1000);
    const end = () => clearTimeout(timer);
    request.raw.once('end', end).once('close', end);
    return payload;
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is a file, which the handler reads as it comes. */
    isUpload?: boolean;
  }
}
