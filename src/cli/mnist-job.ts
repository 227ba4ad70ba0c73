import { ConfigError, type HostTensor, type Logger } from '#core';
import {
  checkLabels,
  DataLoader,
  drawDigits,
  type LabelledImages,
  loadMnist,
  type Mnist,
  normalize,
  randomAffine,
  TensorDataset,
  toTensor,
} from '#data';
import type { Profile, Tensor } from '#engine';
import {
  AdamW,
  crossEntropy,
  exportOnnx,
  Linear,
  Module,
  manualSeed,
  type Optimizer,
  oneCycle,
  type Schedule,
  SGD,
} from '#nn';
import { accuracy, type Callbacks, compile, type FitOptions, type FitResult, fit } from '#train';
import { checkRun, describeRun, writeRun } from './mnist-run.ts';

export type Recipe = 'lecture' | 'auto';

/** Mean and standard deviation of MNIST's pixels. */
const MEAN = 0.1307;
const STD = 0.3081;
const SIZE = 28;
const CLASSES = 10;
const BATCH = 64;

/** The lecture's perceptron: 784-512-256-128-64-10 with ReLU. */
class Perceptron extends Module {
  readonly l1 = new Linear(SIZE * SIZE, 512);
  readonly l2 = new Linear(512, 256);
  readonly l3 = new Linear(256, 128);
  readonly l4 = new Linear(128, 64);
  readonly l5 = new Linear(64, CLASSES);

  override forward(x: Tensor): Tensor {
    const layers = [this.l1, this.l2, this.l3, this.l4];
    return this.l5.forward(layers.reduce((h, layer) => layer.forward(h).relu(), x.flatten(1)));
  }
}

/** Pixels 0 to 255 in, as they are stored. */
class FromPixels extends Module {
  readonly network: Module;

  constructor(network: Module) {
    super();
    this.network = network;
  }

  override forward(pixels: Tensor): Tensor {
    return this.network.forward(
      pixels
        .cast('float32')
        .mul(1 / 255 / STD)
        .sub(MEAN / STD),
    );
  }
}

export interface MnistJobOptions {
  /** Folder of MNIST's four files; drawn digits when absent. */
  readonly data?: string;
  readonly epochs: number;
  readonly recipe: Recipe;
  readonly seed: number;
  /** Sizes of the drawn sets. */
  readonly drawn?: { readonly train: number; readonly test: number };
  /** Folder of the checkpoints, which must be there. */
  readonly checkpoints?: string;
  /** Go on from the last checkpoint, where there is one. */
  readonly resume?: boolean;
  readonly threads?: number;
  readonly autotune?: boolean;
  /** Also measure where a step's time goes. */
  readonly profile?: boolean;
  readonly callbacks?: Callbacks;
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
}

export interface MnistJob {
  readonly result: FitResult;
  /** The trained classifier: uint8 `[N, 28, 28]` in, logits, probabilities and label out. */
  readonly onnx: Uint8Array;
  readonly profile?: Profile;
}

type CheckpointOptions = Pick<FitOptions, 'checkpoint' | 'resume' | 'callbacks'>;

/** Checkpoints, with a description of the run beside them from the first one on: an older run's stays until then. */
function checkpointOptions(
  { checkpoints, resume = false, callbacks, recipe, seed, epochs }: MnistJobOptions,
  data: Mnist,
): CheckpointOptions {
  if (checkpoints === undefined) return callbacks === undefined ? {} : { callbacks };
  const run = describeRun(data, { recipe, seed, ...(recipe === 'auto' ? { epochs } : {}) });
  if (resume) checkRun(checkpoints, run);
  let isDescribed = false;
  const onCheckpoint: Callbacks['onCheckpoint'] = (path, kind) => {
    if (!isDescribed) writeRun(checkpoints, run);
    isDescribed = true;
    callbacks?.onCheckpoint?.(path, kind);
  };
  return { checkpoint: { folder: checkpoints }, resume, callbacks: { ...callbacks, onCheckpoint } };
}

async function loadData({
  data,
  seed,
  drawn = { train: 20_000, test: 4_000 },
}: MnistJobOptions): Promise<Mnist> {
  if (data !== undefined) return loadMnist(data);
  return {
    train: drawDigits({ count: drawn.train, seed }),
    test: drawDigits({ count: drawn.test, seed: seed + 1_000_003 }),
  };
}

