/**
 * Events handed from a producer to one consumer: kept until they are read, so that a late reader misses nothing.
 * The iteration ends after `close()`.
 */
export class EventStream<E> implements AsyncIterable<E> {
  private readonly waiting: E[] = [];
  private readonly readers: ((result: IteratorResult<E>) => void)[] = [];
  private closed = false;

  push(event: E): void {
    if (this.closed) return;
    const reader = this.readers.shift();
    if (reader === undefined) this.waiting.push(event);
    else reader({ value: event, done: false });
  }

  close(): void {
    this.closed = true;
    for (const reader of this.readers.splice(0)) reader({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<E> {
    return {
      next: () => {
        const event = this.waiting.shift();
        if (event !== undefined) return Promise.resolve({ value: event, done: false });
        if (this.closed) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => this.readers.push(resolve));
      },
    };
  }
}
