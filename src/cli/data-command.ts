import { Command } from 'commander';
import {
  describeTable,
  formatDescribe,
  formatHead,
  type ReadReport,
  readTable,
  type Table,
  tableRecords,
} from '#data';
import { inferPurposes } from '#tabular';
import { jsonText } from './json-text.ts';
import { wholeNumber } from './parse-options.ts';
import { addReadOptions, type ReadFlags, readOptionsOf } from './read-flags.ts';
import { styled, type Terminal } from './terminal.ts';

interface DataFlags extends ReadFlags {
  readonly json?: boolean;
}

interface HeadFlags extends DataFlags {
  readonly n: number;
}

/** `trainyard data` */
export function dataCommand(terminal: Terminal): Command {
  const describe = new Command('describe')
    .description('Per column: inferred purpose, count, missing, unique, mean, std, quartiles, top values.')
    .argument('<data...>', 'CSV, TSV, JSON Lines or Parquet: files, folders, patterns or http(s) addresses')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ trainyard data describe bank.csv')
    .action(async (data: string[], flags: DataFlags) => {
      const { table, report } = await read(terminal, data, flags);
      const purposes = new Map(inferPurposes(table).map(({ column, purpose }) => [column, purpose]));
      const columns = describeTable(table, { purposes });
      if (flags.json)
        terminal.out(jsonText({ rows: table.rows, files: report.files, format: report.format, columns }));
      else terminal.out(`${summary(terminal, table, report)}\n\n${formatDescribe(columns)}`);
    });
  const head = new Command('head')
    .description('The first rows.')
    .argument('<data...>', 'CSV, TSV, JSON Lines or Parquet')
    .option('-n <rows>', 'number of rows', wholeNumber(1), 5)
    .option('--json', 'print one JSON array of records')
    .addHelpText('after', '\nExample:\n  $ trainyard data head bank.csv -n 10')
    .action(async (data: string[], flags: HeadFlags) => {
      const { table } = await read(terminal, data, flags);
      terminal.out(flags.json ? jsonText(tableRecords(table, 0, flags.n)) : formatHead(table, flags.n));
    });
  return new Command('data')
    .description('Look at a table: describe, head.')
    .addCommand(addReadOptions(describe))
    .addCommand(addReadOptions(head));
}

async function read(
  terminal: Terminal,
  data: string[],
  flags: DataFlags,
): Promise<{ table: Table; report: ReadReport }> {
  const result = await readTable(data, readOptionsOf(flags));
  for (const line of [...result.report.repairs, ...result.report.warnings]) terminal.note(`note: ${line}`);
  return result;
}

function summary(terminal: Terminal, table: Table, report: ReadReport): string {
  const files = report.files.length === 1 ? report.files[0] : `${report.files.length} files`;
  const delimiter =
    report.delimiter === undefined ? '' : `, fields separated by ${JSON.stringify(report.delimiter)}`;
  return styled(
    terminal,
    'bold',
    `${files}: ${table.rows} rows × ${table.columns.length} columns (${report.format}${delimiter})`,
  );
}
