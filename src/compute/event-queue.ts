/** Characters of text that are kept for a reader who has not come yet. */
const UNREAD_TEXT = 1 << 20;

/**
 * Events in order for one reader, from the first on, whenever it comes. `weigh` says how much text an event holds;
 * while nobody reads, the oldest texts are dropped above 1 MB, and while somebody does, `isFull` asks the writer to
 * wait.
 */
export class EventQueue<T> implements AsyncIterable<T> {
  private readonly items: T[] = [];
  private readonly weigh: (item: T) => number;
  private readonly onDrain: () => void;
  private weight = 0;
  private ended = false;
  private isRead = false;
  private wake: (() => void) | undefined;

  constructor(weigh: (item: T) => number, onDrain: () => void) {
    this.weigh = weigh;
    this.onDrain = onDrain;
  }

  get isFull(): boolean {
    return this.isRead && this.weight > UNREAD_TEXT;
  }

  push(item: T): void {
    if (this.ended) return;
    this.items.push(item);
    this.weight += this.weigh(item);
    while (!this.isRead && this.weight > UNREAD_TEXT) {
      const oldest = this.items.findIndex((each) => this.weigh(each) > 0);
      this.weight -= this.weigh(this.items[oldest]);
      this.items.splice(oldest, 1);
    }
    this.wake?.();
  }

  end(): void {
    this.ended = true;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    this.isRead = true;
    while (true) {
      const item = this.items.shift();
      if (item !== undefined) {
        this.weight -= this.weigh(item);
        if (this.weight < UNREAD_TEXT / 2) this.onDrain();
        yield item;
      } else if (this.ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        this.wake = undefined;
      }
    }
  }
}
