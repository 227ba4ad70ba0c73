import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Store } from '#tracking';
import type { PipelineService } from './pipeline-service.ts';

/** The server that routes are added to; what handlers get is typed by the routes' schemas. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What the routes work on. */
export interface ApiContext {
  readonly store: Store;
  /** Absent where the server only keeps records. */
  readonly pipelines: PipelineService | undefined;
  /** Aborted when the server closes, so that streams without an end do not hold it up. */
  readonly closing: AbortSignal;
  /** Largest file that may be uploaded. */
  readonly maxUploadBytes: number;
}
