export type { ColumnKind } from './column-reading.ts';
export type { ColumnSummary, DescribeOptions, TopValue } from './describe-table.ts';
export { describeTable, formatDate, quantile } from './describe-table.ts';
export { Dictionary } from './dictionary.ts';
export { fingerprintTable } from './fingerprint.ts';
export type { Alignment } from './format-table.ts';
export { formatDescribe, formatHead, formatNumber, formatTable, tableRecords } from './format-table.ts';
export type { BankRow, GenerateBankOptions } from './generators/bank.ts';
export { bankProbability, generateBank } from './generators/bank.ts';
export type { BinaryTruth } from './generators/binary-truth.ts';
export type { GenerateMulticlassOptions, MulticlassTruth } from './generators/multiclass.ts';
export { generateMulticlass } from './generators/multiclass.ts';
export type { GenerateRegressionOptions, RegressionTruth } from './generators/regression.ts';
export { generateRegression } from './generators/regression.ts';
export type { ReadOptions } from './open-relation.ts';
export type { ColumnFacts, ReadReport } from './read-table.ts';
export { readTable } from './read-table.ts';
export type { ScanColumn, ScanOptions } from './scan-table.ts';
export { scanTable } from './scan-table.ts';
export type { TableFormat, TableSource } from './source-files.ts';
export type { FoldOptions, ShareOptions, Split } from './splits.ts';
export {
  groupKFold,
  holdOut,
  kFold,
  largestStratifiedFolds,
  monteCarlo,
  predefinedFolds,
  stratifiedGroupKFold,
  stratifiedKFold,
  timeSeriesSplit,
} from './splits.ts';
export type { Column, DateColumn, NumberColumn, SharedTable, StringColumn } from './table.ts';
export { dateColumn, numberColumn, stringColumn, Table } from './table.ts';
export type { WriteOptions } from './table-writer.ts';
export { TableWriter, writeTable } from './table-writer.ts';
export { writeFailure } from './write-failure.ts';
