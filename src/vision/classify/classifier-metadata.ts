import { DataError } from '#core';
import type { SoundPictureOptions } from '#data';
import type { OnnxModelInfo } from '#engine';

/**
 * How a picture is brought to the network's size: `stretch` to exactly that, or `crop`: the middle of it after it
 * covered 8/7 of that size.
 */
export type PictureResize = 'stretch' | 'crop';

/** What the ONNX file of a classifier says about itself, in its `metadata_props`. */
export interface ClassifierMetadata {
  /** Names of the classes, in the order of the outputs. */
  readonly classes: readonly string[];
  /** Name in the registry, such as `tf_efficientnet_b0`; empty when the file does not tell. */
  readonly architecture: string;
  /** Pixels that the network sees. */
  readonly imageSize: readonly [height: number, width: number];
  readonly resize: PictureResize;
  /** Of its validation. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Set for models that also take sounds. */
  readonly sound: SoundPictureOptions | undefined;
}

/** Value of `task` in the metadata of every classifier. */
const CLASSIFICATION_TASK = 'image-classification';

/** The entries of `metadata_props`. */
export function writeClassifierMetadata(facts: ClassifierMetadata): Record<string, string> {
  return {
    task: CLASSIFICATION_TASK,
    classes: JSON.stringify(facts.classes),
    metrics: JSON.stringify(facts.metrics),
    architecture: facts.architecture,
    image_size: JSON.stringify(facts.imageSize),
    resize: facts.resize,
    ...(facts.sound === undefined ? {} : { sound: JSON.stringify(facts.sound) }),
  };
}

/**
 * @param info of an ONNX file
 * @param name of the file, for errors
 * @throws DataError when the file is of another kind, with what it is, or its metadata is damaged
 */
export function readClassifierMetadata(info: OnnxModelInfo, name: string): ClassifierMetadata {
  const { metadata } = info;
  const kind = otherKind(info);
  if (kind !== undefined) {
    throw new DataError(`${name}: the model must be an image classifier of Trainyard, but it is ${kind}.`, {
      file: name,
    });
  }
  try {
    const classes = JSON.parse(metadata['classes']) as unknown;
    const imageSize = JSON.parse(metadata['image_size']) as unknown;
    if (!isArrayOf(classes, 'string') || !isArrayOf(imageSize, 'number') || imageSize.length !== 2)
      throw new TypeError('classes and image_size must be arrays');
    return {
      classes,
      architecture: metadata['architecture'] ?? '',
      imageSize: [imageSize[0], imageSize[1]],
      resize: metadata['resize'] === 'crop' ? 'crop' : 'stretch',
      metrics: JSON.parse(metadata['metrics'] ?? '{}') as Record<string, number>,
      sound:
        metadata['sound'] === undefined ? undefined : (JSON.parse(metadata['sound']) as SoundPictureOptions),
    };
  } catch (cause) {
    throw new DataError(
      `${name}: the metadata of a classifier must be as exportClassifier wrote it, but it is damaged. Write the model again.`,
      { file: name },
      { cause },
    );
  }
}

/** What the file is instead of a classifier, and what to do with it; undefined for a classifier. */
function otherKind({ metadata, inputs, outputs, producerName }: OnnxModelInfo): string | undefined {
  if (metadata['trainyard.kind'] === 'tabular')
    return `a tabular model (${metadata['trainyard.task']}) of trainyard automl. Use \`trainyard predict\` with it`;
  const { task } = metadata;
  const hasForm =
    inputs.length === 1 &&
    inputs[0].name === 'images' &&
    ['logits', 'probabilities', 'label'].every((output) => outputs.some(({ name }) => name === output));
  if (task === CLASSIFICATION_TASK && hasForm) return undefined;
  const made = producerName === '' ? '' : ` made by "${producerName}"`;
  const says = task === undefined ? 'whose metadata names no task' : `whose metadata says task "${task}"`;
  return `an ONNX model${made} ${says}, with inputs ${list(inputs)} and outputs ${list(outputs)}. Export it with exportClassifier, or run it with onnxruntime-node directly`;
}

function list(values: readonly { readonly name: string }[]): string {
  const names = values.slice(0, 5).map(({ name }) => name);
  return names.join(', ') + (values.length > 5 ? ', …' : '');
}

function isArrayOf<Type extends 'string' | 'number'>(
  value: unknown,
  type: Type,
): value is (Type extends 'string' ? string : number)[] {
  return Array.isArray(value) && value.every((item) => typeof item === type);
}
