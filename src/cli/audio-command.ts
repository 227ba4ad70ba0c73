import { Command, Option } from 'commander';
import {
  type ConvertSoundsOptions,
  convertSounds,
  type SoundWindowsOptions,
  type WriteSpectrogramOptions,
  writeBirdSongs,
} from '#data';
import { AudioProgress } from './audio-progress.ts';
import { jsonText } from './json-text.ts';
import { parseNumber, parseSize, wholeNumber } from './parse-options.ts';
import type { Terminal } from './terminal.ts';

/** Flags of every command that draws spectrograms. */
interface PictureFlags {
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
  readonly seed: number;
  readonly folds?: number;
  readonly out: string;
  readonly json?: boolean;
}

interface SpectrogramFlags extends PictureFlags {
  readonly skipBroken?: boolean;
}

interface GenerateFlags extends PictureFlags {
  readonly species: number;
  readonly recordings: number;
  readonly seconds: number;
  readonly noise: number;
  readonly overlapShare: number;
  readonly spectrograms?: boolean;
}

/** `trainyard audio` */
export function audioCommand(terminal: Terminal): Command {
  return new Command('audio')
    .description('Pictures of sounds for an image classifier, and generated bird songs.')
    .addCommand(spectrogramCommand(terminal))
    .addCommand(generateCommand(terminal));
}

function spectrogramCommand(terminal: Terminal): Command {
  const command = new Command('spectrogram')
    .description('Cut sounds into windows and write a spectrogram of each as PNG, with a table of them.')
    .argument('<in...>', 'WAV, FLAC, Ogg Vorbis and MP3 files, or folders with one folder per class')
    .requiredOption('--out <folder>', 'where OUT/CLASS/RECORDING_WINDOW.png and OUT/spectrograms.csv go')
    .option('--folds <k>', 'add a column fold: recordings dealt evenly by class', wholeNumber(2))
    .option('--seed <n>', 'of the folds', wholeNumber(0), 0)
    .option('--skip-broken', 'leave out and list sounds that cannot be read, instead of stopping')
    .option('--json', 'print one JSON document');
  return addPictureOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard audio spectrogram recordings --out spectrograms --folds 5
  $ trainyard audio spectrogram song.mp3 --pcen --window 3 --overlap 1.5 --out song --colors heat`,
    )
    .action(async (inputs: string[], flags: SpectrogramFlags) => {
      const progress = new AudioProgress(terminal, 'sounds');
      const options: ConvertSoundsOptions = {
        ...pictureOptions(flags),
        seed: flags.seed,
        onBroken: flags.skipBroken ? 'skip' : 'fail',
        onProgress: (done, total, path) => progress.show(done, total, path),
        ...(flags.folds === undefined ? {} : { folds: flags.folds }),
      };
      const result = await convertSounds(inputs, flags.out, options).finally(() => progress.close());
      for (const { path, reason } of result.broken) terminal.note(`skipped ${path}: ${reason}`);
      if (flags.json) {
        terminal.out(jsonText(result));
        return;
      }
      const classes = result.classes.length > 0 ? ` in ${result.classes.length} classes` : '';
      const skipped = result.broken.length > 0 ? `, ${result.broken.length} skipped` : '';
      terminal.out(
        `${result.csv}: ${result.spectrograms} spectrograms of ${result.sounds} sounds${classes}${skipped}`,
      );
    });
}

function generateCommand(terminal: Terminal): Command {
  const command = new Command('generate')
    .description('Write songs of birds that do not exist, with known species, noise and overlap.')
    .requiredOption('--out <folder>', 'where OUT/sounds/SPECIES/RECORDING.wav and OUT/sounds.csv go')
    .option('--species <n>', 'classes, 1 to 264', wholeNumber(1), 10)
    .option('--recordings <n>', 'recordings of each species', wholeNumber(1), 10)
    .option('--seconds <s>', 'length of a recording', parseNumber, 5)
    .option('--noise <ratio>', "mean ratio of the noise's RMS to the song's", parseNumber, 0.3)
    .option('--overlap-share <p>', 'probability that another species sings behind', parseNumber, 0.25)
    .option('--folds <k>', 'folds that recordings are dealt to', wholeNumber(1), 5)
    .option('--seed <n>', 'same seed, same recordings', wholeNumber(0), 0)
    .option('--spectrograms', 'also write OUT/spectrograms/SPECIES/*.png and OUT/spectrograms.csv')
    .option('--json', 'print one JSON document');
  return addPictureOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard audio generate --species 40 --recordings 30 --spectrograms --out birds
  $ trainyard audio generate --species 3 --recordings 2 --noise 0 --overlap-share 0 --out clean`,
    )
    .action(async (flags: GenerateFlags) => {
      const progress = new AudioProgress(terminal, 'recordings');
      const { sampleRate, ...pictures } = pictureOptions(flags);
      const result = await writeBirdSongs(flags.out, {
        species: flags.species,
        recordings: flags.recordings,
        seconds: flags.seconds,
        noise: flags.noise,
        overlap: flags.overlapShare,
        seed: flags.seed,
        sampleRate,
        ...(flags.folds === undefined ? {} : { folds: flags.folds }),
        ...(flags.spectrograms ? { spectrograms: pictures } : {}),
        onProgress: (done, total) => progress.show(done, total),
      }).finally(() => progress.close());
      if (flags.json) {
        terminal.out(jsonText(result));
        return;
      }
      terminal.out(`${result.csv}: ${result.recordings} recordings of ${result.species.length} species`);
      if (result.spectrogramCsv !== null) {
        terminal.out(`${result.spectrogramCsv}: ${result.spectrograms} spectrograms`);
      }
    });
}

function addPictureOptions(command: Command): Command {
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
    .addOption(new Option('--colors <map>', 'of the picture').choices(['grey', 'heat']).default('grey'))
    .option('--size <HxW>', 'stretch pictures to this height and width, e.g. 128x128', parseSize);
}

function pictureOptions(flags: PictureFlags): SoundWindowsOptions & WriteSpectrogramOptions {
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
