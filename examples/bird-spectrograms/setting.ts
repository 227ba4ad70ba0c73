/** In [1] and In [9]: the seed, and CFG with the notebook's keys. */
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

/** In [1]: of everything random, each of which takes it as an option: weights, order, augmentation, drop out. */
export const seed = 123;

export interface Flags {
  readonly data?: string;
  readonly run?: string;
  readonly weights?: string;
  readonly arch?: string;
  readonly epochs?: number;
  readonly imageSize?: number;
  /** The notebook's own values instead of small ones. */
  readonly full: boolean;
}

export interface Cfg {
  readonly fold: number;
  readonly epoch: number;
  readonly model_name: string;
  readonly finetune: boolean;
  readonly img_size: number;
  readonly batch_size: number;
  readonly gradient_accumulation: number;
  readonly gradient_checkpoint: boolean;
  readonly drop_out: number;
  readonly drop_path: number;
  readonly lr: number;
  readonly weight_decay: number;
  readonly num_classes: number;
  /** A file of weights to start from. */
  readonly load_model: string | false;
  readonly save_model: string;
}

/** What differs from the notebook by default: enough for few species, and done in a minute on two cores. */
const small = { epoch: 4, model_name: 'resnet8_cifar', img_size: 48, batch_size: 16, drop_out: 0, lr: 3e-3 };

export function parseFlags(): Flags {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      run: { type: 'string' },
      weights: { type: 'string' },
      arch: { type: 'string' },
      epochs: { type: 'string' },
      'image-size': { type: 'string' },
      full: { type: 'boolean', default: false },
    },
  });
  const { epochs, 'image-size': imageSize, ...rest } = values;
  return {
    ...rest,
    ...(epochs === undefined ? {} : { epochs: Number(epochs) }),
    ...(imageSize === undefined ? {} : { imageSize: Number(imageSize) }),
  };
}

export function imageSizeOf({ imageSize, full }: Flags): number {
  return imageSize ?? (full ? 128 : small.img_size);
}

/** @param best weights of the best epoch of a training, which are then fine-tuned a tenth as fast */
export function startCfg(flags: Flags, classes: number, folder: string, best?: string): Cfg {
  const settled = {
    fold: 0,
    epoch: 30,
    model_name: 'tf_efficientnet_b0_ns',
    batch_size: 64,
    gradient_accumulation: 1,
    gradient_checkpoint: false,
    drop_out: 0.3,
    drop_path: 0.2,
    lr: 3e-4,
    weight_decay: 3e-4,
    num_classes: classes,
    save_model: join(folder, 'train_model'),
    ...(flags.full ? {} : small),
    // Weights that are there already would be lost at a high rate.
    ...(flags.weights === undefined ? {} : { lr: 3e-4 }),
    ...(flags.arch === undefined ? {} : { model_name: flags.arch }),
    ...(flags.epochs === undefined ? {} : { epoch: flags.epochs }),
    img_size: imageSizeOf(flags),
  };
  if (best === undefined) return { ...settled, finetune: false, load_model: flags.weights ?? false };
  // With the notebook's 3e-4: 3e-5.
  return { ...settled, finetune: true, lr: settled.lr / 10, load_model: best };
}

/** In [11]: a file with 'pretrained' in its name is of other birds, so the head stays a new one. */
export function headPolicyOf({ load_model }: Cfg): 'replace' | 'auto' {
  return load_model !== false && basename(load_model).includes('pretrained') ? 'replace' : 'auto';
}
