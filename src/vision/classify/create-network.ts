import { ConfigError } from '#core';
import { BatchNorm1d, BatchNorm2d } from '#nn';
import {
  createModel,
  findArchitecture,
  loadPretrained,
  type PretrainedReport,
  type VisionModel,
} from '../architectures/index.ts';
import type { ClassifySettings } from './classify-settings.ts';
import { type Normalization, PixelModel } from './pixel-model.ts';

export interface CreatedNetwork {
  /** float32 `[N, 3, H, W]`, scaled → logits `[N, K]` */
  readonly network: VisionModel;
  readonly model: PixelModel;
  readonly normalization?: Normalization;
  /** What of the weights' file was taken. */
  readonly weights?: PretrainedReport;
}

/**
 * The model that the settings name, with their weights.
 * @throws ConfigError for batches of one with batch normalisation, DataError for weights of another architecture
 */
export async function createNetwork(
  settings: ClassifySettings,
  classes: number,
  signal?: AbortSignal,
): Promise<CreatedNetwork> {
  const { arch, imageSize, dropRate, dropPathRate, seed, batchSize, weights, normalize } = settings;
  const network = createModel(arch, {
    ...{ numClasses: classes, dropRate, dropPathRate, imageSize, seed },
    checkpointStages: settings.gradientCheckpointing ? 'all' : [],
  });
  const isNormalized = [...network.namedModules().values()].some(
    (module) => module instanceof BatchNorm2d || module instanceof BatchNorm1d,
  );
  if (batchSize === 1 && isNormalized) {
    throw new ConfigError(
      `classify: ${arch} has batch normalisation, which needs batches of at least two pictures, but batchSize is 1. Raise it, or choose ConvNeXt or ViT.`,
      { arch, batchSize },
    );
  }
  const report =
    weights === null
      ? undefined
      : await loadPretrained(network, weights, {
          headPolicy: settings.headPolicy,
          allowPartial: settings.allowPartialWeights,
          preferEma: true,
          ...(settings.weightsSha256 === null ? {} : { sha256: settings.weightsSha256 }),
          ...(signal === undefined ? {} : { signal }),
        });
  const { mean, std } = findArchitecture(arch);
  const normalization = normalize ? { mean: triple(mean), std: triple(std) } : undefined;
  return {
    network,
    model: new PixelModel(network, normalization),
    ...(normalization === undefined ? {} : { normalization }),
    ...(report === undefined ? {} : { weights: report }),
  };
}

function triple([r, g, b]: readonly number[]): [number, number, number] {
  return [r, g, b];
}
