import { ConfigError, nearestName } from '#core';
import { findArchitecture } from '../architectures/index.ts';
import { presetNames } from '../augment/index.ts';
import { type ClassifySettings, defaultSettings, watchNames } from './classify-settings.ts';

type Settings = Record<keyof ClassifySettings, unknown>;
/** What a value must be, or undefined when it is. */
type Rule = (value: unknown) => string | undefined;

const whole =
  (least: number): Rule =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least ? undefined : `a whole number from ${least}`;
const between =
  (low: number, high: number, isHighAllowed: boolean): Rule =>
  (value) =>
    typeof value === 'number' && value >= low && (isHighAllowed ? value <= high : value < high)
      ? undefined
      : `a number in [${low}, ${high}${isHighAllowed ? ']' : ')'}`;
const positive: Rule = (value) =>
  typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY ? undefined : 'a number above 0';
const nullOr =
  (rule: Rule): Rule =>
  (value) => {
    const expected = value === null ? undefined : rule(value);
    return expected === undefined ? undefined : `${expected}, or null`;
  };
const oneOf =
  (...names: readonly string[]): Rule =>
  (value) =>
    names.includes(value as string) ? undefined : `one of ${names.join(', ')}`;
const flag: Rule = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
const text: Rule = (value) => (typeof value === 'string' && value !== '' ? undefined : 'a text');
const augment: Rule = (value) => {
  if (Array.isArray(value)) return undefined;
  return oneOf('auto', 'none', ...presetNames.filter((name) => !name.endsWith('-valid')))(value);
};
const sha256: Rule = (value) => (/^[0-9a-f]{64}$/i.test(String(value)) ? undefined : '64 hexadecimal digits');
const names: Rule = (value) =>
  Array.isArray(value) && value.every((name) => typeof name === 'string') ? undefined : 'a list of names';
const object: Rule = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object';

const rules: Readonly<Record<keyof ClassifySettings, Rule>> = {
  arch: text,
  weights: nullOr(text),
  weightsSha256: nullOr(sha256),
  headPolicy: oneOf('auto', 'replace', 'strict'),
  allowPartialWeights: flag,
  fold: whole(0),
  folds: whole(2),
  epochs: whole(1),
  imageSize: whole(8),
  batchSize: whole(1),
  validationBatchSize: whole(1),
  accumulate: whole(1),
  gradientCheckpointing: flag,
  dropRate: between(0, 1, false),
  dropPathRate: between(0, 1, false),
  optimizer: oneOf('adamw', 'sgd'),
  learningRate: positive,
  weightDecay: between(0, 1000, true),
  schedule: oneOf('constant', 'cosine', 'linear', 'one-cycle'),
  warmupEpochs: between(0, 1e6, true),
  layerDecay: (value) => (value === 0 ? 'a number in (0, 1]' : between(0, 1, true)(value)),
  clipNorm: nullOr(positive),
  loss: oneOf('cross-entropy', 'focal', 'focal-cosine', 'soft-cross-entropy', 'bi-tempered'),
  labelSmoothing: between(0, 1, false),
  classWeights: oneOf('none', 'balanced'),
  sampling: oneOf('resample', 'balanced', 'all'),
  cap: whole(1),
  floor: whole(0),
  augment,
  mixup: nullOr(between(0, 1, true)),
  cutmix: between(0, 1, true),
  normalize: flag,
  precision: oneOf('float32', 'mixed'),
  ema: nullOr(between(0, 1, false)),
  patience: nullOr(whole(1)),
  watch: oneOf(...watchNames),
  freeze: names,
  unfreezeEvery: nullOr(whole(1)),
  testTimeViews: whole(0),
  keepEpochs: flag,
  onBroken: oneOf('fail', 'skip'),
  sound: object,
  seed: whole(0),
};

/**
 * Settings with the defaults filled in.
 * @param given from options or a configuration file
 * @throws ConfigError naming all unknown names and wrong values at once
 */
export function parseSettings(given: Partial<ClassifySettings> = {}): ClassifySettings {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const faults = present.flatMap(([name, value]) => {
    if (!Object.hasOwn(rules, name)) {
      const near = nearestName(name, Object.keys(rules));
      return [`${name} is no setting${near === undefined ? '' : ` (did you mean ${near}?)`}`];
    }
    const expected = rules[name as keyof ClassifySettings](value);
    return expected === undefined ? [] : [`${name} must be ${expected}, not ${JSON.stringify(value)}`];
  });
  const settings: Settings = { ...defaultSettings, ...Object.fromEntries(present) };
  if (faults.length === 0) faults.push(...contradictions(settings as unknown as ClassifySettings));
  if (faults.length > 0) {
    throw new ConfigError(`classify: settings must be valid, but ${faults.join('; ')}. Change them.`, {
      faults,
    });
  }
  const complete = settings as unknown as ClassifySettings;
  findArchitecture(complete.arch);
  return complete;
}

function contradictions(settings: ClassifySettings): string[] {
  const { cap, floor, loss, mixup, cutmix, labelSmoothing, classWeights, freeze, unfreezeEvery } = settings;
  const { warmupEpochs, epochs, schedule } = settings;
  const faults: string[] = [];
  if (floor > cap) faults.push(`floor ${floor} is above cap ${cap}`);
  const isHard = ['focal', 'focal-cosine', 'soft-cross-entropy'].includes(loss);
  if (isHard && ((mixup ?? 0) > 0 || cutmix > 0))
    faults.push(`loss ${loss} takes one class per picture and cannot be used with mixup or cutmix`);
  if (classWeights === 'balanced' && loss !== 'cross-entropy')
    faults.push(`class weights need the loss cross-entropy, not ${loss}`);
  if (
    ['focal', 'focal-cosine'].includes(loss) &&
    labelSmoothing > 0 &&
    labelSmoothing !== defaultSettings.labelSmoothing
  )
    faults.push(`loss ${loss} has no label smoothing`);
  if (freeze.length === 0 && unfreezeEvery !== null)
    faults.push('unfreezeEvery needs frozen stages (freeze)');
  if (warmupEpochs >= epochs)
    faults.push(`warm-up of ${warmupEpochs} epochs must be shorter than ${epochs} epochs`);
  if (warmupEpochs > 0 && schedule === 'one-cycle')
    faults.push('one-cycle has a warm-up of its own: leave out warmupEpochs');
  return faults;
}
