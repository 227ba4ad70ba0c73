import { ConfigError, nearestName } from '#core';
import { Affine, Perspective, ShiftScaleRotate } from './affine.ts';
import { RandomBrightnessContrast } from './brightness.ts';
import { ColorJitter, HueSaturationValue, ToGray } from './colour.ts';
import { Compose, type Pipeline, type PipelineJson } from './compose.ts';
import { CenterCrop, PadIfNeeded, RandomResizedCrop } from './crops.ts';
import { CoarseDropout, Cutout } from './dropout.ts';
import { Blur, CLAHE } from './filters.ts';
import { HorizontalFlip, VerticalFlip } from './flips.ts';
import { GaussNoise } from './gauss-noise.ts';
import { CutMix, type Mix, MixUp } from './mixing.ts';
import { Normalize } from './normalize.ts';
import { OneOf, Sequential } from './one-of.ts';
import { LongestMaxSize, Resize, SmallestMaxSize } from './resizing.ts';
import type { Transform } from './transform.ts';

type Factory<Step> = (options: Readonly<Record<string, unknown>>) => Step;

const mixes: Readonly<Record<string, Factory<Mix>>> = { MixUp, CutMix };

const transforms: Readonly<Record<string, Factory<Transform>>> = {
  Affine,
  Blur,
  CenterCrop,
  CLAHE,
  CoarseDropout,
  ColorJitter,
  Cutout,
  GaussNoise,
  HorizontalFlip,
  HueSaturationValue,
  LongestMaxSize,
  Normalize,
  PadIfNeeded,
  Perspective,
  RandomBrightnessContrast,
  RandomResizedCrop,
  Resize,
  ShiftScaleRotate,
  SmallestMaxSize,
  ToGray,
  VerticalFlip,
};

const groups: Readonly<Record<string, typeof OneOf>> = { OneOf, Sequential };

/** Names that `transform` may have. */
export const transformNames: readonly string[] = [mixes, transforms, groups].flatMap(Object.keys).sort();

/**
 * The pipeline that `toJSON` described, or that was written by hand: absent options have their usual values.
 * @throws ConfigError naming the transform and option at fault
 */
export function augmentFromJson(json: {
  readonly seed?: number;
  readonly transforms: PipelineJson['transforms'];
}): Pipeline {
  const given: unknown = json;
  if (!isRecord(given)) throw wrongForm('a pipeline', 'an object with "transforms"', given);
  const { seed, transforms: steps, ...others } = given;
  if (!Array.isArray(steps)) throw wrongForm('transforms', 'a list', steps);
  if (Object.keys(others).length > 0) {
    throw new ConfigError(
      `augmentFromJson: a pipeline has seed and transforms, but got ${Object.keys(others).join(', ')} too. Remove it.`,
    );
  }
  return Compose(steps.map(stepFromJson), seed === undefined ? {} : { seed: seed as number });
}

function stepFromJson(json: unknown): Transform | Mix {
  if (!isRecord(json)) throw wrongForm('a transform', 'an object with "transform"', json);
  const { transform: name, ...options } = json;
  if (typeof name === 'string' && Object.hasOwn(mixes, name)) return mixes[name](options);
  return transformFromJson(json);
}

function transformFromJson(json: unknown): Transform {
  if (!isRecord(json)) throw wrongForm('a transform', 'an object with "transform"', json);
  const { transform: name, ...options } = json;
  if (typeof name === 'string' && Object.hasOwn(transforms, name)) return transforms[name](options);
  if (typeof name === 'string' && Object.hasOwn(groups, name)) {
    const { transforms: members, ...rest } = options;
    if (!Array.isArray(members)) throw wrongForm(`${name}.transforms`, 'a list', members);
    return groups[name](members.map(transformFromJson), rest);
  }
  const near = typeof name === 'string' ? nearestName(name, transformNames) : undefined;
  throw new ConfigError(
    `augmentFromJson: transform must be one of ${transformNames.join(', ')}, but got ${JSON.stringify(name)}. ${near === undefined ? 'Choose one.' : `Did you mean ${near}?`}`,
    { transform: name },
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrongForm(what: string, wanted: string, got: unknown): ConfigError {
  return new ConfigError(
    `augmentFromJson: ${what} must be ${wanted}, but got ${JSON.stringify(got) ?? 'nothing'}. Change it.`,
  );
}
