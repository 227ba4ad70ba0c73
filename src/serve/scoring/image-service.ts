import type { FastifyRequest } from 'fastify';
import { now } from '#core';
import type { InputPictures } from '#vision';
import { Batcher } from './batcher.ts';
import { describeImages } from './describe-images.ts';
import type { ImageScore, ImageScorer } from './image-scorer.ts';
import { readImageRequest } from './read-image-request.ts';
import { checkQueue, type ScoreAnswer, type ScoringLimits, type ScoringService } from './scoring-service.ts';

/** Scores pictures, sent as a form's files, as a body of their own or as base64 in JSON. */
export class ImageService implements ScoringService {
  readonly version: string;
  private readonly scorer: ImageScorer;
  private readonly batcher: Batcher<InputPictures, ImageScore>;
  private readonly limits: ScoringLimits;
  private accepted = 0;
  private readonly running = new Set<Promise<unknown>>();

  constructor(scorer: ImageScorer, limits: ScoringLimits) {
    this.version = scorer.version;
    this.scorer = scorer;
    this.limits = limits;
    this.batcher = new Batcher((inputs) => scorer.score(inputs), limits.maxBatchRows, limits.onBatch);
  }

  /** Counted from before they are decoded, because that is when they begin to take memory. */
  get waiting(): number {
    return this.accepted;
  }

  get description() {
    return describeImages(this.scorer);
  }

  takes(mediaType: string): boolean {
    if (mediaType === 'multipart/form-data' || mediaType.startsWith('image/')) return true;
    return this.scorer.takesSounds && mediaType.startsWith('audio/');
  }

  score(request: FastifyRequest): Promise<ScoreAnswer> {
    const answer = this.answer(request);
    this.running.add(answer);
    return answer.finally(() => this.running.delete(answer));
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.running);
    await this.scorer.release();
  }

  private async answer(request: FastifyRequest): Promise<ScoreAnswer> {
    const parts = await readImageRequest(request, this.limits.maxBodyBytes);
    checkQueue('pictures', parts.length, this.waiting, this.limits.maxQueueRows);
    this.accepted += parts.length;
    try {
      const started = now();
      const inputs: InputPictures[] = [];
      for (const { bytes, where } of parts) inputs.push(await this.scorer.decode(bytes, where));
      const scores = await this.batcher.score(inputs);
      return { body: { Results: scores }, seconds: now() - started };
    } finally {
      this.accepted -= parts.length;
    }
  }
}
