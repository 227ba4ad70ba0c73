import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ConfigError, DataError } from '#core';
import type { SamplerState } from '#tune';
import type { Decision } from '../pipeline/decision.ts';
import type { PipelineConfig } from '../pipeline/pipeline.ts';
import type { TrialStatus, ValidationReport } from './automl-result.ts';

const JOURNAL_FILE = 'journal.jsonl';
const FORMAT = 'trainyard-automl-1';

/** What a journal belongs to. All of it must be equal to resume. */
export interface JournalKey {
  /** Digest of the training data. */
  readonly fingerprint: string;
  /** Options that decide about the trials, as plain JSON. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A trial that ended. */
export interface TrialRecord {
  readonly iteration: number;
  readonly config: PipelineConfig;
  readonly status: TrialStatus;
  readonly reason?: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly decision: Decision;
  readonly fitSeconds: number;
  /** Mean seconds of fitting and predicting one fold. */
  readonly foldSeconds: number;
}

/** What a resumed search starts from. */
export interface JournalContents {
  readonly validation: ValidationReport | undefined;
  readonly trials: readonly TrialRecord[];
  /** State of the search after it was told the outcome of `told` trials. */
  readonly search: { readonly told: number; readonly state: SamplerState } | undefined;
}

type Line =
  | ({ readonly kind: 'header'; readonly format: string; readonly version: string } & JournalKey)
  | { readonly kind: 'validation'; readonly validation: ValidationReport }
  | { readonly kind: 'trial'; readonly trial: TrialRecord }
  | { readonly kind: 'search'; readonly told: number; readonly state: SamplerState };

/**
 * The memory of a search on disk: one JSON line per finished trial, flushed before the search goes on, and a binary
 * file of out-of-fold predictions per trial, complete before its line is written. A last line that was torn by a
 * crash is dropped.
 */
export class Journal {
  readonly contents: JournalContents;
  private readonly folder: string;
  private file: number | undefined;

  /**
   * Opens the journal of a folder, or starts one.
   *
   * @throws ConfigError when the folder's journal belongs to other data or settings
   * @throws DataError when the journal is damaged before its last line
   */
  constructor(folder: string, key: JournalKey, version: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    const path = join(folder, JOURNAL_FILE);
    const { lines, validBytes } = existsSync(path) ? readLines(path) : { lines: [], validBytes: 0 };
    const header = lines[0];
    if (header !== undefined) checkHeader(header, key, folder);
    this.contents = collect(lines);
    this.file = openSync(path, 'a+');
    ftruncateSync(this.file, validBytes);
    if (header === undefined) this.append({ kind: 'header', format: FORMAT, version, ...key });
  }

  recordValidation(validation: ValidationReport): void {
    this.append({ kind: 'validation', validation });
  }

  /** @param predictions out-of-fold predictions of a completed trial */
  recordTrial(trial: TrialRecord, predictions: Float64Array | undefined): void {
    if (predictions !== undefined) this.writePredictions(trial.iteration, predictions);
    this.append({ kind: 'trial', trial });
  }

  recordSearch(told: number, state: SamplerState): void {
    this.append({ kind: 'search', told, state });
  }

  /**
   * @returns predictions of a completed trial, in shared memory; `undefined` when the file is missing or has another
   *   length
   */
  readPredictions(iteration: number, length: number): Float64Array | undefined {
    const path = this.predictionsFile(iteration);
    if (!existsSync(path)) return undefined;
    const bytes = readFileSync(path);
    if (bytes.byteLength !== 8 * length) return undefined;
    const values = new Float64Array(new SharedArrayBuffer(8 * length));
    new Uint8Array(values.buffer).set(bytes);
    return values;
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }

  private append(line: Line): void {
    if (this.file === undefined) return;
    writeFileSync(this.file, `${JSON.stringify(line)}\n`);
    fsyncSync(this.file);
  }

  private writePredictions(iteration: number, predictions: Float64Array): void {
    const path = this.predictionsFile(iteration);
    const file = openSync(`${path}.part`, 'w');
    writeFileSync(file, new Uint8Array(predictions.buffer, predictions.byteOffset, predictions.byteLength));
    fsyncSync(file);
    closeSync(file);
    renameSync(`${path}.part`, path);
  }

  private predictionsFile(iteration: number): string {
    return join(this.folder, `predictions-${String(iteration).padStart(5, '0')}.f64`);
  }
}

/** The complete lines of a journal, and how many bytes they take. */
function readLines(path: string): { lines: Line[]; validBytes: number } {
  const bytes = readFileSync(path);
  const lines: Line[] = [];
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0) return { lines, validBytes: start };
    try {
      lines.push(JSON.parse(bytes.toString('utf8', start, end)) as Line);
    } catch (cause) {
      if (end === bytes.length - 1) return { lines, validBytes: start };
      throw new DataError(
        `automl: a journal may be torn in its last line only, but line ${lines.length + 1} of ${path} is not JSON. ` +
          'Choose another state folder or delete this one.',
        { file: path, row: lines.length + 1 },
        { cause },
      );
    }
    start = end + 1;
  }
}

function checkHeader(header: Line, key: JournalKey, folder: string): void {
  const wayOut =
    'Choose another state folder, delete this one, or run with the same data and settings as before.';
  if (header.kind !== 'header' || header.format !== FORMAT) {
    throw new ConfigError(
      `automl: a state folder must hold a journal of format ${FORMAT}, but ${folder} holds another one. ${wayOut}`,
      { folder },
    );
  }
  const differences: string[] = [];
  if (header.fingerprint !== key.fingerprint) {
    differences.push(`the data (fingerprint ${header.fingerprint}, now ${key.fingerprint})`);
  }
  for (const name of new Set([...Object.keys(header.settings), ...Object.keys(key.settings)])) {
    const before = JSON.stringify(header.settings[name]);
    const now = JSON.stringify(key.settings[name]);
    if (before !== now) differences.push(`${name} (${before ?? 'not set'}, now ${now ?? 'not set'})`);
  }
  if (differences.length === 0) return;
  throw new ConfigError(
    `automl: a search is resumed with the data and settings it began with, but ${folder} differs in ` +
      `${differences.join('; ')}. ${wayOut}`,
    { folder, differences },
  );
}

function collect(lines: readonly Line[]): JournalContents {
  const trials = new Map<number, TrialRecord>();
  let validation: ValidationReport | undefined;
  let search: JournalContents['search'];
  for (const line of lines) {
    if (line.kind === 'trial') trials.set(line.trial.iteration, withNaN(line.trial));
    else if (line.kind === 'validation') validation = line.validation;
    else if (line.kind === 'search') search = { told: line.told, state: line.state };
  }
  return { validation, trials: [...trials.values()].sort((a, b) => a.iteration - b.iteration), search };
}

/** JSON has no NaN: undefined metrics were written as null. */
function withNaN(trial: TrialRecord): TrialRecord {
  const entries = Object.entries(trial.metrics as Record<string, number | null>);
  return {
    ...trial,
    metrics: Object.fromEntries(entries.map(([name, value]) => [name, value ?? Number.NaN])),
  };
}
