import { type Command, Option } from 'commander';
import type { ReadOptions } from '#data';
import { parseList } from './parse-options.ts';

/** Flags of every command that reads a table. */
export interface ReadFlags {
  readonly format?: 'csv' | 'jsonl' | 'parquet';
  readonly delimiter?: string;
  readonly decimal?: '.' | ',';
  readonly encoding?: string;
  readonly header?: boolean;
  readonly null?: string[];
}

/** Adds the options that `ReadFlags` holds, under the heading Reading. */
export function addReadOptions(command: Command): Command {
  return command
    .optionsGroup('Reading:')
    .addOption(
      new Option('--format <format>', 'of the data; told from the file name when absent').choices([
        'csv',
        'jsonl',
        'parquet',
      ]),
    )
    .option('--delimiter <character>', 'between the fields of a CSV file; found out when absent')
    .addOption(new Option('--decimal <character>', 'decimal separator').choices(['.', ',']))
    .option('--encoding <name>', 'of text files, e.g. latin1 (default: UTF-8)')
    .option('--header', 'the first line names the columns; found out when absent')
    .option('--no-header', 'the first line is data')
    .option('--null <values>', 'texts that mean missing, separated by commas', parseList);
}

/** The flags as `readTable` takes them; those not given are left out. A delimiter `\t` is a tab. */
export function readOptionsOf(flags: ReadFlags): ReadOptions {
  return {
    ...(flags.format === undefined ? {} : { format: flags.format }),
    ...(flags.delimiter === undefined
      ? {}
      : { delimiter: flags.delimiter === '\\t' ? '\t' : flags.delimiter }),
    ...(flags.decimal === undefined ? {} : { decimal: flags.decimal }),
    ...(flags.encoding === undefined ? {} : { encoding: flags.encoding }),
    ...(flags.header === undefined ? {} : { header: flags.header }),
    ...(flags.null === undefined ? {} : { nullValues: flags.null }),
  };
}
