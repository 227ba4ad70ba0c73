import { readFile } from 'node:fs/promises';
import { DataError } from '#core';
import type { Pixels, SoundPictureOptions } from '#data';
import { type OnnxModelInfo, OnnxSession, readOnnxModel, type SessionOptions } from '#engine';
import {
  type ClassifierMetadata,
  type PictureResize,
  readClassifierMetadata,
} from './classifier-metadata.ts';
import { PICTURES_INPUT } from './prepare-pictures.ts';

const BATCH = 32;
/** Pixels of one call, however many pictures they are. */
const BATCH_PIXELS = 16_777_216;

/** The ONNX file of a picture classifier, run by ONNX Runtime alone. Release it when done. */
export class ImageClassifier {
  /** K names, in the order of the probabilities. */
  readonly classes: readonly string[];
  /** Pixels that the network sees; pictures may have any size. */
  readonly imageSize: readonly [height: number, width: number];
  /** How pictures of other sizes are brought to that. */
  readonly resize: PictureResize;
  readonly architecture: string;
  /** Of its validation, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** How sounds become its pictures; undefined for a model of pictures alone. */
  readonly sound: SoundPictureOptions | undefined;
  /** `metadata_props` of the file. */
  readonly metadata: Readonly<Record<string, string>>;
  private readonly session: OnnxSession;

  private constructor(session: OnnxSession, facts: ClassifierMetadata) {
    this.session = session;
    this.metadata = session.info.metadata;
    this.classes = facts.classes;
    this.imageSize = facts.imageSize;
    this.resize = facts.resize;
    this.architecture = facts.architecture;
    this.metrics = facts.metrics;
    this.sound = facts.sound;
  }

  /**
   * @param source path or bytes of a file that `exportClassifier` or `trainyard classify train` wrote
   * @param options threads: of one operator; ONNX Runtime's default when absent
   * @throws DataError when there is no such file, it is damaged, or it is a model of another kind: with what it is
   */
  static async load(source: string | Uint8Array, options: SessionOptions = {}): Promise<ImageClassifier> {
    const name = typeof source === 'string' ? source : 'model';
    const bytes = typeof source === 'string' ? await readModelFile(source) : source;
    const facts = readClassifierMetadata(readInfo(bytes, name), name);
    return new ImageClassifier(await openSession(bytes, name, options), facts);
  }

  /**
   * Pictures of any sizes; those of one size are run together.
   * @returns `[N, K]`, in the order of the pictures
   * @throws DataError for pixels that do not have the size they state
   */
  async predict(pictures: readonly Pixels[]): Promise<{ readonly probabilities: Float32Array }> {
    const K = this.classes.length;
    const probabilities = new Float32Array(pictures.length * K);
    for (const batch of batchesOf(pictures)) {
      const { width, height } = pictures[batch[0]];
      const data = new Uint8Array(batch.length * height * width * 3);
      for (const [at, index] of batch.entries()) data.set(pictures[index].data, at * height * width * 3);
      const outputs = await this.session.run({
        [PICTURES_INPUT]: { dtype: 'uint8', data, dims: [batch.length, height, width, 3] },
      });
      const rows = outputs['probabilities'].data as Float32Array;
      for (const [at, index] of batch.entries()) {
        probabilities.set(rows.subarray(at * K, (at + 1) * K), index * K);
      }
    }
    return { probabilities };
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

/** Indices of pictures of equal size, at most 32 and, unless it is one, at most `BATCH_PIXELS` together. */
function batchesOf(pictures: readonly Pixels[]): number[][] {
  const bySize = new Map<string, number[]>();
  for (const [i, { width, height, data }] of pictures.entries()) {
    if (!(width >= 1 && height >= 1) || data.length !== width * height * 3) {
      throw new DataError(
        `ImageClassifier.predict: pixels must hold height × width × 3 values, but picture ${i} has ${data.length} for ${height} × ${width}. Decode it as RGB.`,
        { index: i, width, height },
      );
    }
    const key = `${height}x${width}`;
    const same = bySize.get(key);
    if (same === undefined) bySize.set(key, [i]);
    else same.push(i);
  }
  return [...bySize.values()].flatMap((indices) => {
    const { width, height } = pictures[indices[0]];
    const size = Math.max(1, Math.min(BATCH, Math.floor(BATCH_PIXELS / (width * height))));
    return Array.from({ length: Math.ceil(indices.length / size) }, (_, i) =>
      indices.slice(i * size, (i + 1) * size),
    );
  });
}

function readInfo(bytes: Uint8Array, name: string): OnnxModelInfo {
  try {
    return readOnnxModel(bytes);
  } catch (error) {
    throw damaged(name, 'its bytes are no ONNX model', error);
  }
}

async function openSession(bytes: Uint8Array, name: string, options: SessionOptions): Promise<OnnxSession> {
  try {
    return await OnnxSession.create(bytes, options);
  } catch (error) {
    throw damaged(name, 'ONNX Runtime refuses it', error);
  }
}

function damaged(name: string, reason: string, cause: unknown): DataError {
  return new DataError(
    `${name}: the ONNX file of an image classifier must be given, but ${reason}. It is damaged or of another kind: write it again, or name another file.`,
    { file: name },
    { cause },
  );
}

async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new DataError(
      `${path}: a model file must be given, but ${reason}. Check the path.`,
      { file: path },
      { cause: error },
    );
  }
}
