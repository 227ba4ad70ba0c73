import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ConfigError } from '#core';
import { formatProfile } from '#engine';
import { writeFileAtomically } from '#train';
import { jsonText } from './json-text.ts';
import { runMnistJob } from './mnist-job.ts';
import { wholeNumber } from './parse-options.ts';
import { prepareOutput } from './prepare-output.ts';
import { stopOnInterrupt } from './stop-on-interrupt.ts';
import type { Terminal } from './terminal.ts';
import { TrainView } from './train-view.ts';

interface MnistFlags {
  readonly data?: string;
  readonly epochs: number;
  readonly recipe: 'lecture' | 'auto';
  readonly seed: number;
  readonly threads?: number;
  readonly autotune: boolean;
  readonly profile?: boolean;
  readonly checkpoints?: string;
  readonly resume?: boolean;
  readonly out: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ trainyard train mnist --epochs 3                          # drawn digits, no data needed
  $ trainyard train mnist --data mnist/ --out mnist.onnx      # the lecture's recipe, 10 epochs
  $ trainyard train mnist --data mnist/ --recipe auto
  $ trainyard train mnist --data mnist/ --checkpoints run/ --resume   # interrupted? the same command goes on
  $ trainyard train mnist --data mnist/ --json > result.json

Ctrl-C ends after the step in progress, saves a checkpoint where --checkpoints names a folder, and writes the model.`;

/** `trainyard train` */
export function trainCommand(terminal: Terminal): Command {
  const mnist = new Command('mnist')
    .description(
      'Train a classifier of handwritten digits (784-512-256-128-64-10) and write it as one ONNX file.',
    )
    .option('--data <folder>', "folder of MNIST's four idx files, plain or .gz (default: drawn digits)")
    .option('--epochs <n>', 'times through the training images', wholeNumber(1), 10)
    .addOption(
      new Option(
        '--recipe <name>',
        'lecture: SGD, learning rate 0.01, momentum 0.5; auto: AdamW, one cycle, light augmentation',
      )
        .choices(['lecture', 'auto'])
        .default('lecture'),
    )
    .option('--seed <n>', 'seed of everything random', wholeNumber(0), 0)
    .option('--threads <n>', 'threads within one operation', wholeNumber(1))
    .option('--no-autotune', 'choose how to compute each operation by estimate, not by measurement')
    .option('--profile', 'show where the time of a step goes, by operation and line')
    .option('--checkpoints <folder>', 'write checkpoints there after every epoch')
    .option(
      '--resume',
      'go on from the last checkpoint in --checkpoints, with the data and recipe it was begun with',
    )
    .option('--out <file>', 'ONNX file to write; its folder is made', 'mnist.onnx')
    .option('--json', 'print the result as one JSON document on standard output')
    .addHelpText('after', examples)
    .action(async (flags: MnistFlags) => runMnist(terminal, flags));
  return new Command('train').description('Train a neural network.').addCommand(mnist);
}

/** What is wrong with the flags is found out before the training, not after it. */
async function checkFlags({ out, checkpoints, resume }: MnistFlags): Promise<void> {
  if (resume && checkpoints === undefined) {
    throw new ConfigError(
      'train mnist: --resume must know where the checkpoints are, but got no folder. Pass --checkpoints FOLDER, or leave --resume out.',
    );
  }
  await prepareOutput('train mnist', 'out', out);
  if (checkpoints === undefined) return;
  const file = checkpoints.trim() === '' ? '' : join(checkpoints, 'last.safetensors');
  await prepareOutput('train mnist', 'checkpoints', file);
}

async function runMnist(terminal: Terminal, flags: MnistFlags): Promise<void> {
  const { out, json, ...settings } = flags;
  await checkFlags(flags);
  const view = new TrainView(terminal, { quiet: json === true });
  const stop = new AbortController();
  const release = stopOnInterrupt(stop, terminal);
  try {
    const { result, onnx, profile } = await runMnistJob({
      ...settings,
      callbacks: view.callbacks(),
      signal: stop.signal,
    });
    await writeFileAtomically('train', out, [onnx], onnx.byteLength);
    const epochs = result.epochs.map(({ epoch, trainLoss, metrics, seconds }) => ({
      epoch,
      trainLoss,
      testAccuracy: metrics['accuracy'],
      seconds,
    }));
    const document = {
      epochs,
      testAccuracy: epochs.at(-1)?.testAccuracy ?? null,
      totalSeconds: result.totalSeconds,
      modelPath: out,
      stopped: result.stopped,
    };
    if (profile !== undefined) terminal.note(formatProfile(profile));
    if (json) terminal.out(jsonText(document));
    else terminal.out(view.summary(document, onnx.byteLength));
    if (result.stopped === 'cancelled') process.exitCode = 130;
  } finally {
    view.close();
    release();
  }
}
