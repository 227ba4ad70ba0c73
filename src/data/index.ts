export { Dictionary } from './dictionary.ts';
export type { Column, DateColumn, NumberColumn, SharedTable, StringColumn } from './table.ts';
export { dateColumn, numberColumn, stringColumn, Table } from './table.ts';
