import { pathToFileURL } from 'node:url';
import { DataError, distFile } from '#core';
import { checkIndex, type Dataset, type Sample } from '../samples/dataset.ts';
import type { DatasetDescription } from '../samples/open-dataset.ts';
import { type BrokenSound, type ReadSoundsOptions, readSounds } from './read-sounds.ts';
import { type SoundWindowsOptions, soundSpectrogram, soundWindows } from './sound-spectrogram.ts';
import { type SpectrogramPixelsOptions, spectrogramPixels } from './spectrogram-pixels.ts';

export interface SoundFolderOptions
  extends SoundWindowsOptions,
    SpectrogramPixelsOptions,
    Omit<ReadSoundsOptions, 'sampleRate'> {
  /** 3 for RGB (default), 1 for grey. */
  readonly channels?: 1 | 3;
}

/** A recording in memory. */
interface Recording {
  /** In shared memory, so that worker threads need no copy. */
  readonly samples: Float32Array;
  readonly label: number;
  readonly name: string;
}

interface SoundFolderSettings {
  readonly recordings: readonly Recording[];
  readonly classes: readonly string[];
  readonly options: Omit<SoundFolderOptions, 'onProgress' | 'onBroken'>;
}

/**
 * Sounds in one folder per class as pictures that are drawn when asked for: a sample is one window's spectrogram as
 * uint8 `[C, nMels, T]`, the pixels that `convertSounds` writes, and its class as int64 `[]`. Sounds are read once, by
 * `open`, and stay in memory: 4 bytes a sample, 0.46 GB an hour at 32 kHz. For more than fits, write pictures first.
 *
 * @example
 * const sounds = await SoundFolderDataset.open('recordings', { sampleRate: 32_000, fMin: 300 });
 * const loader = new DataLoader(sounds, { batchSize: 32, shuffle: true, transform: specAugmentBatches() });
 */
export class SoundFolderDataset implements Dataset {
  readonly classes: readonly string[];
  /** Per sample, the index of its class. */
  readonly labels: Uint32Array;
  /** Per sample, its recording's index in `recordings`: what a split by group keeps together. */
  readonly groups: Uint32Array;
  /** Names of the recordings, as `CLASS/NAME` without the extension. */
  readonly recordings: readonly string[];
  /** Sounds that `open` left out. */
  readonly broken: readonly BrokenSound[];
  readonly worker: DatasetDescription;
  private readonly settings: SoundFolderSettings;
  /** Per sample, which window of its recording it is. */
  private readonly windows: Uint32Array;

  constructor(settings: SoundFolderSettings, broken: readonly BrokenSound[] = []) {
    const counts = settings.recordings.map(({ samples }) => soundWindows(samples, settings.options).length);
    const perSample = (value: (recording: number, window: number) => number) =>
      Uint32Array.from(
        counts.flatMap((count, recording) =>
          Array.from({ length: count }, (_, window) => value(recording, window)),
        ),
      );
    this.settings = settings;
    this.classes = settings.classes;
    this.groups = perSample((recording) => recording);
    this.windows = perSample((_, window) => window);
    this.labels = this.groups.map((recording) => settings.recordings[recording].label);
    this.recordings = settings.recordings.map(({ name }) => name);
    this.broken = broken;
    const module = pathToFileURL(distFile('data', 'audio', 'sound-folder.js')).href;
    this.worker = { module, create: 'createSoundFolder', settings };
  }

  /**
   * Reads the sounds of a folder; classes are its folders' names, sorted by their code units.
   * @throws DataError for sounds outside a class folder, none at all, or broken ones unless they are skipped; ConfigError
   * for options out of range
   */
  static async open(
    folder: string,
    { onProgress, onBroken, ...options }: SoundFolderOptions,
  ): Promise<SoundFolderDataset> {
    const found: { samples: Float32Array; className: string; name: string }[] = [];
    const reading: ReadSoundsOptions = {
      sampleRate: options.sampleRate,
      ...(onBroken === undefined ? {} : { onBroken }),
      ...(onProgress === undefined ? {} : { onProgress }),
    };
    const broken = await readSounds([folder], reading, ({ path, className, name }, samples) => {
      if (className === null) {
        throw new DataError(
          `SoundFolderDataset: every sound must lie in the folder of its class, but "${path}" does not. Move it to ${folder}/CLASS.`,
          { file: path },
        );
      }
      const shared = new Float32Array(new SharedArrayBuffer(4 * samples.length));
      shared.set(samples);
      found.push({ samples: shared, className, name });
    });
    const classes = [...new Set(found.map(({ className }) => className))].sort();
    const recordings = found.map(({ samples, className, name }) => ({
      samples,
      name,
      label: classes.indexOf(className),
    }));
    return new SoundFolderDataset({ recordings, classes, options }, broken);
  }

  get length(): number {
    return this.groups.length;
  }

  get(index: number): Sample {
    checkIndex(index, this.length);
    const { recordings, options } = this.settings;
    const { samples, label } = recordings[this.groups[index]];
    const window = soundWindows(samples, options)[this.windows[index]];
    const { width, height, data } = spectrogramPixels(soundSpectrogram(window, options), options);
    const channels = options.channels ?? 3;
    const planes = new Uint8Array(channels * width * height);
    for (let c = 0; c < channels; c++) {
      const start = c * width * height;
      for (let i = 0; i < width * height; i++) planes[start + i] = data[3 * i + c];
    }
    return [
      { dtype: 'uint8', shape: [channels, height, width], data: planes },
      { dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(label)) },
    ];
  }
}

/** @public Called by its name in worker threads. */
export function createSoundFolder(settings: SoundFolderSettings): SoundFolderDataset {
  return new SoundFolderDataset(settings);
}
