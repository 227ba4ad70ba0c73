import { join } from 'node:path';
import type { Store } from '#tracking';
import type { StoredOutput } from './reuse-key.ts';
import { fetchOutput } from './step-outputs.ts';

/** What a pipeline run keeps of an output. */
export interface RecordedOutput extends StoredOutput {
  readonly step: string;
  readonly output: string;
}

/** An output of a pipeline run, to be fetched. */
export class PipelineOutput {
  private readonly store: Store;
  private readonly record: RecordedOutput;

  constructor(store: Store, record: RecordedOutput) {
    this.store = store;
    this.record = record;
  }

  /** Step run that wrote it. */
  get runId(): string {
    return this.record.runId;
  }

  /** Where `download` puts it below its folder. */
  get pathOnDatastore(): string {
    return join('azureml', this.record.runId, this.record.output);
  }

  /**
   * Writes its files below a folder, under `pathOnDatastore`.
   *
   * @returns how many files
   */
  async download(folder: string, { showProgress = false }: { showProgress?: boolean } = {}): Promise<number> {
    const { pathOnDatastore: path } = this;
    if (showProgress) process.stdout.write(`Downloading ${path}\n`);
    const count = await fetchOutput(this.store, this.record.output, this.record, join(folder, path));
    if (showProgress)
      process.stdout.write(`Downloaded ${path}, ${count} files out of an estimated total of ${count}\n`);
    return count;
  }
}
