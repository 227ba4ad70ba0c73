export type { ColumnKind } from './column-reading.ts';
export { Dictionary } from './dictionary.ts';
export type { BankRow, GenerateBankOptions } from './generators/bank.ts';
export { bankProbability, generateBank } from './generators/bank.ts';
export type { BinaryTruth } from './generators/binary-truth.ts';
export type { ReadOptions } from './open-relation.ts';
export type { ColumnFacts, ReadReport } from './read-table.ts';
export { readTable } from './read-table.ts';
export type { TableFormat, TableSource } from './source-files.ts';
export type { Column, DateColumn, NumberColumn, SharedTable, StringColumn } from './table.ts';
export { dateColumn, numberColumn, stringColumn, Table } from './table.ts';
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
