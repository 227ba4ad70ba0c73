import { createWriteStream } from 'node:fs';
import { access, constants, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ConfigError, DataError } from '#core';
import { ParquetSink } from './parquet-sink.ts';
import type { TableFormat } from './source-files.ts';
import type { Table } from './table.ts';
import { csvHeader, csvRows, jsonRows } from './text-rows.ts';
import { writeFailure } from './write-failure.ts';

export interface WriteOptions {
  /** By default the extension tells: .csv, .tsv, .jsonl, .ndjson, .parquet, the text formats also with .gz. */
  readonly format?: TableFormat;
  /** Field delimiter of CSV; default a comma, a tab for .tsv. */
  readonly delimiter?: string;
}

/** Where the parts of a table go until the file is complete. */
interface Sink {
  write(table: Table): Promise<void>;
  /** Completes the temporary file. */
  end(): Promise<void>;
  /** Gives up and releases everything; the temporary file may stay. */
  abort(): Promise<void>;
}

let serial = 0;

/**
 * Writes a table to a file part by part. The parts go to a temporary file in the same folder, which takes its final
 * name only in `close`: a reader sees the old file, no file or the whole file, and a failure leaves nothing behind.
 *
 * Missing values are empty fields (CSV) or `null`; dates are ISO 8601 in UTC; numbers have all their digits. CSV
 * follows RFC 4180 with LF line ends.
 */
export class TableWriter {
  readonly path: string;
  private readonly part: string;
  private readonly sink: Sink;
  private columns: readonly string[] | undefined;
  private written = 0;
  private state: 'open' | 'closed' = 'open';

  private constructor(path: string, part: string, sink: Sink) {
    this.path = path;
    this.part = part;
    this.sink = sink;
  }

  /** @throws ConfigError for an unknown extension; RuntimeFailure when the folder is missing or not writable */
  static async open(path: string, options: WriteOptions = {}): Promise<TableWriter> {
    const { format, gzip, delimiter } = parseTarget(path, options);
    await checkFolder(path);
    const part = join(dirname(path), `.${basename(path)}.${process.pid}.${serial++}.part`);
    const sink = format === 'parquet' ? new ParquetSink(part) : new TextSink(part, format, gzip, delimiter);
    return new TableWriter(path, part, sink);
  }

  /** Rows written so far. */
  get rows(): number {
    return this.written;
  }

  /** Appends rows; every part must have the columns of the first. */
  async write(table: Table): Promise<void> {
    const names = table.columns.map((column) => `${column.name}:${column.kind}`);
    this.columns ??= names;
    if (this.state === 'closed') {
      throw new ConfigError(
        `TableWriter: the file must be open, but "${this.path}" is closed. Open it again.`,
      );
    }
    if (names.join('\n') !== this.columns.join('\n')) {
      await this.abort();
      throw new DataError(
        `TableWriter: all parts must have the same columns, but got ${names.join(', ')} after ${this.columns.join(', ')}. ` +
          'Select the same columns.',
        { file: this.path },
      );
    }
    await this.guard(() => this.sink.write(table));
    this.written += table.rows;
  }

  /** Completes the file under its final name. */
  async close(): Promise<{ path: string; rows: number; sizeBytes: number }> {
    if (this.columns === undefined) {
      await this.abort();
      throw new DataError(
        `TableWriter: a file needs a table to tell its columns, but none was written to "${this.path}". Write one.`,
        { file: this.path },
      );
    }
    await this.guard(async () => {
      await this.sink.end();
      await rename(this.part, this.path);
    });
    this.state = 'closed';
    return { path: this.path, rows: this.written, sizeBytes: (await stat(this.path)).size };
  }

  /** Gives up: nothing is left of the new file, an older one stays as it was. */
  async abort(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closed';
    await this.sink.abort().catch(() => {});
    await rm(this.part, { force: true });
  }

  private async guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.abort();
      throw writeFailure('TableWriter', this.path, error);
    }
  }
}

