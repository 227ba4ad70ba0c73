import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { ConfigError } from '#core';
import type { ClassifySettings } from '#vision';
import { jsonText } from '../json-text.ts';
import { wholeNumber } from '../parse-options.ts';
import { addPictureOptions, type PictureFlags, pictureOptions } from '../picture-flags.ts';
import { stopOnInterrupt } from '../stop-on-interrupt.ts';
import type { Terminal } from '../terminal.ts';
import { addSettingOptions, parseFold, settingsOf } from './setting-flags.ts';
import type { TrainingJob } from './train-job.ts';

interface TrainFlags extends PictureFlags {
  readonly fold?: number | 'all';
  readonly valid?: string;
  readonly config?: string;
  readonly out: string;
  readonly run?: string;
  readonly cache?: string;
  readonly resume?: boolean;
  readonly experiment: string;
  readonly workspace: boolean;
  readonly threads?: number;
  readonly autotune: boolean;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ trainyard classify train photos/ --out photos.onnx                # photos/CLASS/PICTURE.jpg
  $ trainyard classify train train.csv --arch tf_efficientnet_b0 --weights b0.safetensors --out bird.onnx
  $ trainyard classify train recordings/ --f-min 300 --epochs 20 --out bird.onnx   # sounds, drawn first
  $ trainyard classify train photos/ --fold all --out photos.onnx     # cross-validation
  $ trainyard classify train photos/ --out photos.onnx --resume       # interrupted? the same command goes on
  $ trainyard classify train photos/ --config settings.json --epochs 5 --json > result.json

DATA is a folder with one folder of pictures or sounds per class, or a table with the columns image_path, label or
label_name, and, if there are any, group (what must stay in one fold) and fold. Checkpoints, decoded pictures and the
report are in the run folder, OUT without .onnx and with .run. --config is a JSON file of settings by the library's
names; flags go before it. In a workspace (trainyard init) every training is a run of the experiment.

Ctrl-C ends after the step in progress: a checkpoint is saved, and the best epoch so far leaves as the model.`;

/** `trainyard classify train` */
export function trainCommand(terminal: Terminal): Command {
  const command = new Command('train')
    .description('Train a classifier of pictures or sounds and write it as one ONNX file with a report.')
    .argument('<data>', 'folder with a folder per class, a table of pictures, or a dataset of the workspace')
    .option('--out <file>', 'ONNX file to write', 'classifier.onnx')
    .option('--fold <n>', 'to validate on, counted from 0, or all in turn (default: 0)', parseFold)
    .option('--valid <data>', 'pictures to validate on instead of a fold')
    .option('--config <file>', 'JSON file of settings')
    .option('--run <folder>', 'of checkpoints and report (default: OUT with .run for .onnx)')
    .option('--cache <folder>', 'of decoded pictures, for several trainings (default: the run folder)')
    .option('--resume', 'go on with the run in the run folder')
    .option('--experiment <name>', 'in the workspace, where there is one', 'classify')
    .option('--no-workspace', 'write nothing to the workspace')
    .option('--threads <n>', 'threads within one operation', wholeNumber(1))
    .option('--no-autotune', 'choose how to compute each operation by estimate, not by measurement')
    .option('--json', 'print the result as one JSON document on standard output');
  return addPictureOptions(addSettingOptions(command))
    .addHelpText('after', examples)
    .action(async (data: string, flags: TrainFlags, self: Command) => {
      const stop = new AbortController();
      const release = stopOnInterrupt(stop, terminal);
      try {
        await train(terminal, await jobOf(data, flags, self), flags, stop.signal);
      } finally {
        release();
      }
    });
}

async function jobOf(data: string, flags: TrainFlags, command: Command): Promise<TrainingJob> {
  const { defaultSettings } = await import('#vision');
  const isTyped = (name: string) => command.getOptionValueSource(name) === 'cli';
  const config = flags.config === undefined ? {} : await readConfig(flags.config);
  const drawn = pictureOptions(flags);
  const isDrawingTyped = ['sampleRate', 'window', 'overlap', 'padding', 'minTail', 'pcen', 'nMels', 'nFft']
    .concat('hopLength', 'fMin', 'fMax', 'melScale', 'colors')
    .some(isTyped);
  const settings: Partial<ClassifySettings> = {
    ...config,
    ...settingsOf(flags as unknown as Record<string, unknown>, Object.keys(defaultSettings)),
    ...(isDrawingTyped || config.sound === undefined ? { sound: drawn } : {}),
  };
  const fold = flags.fold ?? config.fold ?? 0;
  const { out, experiment, threads, autotune, cache, resume = false, valid } = flags;
  return {
    ...{ data, settings, fold, out, experiment, autotune, resume },
    run: flags.run ?? `${out.replace(/\.onnx$/i, '')}.run`,
    usesWorkspace: flags.workspace,
    ...(threads === undefined ? {} : { threads }),
    ...(cache === undefined ? {} : { cache }),
    ...(valid === undefined ? {} : { validation: valid }),
  };
}

async function readConfig(path: string): Promise<Partial<ClassifySettings>> {
  try {
    const config: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config;
    throw new Error('it is no object');
  } catch (error) {
    throw new ConfigError(
      `classify: the configuration must be a JSON file of settings, but "${path}" is not: ${(error as Error).message}. See docs/classify.md for the names.`,
      { file: path },
    );
  }
}

async function train(
  terminal: Terminal,
  job: TrainingJob,
  { json }: Pick<TrainFlags, 'json'>,
  signal: AbortSignal,
): Promise<void> {
  const { runTraining } = await import('./train-job.ts');
  const { folds, mean, view } = await runTraining(terminal, job, signal);
  if (json) {
    terminal.out(jsonText(folds.length === 1 ? folds[0] : { folds, mean }));
  } else {
    for (const trained of folds) terminal.out(view.summary(trained));
    if (mean !== null) {
      const values = Object.entries(mean).map(([name, value]) => `${name} ${value.toFixed(4)}`);
      terminal.out(`\nMean of ${folds.length} folds: ${values.join(', ')}`);
    }
  }
  if (folds.some(({ stopped }) => stopped === 'cancelled')) process.exitCode = 130;
}
