import type { FastifyRequest } from 'fastify';
import { DataError, now } from '#core';
import { Batcher } from './batcher.ts';
import { describeRows } from './describe-rows.ts';
import { parseScoreRequest, type ScoreRequest } from './parse-score-request.ts';
import type { JsonRow, RowScore, Scorer } from './scorer.ts';
import { checkQueue, type ScoreAnswer, type ScoringLimits, type ScoringService } from './scoring-service.ts';

/** Scores rows of tables, sent as JSON. */
export class RowService implements ScoringService {
  readonly version: string;
  private readonly scorer: Scorer;
  private readonly batcher: Batcher<JsonRow, RowScore>;
  private readonly limits: ScoringLimits;

  constructor(scorer: Scorer, limits: ScoringLimits) {
    this.version = scorer.version;
    this.scorer = scorer;
    this.limits = limits;
    this.batcher = new Batcher((rows) => scorer.score(rows), limits.maxBatchRows, limits.onBatch);
  }

  get waiting(): number {
    return this.batcher.count;
  }

  get description() {
    return describeRows(this.scorer);
  }

  takes(): boolean {
    return false;
  }

  async score({ body }: FastifyRequest): Promise<ScoreAnswer> {
    const parsed = parseScoreRequest(body);
    this.scorer.check(parsed.rows);
    checkQueue('rows', parsed.rows.length, this.waiting, this.limits.maxQueueRows);
    const started = now();
    const scores = await this.batcher.score(parsed.rows);
    return { body: answerOf(parsed, scores, this.scorer), seconds: now() - started };
  }

  async close(): Promise<void> {
    await this.batcher.settle();
    await this.scorer.release();
  }
}

function answerOf({ method, answer }: ScoreRequest, scores: readonly RowScore[], scorer: Scorer): unknown {
  if (method === 'predict_proba' && !scorer.isClassifier)
    throw new DataError(
      'score: predict_proba needs a classifier, but the model is a regression. Use predict.',
    );
  const results = scores.map((score) => (method === 'predict' ? score.prediction : score.probabilities));
  return answer === 'plain' ? results : { [answer]: results };
}
