import { type Command, Option } from 'commander';
import type { SoundWindowsOptions, WriteSpectrogramOptions } from '#data';
import { parseNumber, parseSize, wholeNumber } from './parse-options.ts';

/** Flags of every command that draws spectrograms. */
export interface PictureFlags {
  readonly sampleRate: number;
  readonly window: number;
  readonly overlap: number;
  readonly padding: 'zero' | 'repeat' | 'shift' | 'drop';
  readonly minTail: number;
  readonly pcen?: boolean;
  readonly nMels: number;
  readonly nFft: number;
  readonly hopLength: number;
  readonly fMin: number;
  readonly fMax?: number;
  readonly melScale: 'slaney' | 'htk';
  readonly colors: 'grey' | 'heat';
  readonly size?: readonly [number, number];
}

/** Adds the options that `PictureFlags` holds, under the heading Spectrograms. */
export function addPictureOptions(command: Command): Command {
  return command
    .optionsGroup('Spectrograms:')
    .option('--sample-rate <hz>', 'samples a second that sounds are brought to', wholeNumber(1), 32_000)
    .option('--window <s>', 'seconds per picture', parseNumber, 5)
    .option('--overlap <s>', 'seconds that two neighbours share', parseNumber, 0)
    .addOption(
      new Option('--padding <how>', 'of the last window: silence, the beginning again, moved back, left out')
        .choices(['zero', 'repeat', 'shift', 'drop'])
        .default('zero'),
    )
    .option(
      '--min-tail <share>',
      'leave out a last window that adds less than this share of a step',
      parseNumber,
      0.1,
    )
    .option('--mel', 'log-mel: decibels below the loudest, 0 to −80 (default)')
    .addOption(
      new Option('--pcen', 'per-channel energy normalisation: flattens steady noise').conflicts('mel'),
    )
    .option('--n-mels <n>', 'mel filters: rows of the picture', wholeNumber(1), 128)
    .option('--n-fft <n>', 'samples per frame', wholeNumber(1), 2048)
    .option('--hop-length <n>', 'samples from frame to frame', wholeNumber(1), 512)
    .option('--f-min <hz>', 'lowest frequency', parseNumber, 0)
    .option('--f-max <hz>', 'highest frequency (default: half the sample rate)', parseNumber)
    .addOption(
      new Option('--mel-scale <scale>', 'formula of the scale').choices(['slaney', 'htk']).default('slaney'),
    )
    .addOption(new Option('--colors <map>', 'of the picture').choices(['grey', 'heat']).default('grey'));
}

/** As `addPictureOptions`, and the size that written pictures are stretched to. */
export function addWrittenPictureOptions(command: Command): Command {
  return addPictureOptions(command).option(
    '--size <HxW>',
    'stretch pictures to this height and width, e.g. 128x128',
    parseSize,
  );
}

/** The flags as `convertSounds` takes them. */
export function pictureOptions(flags: PictureFlags): SoundWindowsOptions & WriteSpectrogramOptions {
  return {
    sampleRate: flags.sampleRate,
    windowSeconds: flags.window,
    overlapSeconds: flags.overlap,
    padding: flags.padding,
    minTail: flags.minTail,
    kind: flags.pcen ? 'pcen' : 'mel',
    nMels: flags.nMels,
    nFft: flags.nFft,
    hopLength: flags.hopLength,
    fMin: flags.fMin,
    melScale: flags.melScale,
    colors: flags.colors,
    ...(flags.fMax === undefined ? {} : { fMax: flags.fMax }),
    ...(flags.size === undefined ? {} : { size: flags.size }),
  };
}
