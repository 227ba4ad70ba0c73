export type { ColumnKind } from './column-reading.ts';
export { Dictionary } from './dictionary.ts';
export type { ReadOptions } from './open-relation.ts';
export type { ColumnFacts, ReadReport } from './read-table.ts';
export { readTable } from './read-table.ts';
export type { TableFormat, TableSource } from './source-files.ts';
export type { Column, DateColumn, NumberColumn, SharedTable, StringColumn } from './table.ts';
export { dateColumn, numberColumn, stringColumn, Table } from './table.ts';
