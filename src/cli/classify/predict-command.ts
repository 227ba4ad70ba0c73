import { Command, Option } from 'commander';
import { formatTable } from '#data';
import type { ClassifiedInput, LabelProbability } from '#vision';
import { CountProgress } from '../count-progress.ts';
import { jsonText } from '../json-text.ts';
import { wholeNumber } from '../parse-options.ts';
import type { Terminal } from '../terminal.ts';

interface PredictFlags {
  readonly top: number;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly windows?: boolean;
  readonly skipBroken?: boolean;
}

const examples = `
Examples:
  $ trainyard classify predict bird.onnx photo.jpg
  $ trainyard classify predict bird.onnx photos --top 1 --csv > labels.csv
  $ trainyard classify predict bird.onnx recording.ogg --windows`;

/** `trainyard classify predict` */
export function predictCommand(terminal: Terminal): Command {
  return new Command('predict')
    .description('Tell what is on pictures, or sings in sounds. Runs the ONNX file, nothing else.')
    .argument('<model>', 'ONNX file written by trainyard classify train')
    .argument(
      '<inputs...>',
      'PNG, JPEG, WebP and GIF files, for models of sounds also WAV, FLAC, Ogg and MP3, or folders of them',
    )
    .option('--top <n>', 'classes told of each, the likeliest first', wholeNumber(1), 5)
    .option('--windows', 'also tell the classes of each window of a sound', false)
    .option('--skip-broken', 'leave out and list files that cannot be read, instead of stopping')
    .option('--json', 'print one JSON document')
    .addOption(new Option('--csv', 'print a table: file, label, probability, …').conflicts('json'))
    .addHelpText('after', examples)
    .action(async (model: string, inputs: string[], flags: PredictFlags) => {
      const { classifyInputs, ImageClassifier } = await import('#vision');
      const classifier = await ImageClassifier.load(model);
      const progress = new CountProgress(terminal, 'files');
      const results: ClassifiedInput[] = [];
      const skipped: { readonly path: string; readonly reason: string }[] = [];
      try {
        const found = classifyInputs(classifier, inputs, {
          top: flags.top,
          windows: flags.windows ?? false,
          onBroken: flags.skipBroken ? 'skip' : 'fail',
          onSkip: (broken) => skipped.push(broken),
          onProgress: (done, total, path) => progress.show(done, total, path),
        });
        for await (const result of found) results.push(result);
      } finally {
        progress.close();
        await classifier.release();
      }
      for (const { path, reason } of skipped) terminal.note(`skipped ${path}: ${reason}`);
      const ranks = Math.min(flags.top, classifier.classes.length);
      if (flags.json) terminal.out(jsonText({ model, results, skipped }));
      else if (flags.csv) terminal.out(csvText(results, ranks, flags.windows ?? false));
      else if (results.length > 0) terminal.out(describe(results));
    });
}

/** Results of files, with those of their windows behind each. */
interface Line {
  readonly path: string;
  /** Seconds; null for the whole file. */
  readonly start: number | null;
  readonly predictions: readonly LabelProbability[];
}

function linesOf(results: readonly ClassifiedInput[]): Line[] {
  return results.flatMap(({ path, predictions, windows = [] }) => [
    { path, start: null, predictions },
    ...windows.map((window) => ({ path, ...window })),
  ]);
}

function csvText(results: readonly ClassifiedInput[], ranks: number, windows: boolean): string {
  const suffixes = Array.from({ length: ranks }, (_, i) => (i === 0 ? '' : `_${i + 1}`));
  const header = [
    'path',
    ...(windows ? ['start'] : []),
    ...suffixes.flatMap((suffix) => [`label${suffix}`, `probability${suffix}`]),
  ];
  const rows = linesOf(results).map(({ path, start, predictions }) => [
    path,
    ...(windows ? [start === null ? '' : String(start)] : []),
    ...predictions.flatMap(({ label, probability }) => [label, String(Number(probability.toPrecision(6)))]),
  ]);
  return [header, ...rows].map((row) => row.map(csvCell).join(',')).join('\n');
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** With more files than this each has one line. */
const MOST_BLOCKS = 5;
const BAR_WIDTH = 20;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

function describe(results: readonly ClassifiedInput[]): string {
  const lines = linesOf(results);
  return lines.length > MOST_BLOCKS ? describeMany(lines) : lines.map(describeOne).join('\n\n');
}

function describeOne({ path, start, predictions }: Line): string {
  const rows = predictions.map(({ label, probability }) => [
    '',
    label,
    percent(probability),
    bar(probability),
  ]);
  const title = start === null ? path : `${path} from ${seconds(start)}`;
  return `${title}\n${formatTable(rows, { align: ['left', 'left', 'right', 'left'], widest: 60 })}`;
}

function describeMany(lines: readonly Line[]): string {
  const withStart = lines.some(({ start }) => start !== null);
  const rows = lines.map(({ path, start, predictions: [first, ...rest] }) => [
    ending(path),
    ...(withStart ? [start === null ? 'all' : seconds(start)] : []),
    first.label,
    percent(first.probability),
    rest
      .slice(0, 2)
      .map(({ label, probability }) => `${label} ${percent(probability)}`)
      .join(', '),
  ]);
  const hasRest = rows.some((row) => row[row.length - 1] !== '');
  const header = ['file', ...(withStart ? ['from'] : []), 'class', 'probability', hasRest ? 'then' : ''];
  const align = ['left', ...(withStart ? ['right'] : []), 'left', 'right', 'left'] as ('left' | 'right')[];
  return formatTable([header, ...rows], { align, widest: 60 });
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const seconds = (time: number) => `${Number(time.toFixed(2))} s`;

/** The end of a long path tells more than its beginning. */
function ending(path: string): string {
  const points = [...path];
  return points.length > 60 ? `…${points.slice(-59).join('')}` : path;
}

function bar(share: number): string {
  const cells = Math.round(share * BAR_WIDTH * 8);
  return '█'.repeat(Math.floor(cells / 8)) + eighths[cells % 8];
}
