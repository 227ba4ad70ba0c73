import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ClassifySettings } from '#vision';
import { parseList, parseNumber, wholeNumber } from '../parse-options.ts';

/** Flags whose name differs from the setting's. */
const renamed: Readonly<Record<string, keyof ClassifySettings>> = {
  batch: 'batchSize',
  validationBatch: 'validationBatchSize',
  dropOut: 'dropRate',
  dropPath: 'dropPathRate',
  tta: 'testTimeViews',
  allowPartial: 'allowPartialWeights',
};

/**
 * Adds an option for every setting of a training. Defaults are those of the library, so none has one here: what was
 * typed is told from what was not.
 */
export function addSettingOptions(command: Command): Command {
  return addTrainingOptions(addModelOptions(command));
}

const choice = (flags: string, text: string, names: string[]): Option =>
  new Option(flags, text).choices(names);

function addModelOptions(command: Command): Command {
  return command
    .optionsGroup('Model:')
    .option(
      '--arch <name>',
      '`trainyard classify models` lists them (default: tf_efficientnet_b0.ns_jft_in1k)',
    )
    .option('--weights <file|url>', 'to start from: safetensors, .pth, .pt or .onnx (default: random)')
    .option('--weights-sha256 <hex>', 'checksum of that file, which is compared')
    .addOption(
      choice('--head-policy <how>', 'what becomes of the head of the weights', ['auto', 'replace', 'strict']),
    )
    .option('--allow-partial', 'start from weights that fit in part')
    .option('--drop-out <p>', 'share of features dropped before the head (default: 0.3)', parseNumber)
    .option('--drop-path <p>', 'stochastic depth (default: 0.2)', parseNumber)
    .option('--freeze <stages>', 'not trained: names of stages, or all but the head with "all"', parseList)
    .option(
      '--unfreeze-every <epochs>',
      'the last frozen stage joins after so many epochs, and so on',
      wholeNumber(1),
    )
    .option('--gradient-checkpointing', 'save memory, compute stages twice')
    .optionsGroup('Data:')
    .option('--folds <k>', 'to deal the data to, where it names none (default: 5)', wholeNumber(2))
    .addOption(
      choice('--sampling <how>', 'of classes: cut and filled up, equally often, as they are', [
        'resample',
        'balanced',
        'all',
      ]),
    )
    .option('--cap <n>', 'most pictures of a class with resample (default: 500)', wholeNumber(1))
    .option('--floor <n>', 'fewest pictures of a class with resample (default: 50)', wholeNumber(0))
    .option('--skip-broken', 'leave out and list pictures and sounds that cannot be read')
    .optionsGroup('Augmentation:')
    .option('--augment <preset>', 'auto, none, spectrogram-train, image-light, image-medium, image-heavy')
    .option(
      '--mixup <p>',
      'share of pictures joined with another class (default: 1 for spectrograms)',
      parseNumber,
    )
    .option('--cutmix <p>', 'the same by CutMix (default: 0)', parseNumber)
    .option('--normalize', "use the architecture's mean and standard deviation, not pixel / 255")
    .option('--tta <views>', 'augmented views to average with when judging (default: 0)', wholeNumber(0));
}

function addTrainingOptions(command: Command): Command {
  return command
    .optionsGroup('Training:')
    .option('--epochs <n>', 'times through the training pictures (default: 30)', wholeNumber(1))
    .option('--image-size <pixels>', 'of the shorter side (default: 128)', wholeNumber(8))
    .option('--batch <n>', 'pictures per step (default: 64)', wholeNumber(1))
    .option('--validation-batch <n>', '(default: 32)', wholeNumber(1))
    .option('--accumulate <n>', 'batches per update (default: 1)', wholeNumber(1))
    .addOption(choice('--optimizer <name>', '(default: adamw)', ['adamw', 'sgd']))
    .option('--learning-rate <rate>', '(default: 3e-4; 3e-5 suits fine-tuning)', parseNumber)
    .option('--weight-decay <rate>', '(default: 3e-4)', parseNumber)
    .addOption(
      choice('--schedule <name>', 'of the learning rate (default: constant)', [
        'constant',
        'cosine',
        'linear',
        'one-cycle',
      ]),
    )
    .option('--warmup-epochs <n>', 'over which the learning rate grows (default: 0)', parseNumber)
    .option(
      '--layer-decay <factor>',
      'of the learning rate per stage, from the head back (default: 1)',
      parseNumber,
    )
    .option('--clip-norm <norm>', 'largest norm of the gradients (default: none)', parseNumber)
    .addOption(
      choice('--loss <name>', '(default: cross-entropy)', [
        'cross-entropy',
        'focal',
        'focal-cosine',
        'soft-cross-entropy',
        'bi-tempered',
      ]),
    )
    .option('--label-smoothing <share>', '(default: 0.25)', parseNumber)
    .addOption(choice('--class-weights <how>', 'in the loss (default: none)', ['none', 'balanced']))
    .addOption(choice('--precision <name>', '(default: float32)', ['float32', 'mixed']))
    .option('--ema <decay>', 'keep a moving average of the weights, e.g. 0.999', parseNumber)
    .option('--patience <epochs>', 'end after so many without a better one', wholeNumber(1))
    .option('--watch <metric>', 'that decides which epoch is best (default: cmAP)')
    .option('--keep-epochs', 'keep the checkpoint of every epoch')
    .option('--seed <n>', 'of everything random (default: 123)', wholeNumber(0));
}

/**
 * The settings among parsed flags, by their names in the library.
 * @param names of all settings
 */
export function settingsOf(
  flags: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Partial<ClassifySettings> {
  const settings: Record<string, unknown> = {};
  for (const [flag, value] of Object.entries(flags)) {
    if (names.includes(flag) && flag !== 'fold') settings[flag] = value;
    else if (Object.hasOwn(renamed, flag)) settings[renamed[flag]] = value;
  }
  if (flags['skipBroken'] === true) settings['onBroken'] = 'skip';
  return settings as Partial<ClassifySettings>;
}

/** A fold's number, or `all` of them. */
export function parseFold(text: string): number | 'all' {
  if (text === 'all') return text;
  const fold = Number(text);
  if (!Number.isSafeInteger(fold) || fold < 0) {
    throw new InvalidArgumentError('Give a number from 0, or all.');
  }
  return fold;
}
