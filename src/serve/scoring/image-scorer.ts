import { DataError, UnsupportedError } from '#core';
import {
  decodeClassifierInput,
  ImageClassifier,
  type InputPictures,
  type LabelProbability,
  topLabels,
} from '#vision';

/** One picture's or sound's answer. */
export interface ImageScore {
  readonly label: string;
  readonly probability: number;
  /** The five likeliest classes. */
  readonly top: readonly LabelProbability[];
}

const TOP = 5;
/** A picture that unpacks to more is refused. */
const MAX_PIXELS = 100_000_000;

/** A classifier of pictures, or of sounds, written by `trainyard classify train`. */
export class ImageScorer {
  readonly version: string;
  readonly classes: readonly string[];
  /** Whether it also takes sounds. */
  readonly takesSounds: boolean;
  private readonly classifier: ImageClassifier;

  private constructor(classifier: ImageClassifier, version: string) {
    this.classifier = classifier;
    this.version = version;
    this.classes = classifier.classes;
    this.takesSounds = classifier.sound !== undefined;
  }

  /** @throws DataError when the file or bytes hold no classifier */
  static async load(source: string | Uint8Array, version: string): Promise<ImageScorer> {
    return new ImageScorer(await ImageClassifier.load(source), version);
  }

  /**
   * @param where names the picture in errors
   * @throws DataError for bytes that are no picture, or sound where the model takes sounds, or are damaged
   */
  async decode(bytes: Uint8Array, where: string): Promise<InputPictures> {
    try {
      return await decodeClassifierInput(bytes, where, this.classifier.sound, MAX_PIXELS);
    } catch (error) {
      if (!(error instanceof DataError || error instanceof UnsupportedError)) throw error;
      const kinds = `an intact PNG, JPEG, WebP or GIF of at most ${MAX_PIXELS} pixels`;
      const reason = error.cause instanceof Error ? error.cause.message : error.message;
      throw new DataError(
        `score: ${where} must be ${kinds}${this.takesSounds ? ', or a WAV, FLAC, Ogg Vorbis or MP3' : ''}, but is not: ${reason.trim().replace(/\.$/, '')}. Send another file.`,
        { part: where },
        { cause: error },
      );
    }
  }

  /** Of a sound, by the mean of its windows' probabilities. */
  async score(inputs: readonly InputPictures[]): Promise<readonly ImageScore[]> {
    const { probabilities } = await this.classifier.predict(inputs.flatMap(({ pictures }) => pictures));
    const K = this.classes.length;
    let row = 0;
    return inputs.map(({ pictures }) => {
      const mean = new Float64Array(K);
      for (let i = 0; i < pictures.length; i++, row++)
        for (let k = 0; k < K; k++) mean[k] += probabilities[row * K + k] / pictures.length;
      const top = topLabels(mean, this.classes, TOP);
      return { ...top[0], top };
    });
  }

  release(): Promise<void> {
    return this.classifier.release();
  }
}
