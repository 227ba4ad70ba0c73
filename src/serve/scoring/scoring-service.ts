import type { FastifyRequest } from 'fastify';
import type { ScoringDescription } from './describe-scoring.ts';

/** A loaded model that answers `POST /score`. */
export interface ScoringService {
  /** Shown in headers and metrics. */
  readonly version: string;
  /** Rows or pictures that wait or are being scored. */
  readonly waiting: number;
  readonly description: ScoringDescription;
  /** Whether it reads bodies of this type; JSON always is. */
  takes(mediaType: string): boolean;
  /** @throws DataError for a body that is wrong; ScoringRefusal for one that is too large or comes at a bad time */
  score(request: FastifyRequest): Promise<ScoreAnswer>;
  /** Finishes what it has accepted, then releases the model. */
  close(): Promise<void>;
}

export interface ScoreAnswer {
  readonly body: unknown;
  /** Seconds from when the request was understood to its scores. */
  readonly seconds: number;
}

export interface ScoringLimits {
  /** Rows or pictures that may wait. */
  readonly maxQueueRows: number;
  /** Of one call of the model. */
  readonly maxBatchRows: number;
  readonly maxBodyBytes: number;
  /** Called with the rows or pictures of each call. */
  readonly onBatch: (rows: number) => void;
}

/** A request that is answered by another status than 400. */
export class ScoringRefusal extends Error {
  readonly statusCode: 413 | 415 | 429;

  constructor(statusCode: 413 | 415 | 429, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/**
 * @param unit what the model scores, in the plural
 * @throws ScoringRefusal when more come than may wait at all, or now
 */
export function checkQueue(unit: string, count: number, waiting: number, most: number): void {
  if (count > most) {
    throw new ScoringRefusal(
      413,
      `score: a request may have at most ${most} ${unit}, but has ${count}. Send several.`,
    );
  }
  if (waiting + count > most) {
    throw new ScoringRefusal(429, `score: at most ${most} ${unit} may wait, but more came. Try again later.`);
  }
}