function toDataset({ images, labels }: LabelledImages): TensorDataset {
  checkLabels(labels, CLASSES);
  if (images.shape[1] !== SIZE || images.shape[2] !== SIZE) {
    throw new ConfigError(
      `train mnist: images must have ${SIZE} × ${SIZE} pixels, but got [${images.shape.join(', ')}]. Resize them.`,
      { shape: [...images.shape] },
    );
  }
  const pixels = { ...images, shape: [images.shape[0], 1, SIZE, SIZE] } as HostTensor;
  const targets = BigInt64Array.from(labels.data as Uint8Array, (label) => BigInt(label));
  return new TensorDataset(normalize([MEAN], [STD])(toTensor()(pixels)), {
    dtype: 'int64',
    shape: labels.shape,
    data: targets,
  });
}

interface RecipeParts {
  readonly optimizer: Optimizer;
  readonly schedule?: Schedule;
  readonly augment: boolean;
  readonly labelSmoothing: number;
}

function recipeParts(recipe: Recipe, updates: number): RecipeParts {
  if (recipe === 'lecture') {
    return { optimizer: new SGD({ learningRate: 0.01, momentum: 0.5 }), augment: false, labelSmoothing: 0 };
  }
  return {
    optimizer: new AdamW({ learningRate: 2e-3, weightDecay: 0.02 }),
    schedule: oneCycle({ steps: updates, warmupShare: 0.2, momentum: false }),
    augment: true,
    labelSmoothing: 0.02,
  };
}

/**
 * Trains the lecture's classifier of handwritten digits, with its recipe or our own.
 * @throws DataError for missing or damaged files
 * @throws ConfigError when a training that is to go on was begun with other data, recipe or seed
 */
export async function runMnistJob(options: MnistJobOptions): Promise<MnistJob> {
  const { epochs, recipe, seed, threads, autotune, signal, logger } = options;
  const data = await loadData(options);
  const [train, test] = [toDataset(data.train), toDataset(data.test)];
  const checkpointed = checkpointOptions(options, data);
  const updates = Math.ceil(train.length / BATCH) * epochs;
  const { optimizer, schedule, augment, labelSmoothing } = recipeParts(recipe, updates);
  const range = { degrees: 10, translate: 0.08, scale: [0.9, 1.1] as const, shear: 8, fill: -MEAN / STD };
  const loader = new DataLoader(train, {
    batchSize: BATCH,
    shuffle: true,
    seed,
    ...(augment
      ? { transform: ([x, y], context) => [randomAffine(x as HostTensor<'float32'>, range, context), y] }
      : {}),
  });
  manualSeed(seed);
  const model = new Perceptron();
  const setup = {
    model,
    loss: (output: Tensor, target: Tensor) => crossEntropy(output, target, { labelSmoothing }),
    optimizer,
    seed,
    ...(threads === undefined ? {} : { threads }),
    ...(autotune === undefined ? {} : { autotune }),
  };
  const result = await fit({
    ...setup,
    data: loader,
    validation: new DataLoader(test, { batchSize: 1000 }),
    metrics: [accuracy],
    watch: 'accuracy',
    epochs,
    ...(schedule === undefined ? {} : { schedule }),
    ...checkpointed,
    ...(signal === undefined ? {} : { signal }),
    ...(logger === undefined ? {} : { logger }),
  });
  const onnx = exportClassifier(model, result);
  if (!options.profile) return { result, onnx };
  const compiled = compile(setup);
  const batch = train.getBatch(Array.from({ length: Math.min(BATCH, train.length) }, (_, i) => i));
  return { result, onnx, profile: await compiled.profile(batch) };
}

function exportClassifier(model: Module, { epochs }: FitResult): Uint8Array {
  return exportOnnx(new FromPixels(model), {
    inputs: [{ name: 'image', dtype: 'uint8', shape: ['N', SIZE, SIZE] }],
    output: 'logits',
    extra: {
      probabilities: (logits) => logits.softmax(1),
      label: (logits) => logits.argMax(1),
    },
    metadata: {
      task: 'image-classification',
      classes: JSON.stringify(Array.from({ length: CLASSES }, (_, k) => String(k))),
      metrics: JSON.stringify(epochs.at(-1)?.metrics ?? {}),
    },
  });
}
