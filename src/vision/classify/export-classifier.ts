import { ConfigError } from '#core';
import { type Tensor, tensor } from '#engine';
import { exportOnnx, Module } from '#nn';
import { type ClassifierMetadata, writeClassifierMetadata } from './classifier-metadata.ts';
import { preparePictures } from './prepare-pictures.ts';

export interface ExportClassifierOptions
  extends Omit<ClassifierMetadata, 'metrics' | 'sound'>,
    Partial<Pick<ClassifierMetadata, 'metrics' | 'sound'>> {
  /** Subtracted from each channel's share of 255; nothing when absent. */
  readonly mean?: readonly [number, number, number];
  /** What each channel is divided by after that; nothing when absent. */
  readonly std?: readonly [number, number, number];
  /** Further entries of the file's metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A network with what pictures need before it. */
class PictureNetwork extends Module {
  readonly network: Module;
  private readonly normalize: (x: Tensor) => Tensor;

  constructor(network: Module, { mean, std }: Pick<ExportClassifierOptions, 'mean' | 'std'>) {
    super();
    this.network = network;
    this.training = network.training;
    const perChannel = (values: readonly number[]) => tensor(values.map((value) => [[value]]));
    this.normalize = (x) => {
      const shifted = mean === undefined ? x : x.sub(perChannel(mean));
      return std === undefined ? shifted : shifted.div(perChannel(std));
    };
  }

  /** @param x float32 `[N, 3, H, W]` from 0 to 255 */
  override forward(x: Tensor): Tensor {
    return this.network.forward(this.normalize(x.div(255)));
  }
}

/**
 * A picture classifier as one self-contained ONNX file.
 *
 * Input `images`: uint8 `[N, height, width, 3]`, RGB, any size (one per call). Outputs: `logits` float32 `[N, K]`,
 * `probabilities` float32 `[N, K]`, `label` int64 `[N]`. Resizing, scaling to [0, 1] and normalising happen inside.
 *
 * @param network float32 `[N, 3, H, W]`, scaled and normalised → logits `[N, K]`; exported in evaluation mode
 * @returns the file's bytes
 * @throws ConfigError for a size or number of classes that does not fit the network, or sizes that are no whole numbers
 * @onnx Transpose, Cast, Resize (and Slice), Div, the network's, Softmax, ArgMax
 * @example
 * const bytes = exportClassifier(createModel('resnet18', { numClasses: 2 }), {
 *   classes: ['cat', 'dog'], architecture: 'resnet18', imageSize: [224, 224], resize: 'crop',
 * });
 */
export function exportClassifier(network: Module, options: ExportClassifierOptions): Uint8Array {
  const { classes, imageSize, resize, metrics = {}, sound, metadata = {} } = options;
  checkOptions(options);
  return exportOnnx(new PictureNetwork(network, options), {
    inputs: [
      {
        name: 'pictures',
        shape: ['N', 3, ...imageSize],
        prepare: (graph) => preparePictures(graph, imageSize, resize),
      },
    ],
    output: 'logits',
    extra: {
      probabilities: (logits) => checkLogits(logits, classes.length).softmax(),
      label: (logits) => logits.argMax(),
    },
    metadata: {
      ...metadata,
      ...writeClassifierMetadata({ ...options, metrics, sound }),
    },
  });
}

function checkOptions({ classes, imageSize }: ExportClassifierOptions): void {
  if (imageSize.length !== 2 || !imageSize.every((side) => Number.isSafeInteger(side) && side > 0)) {
    throw new ConfigError(
      `exportClassifier: imageSize must be height and width in whole pixels, but got ${imageSize.join(' × ')}. Give one such as [224, 224].`,
      { imageSize },
    );
  }
  if (classes.length > 0 && new Set(classes).size === classes.length) return;
  throw new ConfigError(
    `exportClassifier: classes must be different names, at least one, but got ${classes.slice(0, 20).join(', ') || 'none'}. Rename them.`,
    { classes },
  );
}

function checkLogits(logits: Tensor, classes: number): Tensor {
  if (logits.shape.length === 2 && logits.shape[1] === classes) return logits;
  throw new ConfigError(
    `exportClassifier: the network must give one logit per class, but gives ${logits.shape.slice(1).join(' × ')} for ${classes} classes. Name every class, or swap the head.`,
    { classes },
  );
}
