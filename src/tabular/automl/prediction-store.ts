/** Out-of-fold predictions of a search's trials, up to a number of bytes; the worst trials are dropped first. */
export class PredictionStore {
  private readonly limit: number;
  private readonly entries = new Map<number, { predictions: Float64Array; loss: number }>();
  private bytes = 0;

  constructor(limitBytes: number) {
    this.limit = limitBytes;
  }

  /** @param loss lower is better */
  add(iteration: number, predictions: Float64Array, loss: number): void {
    this.entries.set(iteration, { predictions, loss: Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss });
    this.bytes += predictions.byteLength;
    while (this.bytes > this.limit && this.entries.size > 1) {
      const [worst, entry] = [...this.entries].reduce((a, b) => (b[1].loss > a[1].loss ? b : a));
      this.entries.delete(worst);
      this.bytes -= entry.predictions.byteLength;
    }
  }

  get(iteration: number): Float64Array | undefined {
    return this.entries.get(iteration)?.predictions;
  }

  /** Iterations in order of their loss, the best first. */
  ranking(): number[] {
    return [...this.entries].sort((a, b) => a[1].loss - b[1].loss).map(([iteration]) => iteration);
  }
}
