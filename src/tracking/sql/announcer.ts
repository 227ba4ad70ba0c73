import type { Json, MetricPoint } from '../records.ts';
import type { Database } from './database.ts';

/** A run's events of one kind come this far apart, in milliseconds; metrics may come thousands of times a second. */
const PAUSE_MS = 1000;

interface Notice {
  /** The point of the highest step of every metric since the last event. */
  readonly metrics: Map<string, { step: number; value: number }>;
  /** Bytes of the log. */
  logSize: number | undefined;
}

/**
 * Tells those who watch what was logged: one `metrics` and one `log` event per run and second, however much it was.
 * The points and texts themselves are on disk by then, so a process that is killed loses a notice and no data.
 */
export class Announcer {
  private readonly database: Database;
  private notices = new Map<string, Notice>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();

  constructor(database: Database) {
    this.database = database;
  }

  noteMetrics(runId: string, points: readonly MetricPoint[]): void {
    const { metrics } = this.notice(runId);
    for (const { key, value, step = 0 } of points) {
      const before = metrics.get(key);
      if (before === undefined) metrics.set(key, { step, value });
      else if (step >= before.step) {
        before.step = step;
        before.value = value;
      }
    }
  }

  noteLog(runId: string, size: number): void {
    this.notice(runId).logSize = size;
  }

  /** Writes what is noted of a run, before something else happens to it. */
  async flush(runId?: string): Promise<void> {
    await this.flushing;
    if (runId !== undefined && !this.notices.has(runId)) return;
    const notices = this.notices;
    if (notices.size === 0) return;
    this.notices = new Map();
    this.flushing = this.write(notices).catch((error: unknown) => {
      // Told later, unless something newer is noted by now.
      for (const [id, notice] of notices) if (!this.notices.has(id)) this.notices.set(id, notice);
      throw error;
    });
    const done = this.flushing;
    this.flushing = done.catch(() => undefined);
    await done;
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.flush();
  }

  private notice(runId: string): Notice {
    let notice = this.notices.get(runId);
    if (notice === undefined) {
      notice = { metrics: new Map(), logSize: undefined };
      this.notices.set(runId, notice);
      this.schedule();
    }
    return notice;
  }

  /** The first notice goes out at once, the next ones after a pause. */
  private schedule(): void {
    if (this.timer !== undefined) return;
    this.timer = setTimeout(async () => {
      await this.flush().catch(() => undefined);
      this.timer = setTimeout(() => {
        this.timer = undefined;
        if (this.notices.size > 0) this.schedule();
      }, PAUSE_MS).unref();
    }, 0).unref();
  }

  private write(notices: ReadonlyMap<string, Notice>): Promise<void> {
    return this.database.write('logMetrics', async ({ db, emit }) => {
      for (const [runId, { metrics, logSize }] of notices) {
        const run = await db.selectFrom('runs').select('root_id').where('id', '=', runId).executeTakeFirst();
        // Deleted meanwhile: nobody watches it.
        if (run === undefined) continue;
        const about = { runId, rootId: run.root_id };
        if (metrics.size > 0) emit({ ...about, type: 'metrics', data: toJson(metrics) });
        if (logSize !== undefined) emit({ ...about, type: 'log', data: { size: logSize } });
      }
    });
  }
}

/** `{ key: { step, value } }`; NaN and infinities, which JSON has not, as text. */
function toJson(metrics: Notice['metrics']): Json {
  return Object.fromEntries(
    [...metrics].map(([key, { step, value }]) => [
      key,
      { step, value: Number.isFinite(value) ? value : String(value) },
    ]),
  );
}
