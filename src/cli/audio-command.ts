import { Command } from 'commander';
import { type ConvertSoundsOptions, convertSounds, writeBirdSongs } from '#data';
import { CountProgress } from './count-progress.ts';
import { jsonText } from './json-text.ts';
import { parseNumber, wholeNumber } from './parse-options.ts';
import { addWrittenPictureOptions, type PictureFlags, pictureOptions } from './picture-flags.ts';
import type { Terminal } from './terminal.ts';

interface CommonFlags extends PictureFlags {
  readonly seed: number;
  readonly folds?: number;
  readonly out: string;
  readonly json?: boolean;
}

interface SpectrogramFlags extends CommonFlags {
  readonly skipBroken?: boolean;
}

interface GenerateFlags extends CommonFlags {
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
  return addWrittenPictureOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard audio spectrogram recordings --out spectrograms --folds 5
  $ trainyard audio spectrogram song.mp3 --pcen --window 3 --overlap 1.5 --out song --colors heat`,
    )
    .action(async (inputs: string[], flags: SpectrogramFlags) => {
      const progress = new CountProgress(terminal, 'sounds');
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
  return addWrittenPictureOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard audio generate --species 40 --recordings 30 --spectrograms --out birds
  $ trainyard audio generate --species 3 --recordings 2 --noise 0 --overlap-share 0 --out clean`,
    )
    .action(async (flags: GenerateFlags) => {
      const progress = new CountProgress(terminal, 'recordings');
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
