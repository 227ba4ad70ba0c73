import { ConfigError, nearestName } from '#core';
import type { Architecture } from './architecture.ts';
import { convNexts } from './convnext.ts';
import { efficientNets } from './efficientnet.ts';
import { mobileNets } from './mobilenet-v3.ts';
import { resNets, smallResNets } from './resnet.ts';
import { checkClasses, type VisionModel } from './vision-model.ts';
import { visionTransformers } from './vision-transformer.ts';

/** Architectures that come with the library; one list per file. */
const builtIn: readonly (readonly Architecture[])[] = [
  efficientNets,
  resNets,
  smallResNets,
  mobileNets,
  convNexts,
  visionTransformers,
];

export interface CreateModelOptions {
  /** Outputs of the head; 1,000 by default. */
  readonly numClasses?: number;
  /** Share of the features dropped before the head in training, in [0, 1); 0 by default. */
  readonly dropRate?: number;
  /** Stochastic depth: rate of the last residual branch, in [0, 1), growing from 0 with depth; 0 by default. */
  readonly dropPathRate?: number;
  /** Channels of the image; 3 by default. */
  readonly inChannels?: number;
  /**
   * Height and width in pixels for models whose parameters depend on it (the position embeddings of a ViT); the
   * architecture's own by default. Other models take any size.
   */
  readonly imageSize?: number;
  /** Seed of the initial weights; by order of creation when absent. */
  readonly seed?: number;
  /** Stages whose results the backward pass computes again, which saves memory; `'all'`, or none by default. */
  readonly checkpointStages?: readonly string[] | 'all';
}

const architectures = new Map<string, Architecture>();
const names = new Map<string, Architecture>();

/**
 * Makes an architecture known to `createModel`, `listModels` and the command line.
 * @throws ConfigError when its name or an alias is taken
 */
export function registerArchitecture(architecture: Architecture): void {
  const taken = [architecture.name, ...architecture.aliases].filter((name) => names.has(name));
  if (taken.length > 0) {
    throw new ConfigError(
      `registerArchitecture: names must be free, but ${taken.join(', ')} is taken. Choose another name.`,
      { taken },
    );
  }
  architectures.set(architecture.name, architecture);
  for (const name of [architecture.name, ...architecture.aliases]) names.set(name, architecture);
}

for (const architecture of builtIn.flat()) registerArchitecture(architecture);

/**
 * The architecture of a name or alias.
 * @throws ConfigError for an unknown name, with the nearest known one
 */
export function findArchitecture(name: string): Architecture {
  const found = names.get(name);
  if (found !== undefined) return found;
  const near = nearestName(name, [...names.keys()]);
  throw new ConfigError(
    `createModel: the name must be that of an architecture, but got "${name}". ` +
      `${near === undefined ? '' : `Did you mean "${near}"? `}listModels() and \`trainyard classify models\` list them.`,
    { name },
  );
}

/**
 * An image classifier with random weights, `[N, inChannels, H, W]` → logits `[N, numClasses]`, in training mode.
 *
 * @param name of an architecture, such as `tf_efficientnet_b0`, or one of its aliases
 * @throws ConfigError for an unknown name or options out of range, all faults at once
 * @example
 * const model = createModel('resnet18', { numClasses: 10, dropRate: 0.2, seed: 1 });
 */
export function createModel(name: string, options: CreateModelOptions = {}): VisionModel {
  const architecture = findArchitecture(name);
  const { numClasses = 1000, dropRate = 0, dropPathRate = 0, inChannels = 3, seed } = options;
  const { imageSize = architecture.inputSize, checkpointStages = [] } = options;
  checkClasses(numClasses, 'createModel');
  const faults: string[] = [];
  if (!(dropRate >= 0 && dropRate < 1)) faults.push(`dropRate ${dropRate}`);
  if (!(dropPathRate >= 0 && dropPathRate < 1)) faults.push(`dropPathRate ${dropPathRate}`);
  if (!(Number.isInteger(inChannels) && inChannels >= 1)) faults.push(`inChannels ${inChannels}`);
  if (!(Number.isInteger(imageSize) && imageSize >= 1)) faults.push(`imageSize ${imageSize}`);
  if (faults.length > 0) {
    throw new ConfigError(
      `createModel: rates must lie in [0, 1) and sizes must be whole numbers above 0, but got ${faults.join(', ')}. Change them.`,
      { faults },
    );
  }
  const model = architecture.create({ numClasses, dropRate, dropPathRate, inChannels, imageSize, seed });
  model.architecture = architecture.name;
  model.checkpointStages(checkpointStages);
  return model;
}

/** What `listModels` says of an architecture. */
export type ModelFacts = Omit<Architecture, 'create' | 'dialects'> & {
  /** Libraries whose weight files it reads. */
  readonly weightSources: readonly string[];
};

/** All architectures by family and size, with what a choice depends on. */
export function listModels(): readonly ModelFacts[] {
  return [...architectures.values()].map(({ create: _, dialects, ...facts }) => ({
    ...facts,
    weightSources: dialects.map(({ source }) => source),
  }));
}
