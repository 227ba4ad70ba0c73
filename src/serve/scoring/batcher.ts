import type { JsonRow, RowScore, Scorer } from './scorer.ts';

interface Waiting {
  readonly rows: readonly JsonRow[];
  resolve(scores: readonly RowScore[]): void;
  reject(error: unknown): void;
}

/**
 * Scores the rows of concurrent requests in one call: a request that finds the model idle is scored at once, those that
 * come meanwhile are scored together after it.
 */
export class Batcher {
  readonly scorer: Scorer;
  private waiting: Waiting[] = [];
  private running: Promise<void> | undefined;
  private readonly maxRows: number;
  private readonly onBatch: (rows: number) => void;
  private depth = 0;

  constructor(scorer: Scorer, maxRows: number, onBatch: (rows: number) => void) {
    this.scorer = scorer;
    this.maxRows = maxRows;
    this.onBatch = onBatch;
  }

  /** Rows that wait or are being scored. */
  get rows(): number {
    return this.depth;
  }

  /** Rows must have been checked. */
  score(rows: readonly JsonRow[]): Promise<readonly RowScore[]> {
    this.depth += rows.length;
    return new Promise<readonly RowScore[]>((resolve, reject) => {
      this.waiting.push({ rows, resolve, reject });
      this.running ??= this.drain();
    }).finally(() => {
      this.depth -= rows.length;
    });
  }

  /** Answers what was accepted, then releases the model. */
  async close(): Promise<void> {
    await this.running;
    await this.scorer.release();
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      let count = 0;
      let rows = 0;
      do rows += this.waiting[count++].rows.length;
      while (count < this.waiting.length && rows + this.waiting[count].rows.length <= this.maxRows);
      const batch = this.waiting.splice(0, count);
      this.onBatch(rows);
      try {
        const scores = await this.scorer.score(
          batch.length === 1 ? batch[0].rows : batch.flatMap((one) => one.rows),
        );
        let start = 0;
        for (const one of batch) {
          one.resolve(scores.slice(start, start + one.rows.length));
          start += one.rows.length;
        }
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    this.running = undefined;
  }
}
