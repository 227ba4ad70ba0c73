interface Entry {
  readonly predictions: Float64Array;
  readonly loss: number;
  readonly primary: number;
}

/**
 * Out-of-fold predictions of a search's trials, up to a number of bytes; the worst trials are dropped first. The trial
 * that is best by the primary metric is never dropped, whatever its loss: it may become the model.
 */
export class PredictionStore {
  private readonly limit: number;
  private readonly entries = new Map<number, Entry>();
  private bytes = 0;

  constructor(limitBytes: number) {
    this.limit = limitBytes;
  }

  /**
   * @param loss lower is better; what trials are ranked and dropped by
   * @param primary loss by the primary metric, lower is better too
   */
  add(iteration: number, predictions: Float64Array, loss: number, primary: number): void {
    this.entries.set(iteration, { predictions, loss: orWorst(loss), primary: orWorst(primary) });
    this.bytes += predictions.byteLength;
    while (this.bytes > this.limit && this.entries.size > 1) {
      const best = this.bestByPrimary();
      const droppable = [...this.entries].filter(([candidate]) => candidate !== best);
      const [worst, entry] = droppable.reduce((a, b) => (b[1].loss > a[1].loss ? b : a));
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

  /** Of equal trials the first. */
  private bestByPrimary(): number {
    const [[best]] = [...this.entries].sort(([i, a], [j, b]) =>
      a.primary === b.primary ? i - j : a.primary - b.primary,
    );
    return best;
  }
}

function orWorst(loss: number): number {
  return Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss;
}
