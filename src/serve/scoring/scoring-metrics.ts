/** Upper bounds in seconds. */
const LATENCY_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** Upper bounds in rows. */
const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

class Histogram {
  private readonly bounds: readonly number[];
  private readonly counts: number[];
  private sum = 0;
  private count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const at = this.bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.counts[at]++;
  }

  lines(name: string): string[] {
    let below = 0;
    const buckets = this.bounds.map((bound, i) => {
      below += this.counts[i];
      return `${name}_bucket{le="${bound}"} ${below}`;
    });
    return [
      ...buckets,
      `${name}_bucket{le="+Inf"} ${this.count}`,
      `${name}_sum ${this.sum}`,
      `${name}_count ${this.count}`,
    ];
  }
}

/**
 * Counts what a scoring server does, and writes it as text.
 * @source https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class ScoringMetrics {
  private readonly requests = new Map<number, number>();
  private readonly latency = new Histogram(LATENCY_BOUNDS);
  private readonly batches = new Histogram(BATCH_BOUNDS);

  /** A request to `/score` that was answered after `seconds`. */
  countRequest(status: number, seconds: number): void {
    this.requests.set(status, (this.requests.get(status) ?? 0) + 1);
    this.latency.observe(seconds);
  }

  /** Rows that the model was given in one call. */
  countBatch(rows: number): void {
    this.batches.observe(rows);
  }

  /** @param queue rows that wait or are being scored */
  toText(queue: number, model: string): string {
    const label = model.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`));
    const statuses = [...this.requests].sort(([a], [b]) => a - b);
    return [
      ...about('trainyard_score_requests_total', 'counter', 'Requests to /score by status.'),
      ...statuses.map(([status, count]) => `trainyard_score_requests_total{status="${status}"} ${count}`),
      ...about('trainyard_score_seconds', 'histogram', 'Time from request to answer.'),
      ...this.latency.lines('trainyard_score_seconds'),
      ...about('trainyard_score_batch_rows', 'histogram', 'Rows given to the model in one call.'),
      ...this.batches.lines('trainyard_score_batch_rows'),
      ...about('trainyard_score_queue_rows', 'gauge', 'Rows that wait or are being scored.'),
      `trainyard_score_queue_rows ${queue}`,
      ...about('trainyard_model_info', 'gauge', 'The model that is served.'),
      `trainyard_model_info{model="${label}"} 1`,
      '',
    ].join('\n');
  }
}

const about = (name: string, type: string, help: string): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];
