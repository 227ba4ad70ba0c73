/** One record of a delimited text file. */
export interface CsvRecord {
  readonly fields: string[];
  /** Line on which the record starts, from 1. */
  readonly line: number;
  /** The record ended the text inside an open quote. */
  readonly unclosed: boolean;
  /** Text follows a closing quote. */
  readonly textAfterQuote: boolean;
}

/**
 * Splits text into records by RFC 4180: fields in double quotes may hold delimiters, line ends and doubled quotes.
 * Blank lines are skipped. Used on the head of a file to find its dialect and, after a failed read, to name the
 * faulty row; the data themselves go through DuckDB.
 *
 * `feed` takes text in pieces of any size; `end` closes the last record.
 */
export class CsvTokenizer {
  private readonly delimiter: string;
  private readonly emit: (record: CsvRecord) => void;
  private fields: string[] = [];
  private field = '';
  private state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  private line = 1;
  private recordLine = 1;
  private textAfterQuote = false;
  private afterReturn = false;

  constructor(delimiter: string, emit: (record: CsvRecord) => void) {
    this.delimiter = delimiter;
    this.emit = emit;
  }

  feed(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const char = text[i];
      if (this.afterReturn) {
        this.afterReturn = false;
        if (char === '\n') continue;
      }
      if (this.state === 'quoted') this.inQuotes(char);
      else if (char === this.delimiter) this.endField();
      else if (char === '\n' || char === '\r') this.endLine(char);
      else this.inField(char);
    }
  }

  end(): void {
    if (this.state !== 'start' || this.fields.length > 0) this.endRecord();
  }

  private inQuotes(char: string): void {
    if (char === '"') this.state = 'closed';
    else {
      if (char === '\n') this.line++;
      this.field += char;
    }
  }

  private inField(char: string): void {
    if (char === '"' && this.state !== 'closed' && this.field.trim() === '') {
      this.field = '';
      this.state = 'quoted';
    } else if (this.state === 'closed' && char === '"') {
      this.field += '"';
      this.state = 'quoted';
    } else if (this.state === 'closed') {
      if (char !== ' ') this.textAfterQuote = true;
    } else {
      this.state = 'plain';
      this.field += char;
    }
  }

  private endField(): void {
    this.fields.push(this.field);
    this.field = '';
    this.state = 'start';
  }

  private endLine(char: string): void {
    this.line++;
    this.afterReturn = char === '\r';
    if (this.state !== 'start' || this.fields.length > 0) this.endRecord();
    this.recordLine = this.line;
  }

  private endRecord(): void {
    const unclosed = this.state === 'quoted';
    this.endField();
    this.emit({
      fields: this.fields,
      line: this.recordLine,
      unclosed,
      textAfterQuote: this.textAfterQuote,
    });
    this.fields = [];
    this.textAfterQuote = false;
    this.recordLine = this.line;
  }
}

/** All records of a short text. */
export function tokenizeCsv(text: string, delimiter: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  const tokenizer = new CsvTokenizer(delimiter, (record) => records.push(record));
  tokenizer.feed(text);
  tokenizer.end();
  return records;
}
