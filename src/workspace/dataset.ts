import type { TableSource } from '#data';
import { TabularDataset, type TabularOptions } from './tabular-dataset.ts';
import type { Workspace } from './workspace.ts';

/**
 * Makers of datasets, as Azure ML's class of that name. Nothing is read before it is needed.
 *
 * @example
 * let dataset = Dataset.tabular.fromDelimitedFiles('https://example.org/bank.csv');
 * dataset = await dataset.register({ workspace, name: 'BankMarketing Dataset' });
 * const table = await dataset.take(5).toTable();
 */
export const Dataset = {
  tabular: {
    /** CSV, TSV and other delimited text, plain or gzip-compressed: files, folders, patterns, http(s) addresses. */
    fromDelimitedFiles: (source: TableSource, options: TabularOptions = {}): TabularDataset =>
      TabularDataset.fromSource(source, { format: 'csv', ...options }),
    fromJsonLinesFiles: (source: TableSource, options: TabularOptions = {}): TabularDataset =>
      TabularDataset.fromSource(source, { format: 'jsonl', ...options }),
    fromParquetFiles: (source: TableSource, options: TabularOptions = {}): TabularDataset =>
      TabularDataset.fromSource(source, { format: 'parquet', ...options }),
  },
  /** A registered dataset: the newest version unless one is named. @throws DataError that says what there is */
  getByName: (workspace: Workspace, name: string, version?: number): Promise<TabularDataset> =>
    workspace.datasets.get(name, version),
};