/** Writes a whole table. @throws as {@link TableWriter} */
export async function writeTable(
  table: Table,
  path: string,
  options: WriteOptions = {},
): Promise<{ path: string; rows: number; sizeBytes: number }> {
  const writer = await TableWriter.open(path, options);
  await writer.write(table);
  return writer.close();
}

function parseTarget(
  path: string,
  options: WriteOptions,
): { format: TableFormat; gzip: boolean; delimiter: string } {
  const lower = path.toLowerCase();
  const gzip = lower.endsWith('.gz');
  const extension = lower.replace(/\.gz$/, '').match(/\.([a-z]+)$/)?.[1] ?? '';
  const formats: Readonly<Record<string, TableFormat>> = {
    csv: 'csv',
    tsv: 'csv',
    txt: 'csv',
    jsonl: 'jsonl',
    ndjson: 'jsonl',
    parquet: 'parquet',
  };
  const format = options.format ?? (Object.hasOwn(formats, extension) ? formats[extension] : undefined);
  if (format === undefined) {
    throw new ConfigError(
      `TableWriter: the extension must tell the format (.csv, .tsv, .jsonl, .ndjson, .parquet), but got "${basename(path)}". ` +
        'Use one of these or give the format.',
      { path },
    );
  }
  if (format === 'parquet' && gzip) {
    throw new ConfigError(
      `TableWriter: Parquet is compressed inside, but got "${basename(path)}". Leave out .gz.`,
      { path },
    );
  }
  const delimiter = options.delimiter ?? (extension === 'tsv' ? '\t' : ',');
  if ([...delimiter].length !== 1 || /["\r\n]/.test(delimiter)) {
    throw new ConfigError(
      `TableWriter: delimiter must be one character other than a quote, but got ${JSON.stringify(delimiter)}. Use a comma.`,
    );
  }
  return { format, gzip, delimiter };
}

async function checkFolder(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    if (!(await stat(folder)).isDirectory()) {
      throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
    }
    if ((await stat(path).catch(() => undefined))?.isDirectory()) {
      throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
    }
    await access(folder, constants.W_OK);
  } catch (error) {
    throw writeFailure('TableWriter', path, error);
  }
}

/** CSV or JSON Lines through an optional gzip stream; text is handed over in pieces and waits for the disk. */
class TextSink implements Sink {
  private readonly source: Readable;
  private readonly finished: Promise<void>;
  /** The file is closed: a stream given up while its file is being opened still makes the file. */
  private readonly closed: Promise<void>;
  private readonly format: 'csv' | 'jsonl';
  private readonly delimiter: string;
  private started = false;
  private failure: unknown;
  private wake: (() => void) | undefined;

  constructor(part: string, format: 'csv' | 'jsonl', gzip: boolean, delimiter: string) {
    this.format = format;
    this.delimiter = delimiter;
    this.source = new Readable({ read: () => this.wake?.(), highWaterMark: 1 << 20 });
    const target = createWriteStream(part, { flags: 'wx' });
    this.closed = new Promise((resolve) => {
      target.once('close', resolve);
    });
    this.finished = gzip ? pipeline(this.source, createGzip(), target) : pipeline(this.source, target);
    this.finished.catch((error) => {
      this.failure = error;
      this.wake?.();
    });
  }

  async write(table: Table): Promise<void> {
    if (!this.started && this.format === 'csv') await this.push(csvHeader(table, this.delimiter));
    this.started = true;
    const pieces = this.format === 'csv' ? csvRows(table, this.delimiter) : jsonRows(table);
    for (const piece of pieces) await this.push(piece);
  }

  private async push(text: string): Promise<void> {
    if (this.failure === undefined && !this.source.push(text)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        if (this.failure !== undefined) resolve();
      });
      this.wake = undefined;
    }
    if (this.failure !== undefined) throw this.failure;
  }

  async end(): Promise<void> {
    this.source.push(null);
    await this.finished;
  }

  async abort(): Promise<void> {
    this.source.destroy();
    await this.finished.catch(() => {});
    await this.closed;
  }
}
