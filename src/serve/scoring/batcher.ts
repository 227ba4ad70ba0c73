interface Waiting<Item, Score> {
  readonly items: readonly Item[];
  resolve(scores: readonly Score[]): void;
  reject(error: unknown): void;
}

/**
 * Scores the items of concurrent requests in one call: a request that finds the model idle is scored at once, those that
 * come meanwhile are scored together after it.
 */
export class Batcher<Item, Score> {
  private readonly scoreAll: (items: readonly Item[]) => Promise<readonly Score[]>;
  private waiting: Waiting<Item, Score>[] = [];
  private running: Promise<void> | undefined;
  private readonly maxItems: number;
  private readonly onBatch: (items: number) => void;
  private depth = 0;

  /**
   * @param score of checked items, in order
   * @param maxItems of one call, unless one request has more
   */
  constructor(
    score: (items: readonly Item[]) => Promise<readonly Score[]>,
    maxItems: number,
    onBatch: (items: number) => void,
  ) {
    this.scoreAll = score;
    this.maxItems = maxItems;
    this.onBatch = onBatch;
  }

  /** Items that wait or are being scored. */
  get count(): number {
    return this.depth;
  }

  score(items: readonly Item[]): Promise<readonly Score[]> {
    this.depth += items.length;
    return new Promise<readonly Score[]>((resolve, reject) => {
      this.waiting.push({ items, resolve, reject });
      this.running ??= this.drain();
    }).finally(() => {
      this.depth -= items.length;
    });
  }

  /** Until what was accepted is answered. */
  async settle(): Promise<void> {
    await this.running;
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      let count = 0;
      let items = 0;
      do items += this.waiting[count++].items.length;
      while (count < this.waiting.length && items + this.waiting[count].items.length <= this.maxItems);
      const batch = this.waiting.splice(0, count);
      this.onBatch(items);
      try {
        const scores = await this.scoreAll(
          batch.length === 1 ? batch[0].items : batch.flatMap((one) => one.items),
        );
        let start = 0;
        for (const one of batch) {
          one.resolve(scores.slice(start, start + one.items.length));
          start += one.items.length;
        }
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    this.running = undefined;
  }
}
