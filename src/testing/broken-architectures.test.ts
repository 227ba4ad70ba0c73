import { describe, expect, it } from 'vitest';
import { Parameter, type Tensor } from '#engine';
import { BatchNorm2d, Conv2d, Dropout, GlobalAvgPool2d, Linear } from '#nn';
import {
  findArchitecture,
  type ModelSettings,
  registerArchitecture,
  type StageStep,
  VisionModel,
} from '#vision';
import { architectureCases } from './architecture-cases.ts';

type Fault = 'none' | 'facts' | 'seed' | 'stage' | 'unused' | 'spelling' | 'dropout' | 'head';

/** One convolution and a head, with something wrong. */
class Tiny extends VisionModel {
  override readonly headName = 'fc';
  override readonly stemWeight = 'conv1.weight';
  private readonly conv1: Conv2d;
  private readonly bn1 = new BatchNorm2d(4);
  private readonly average = new GlobalAvgPool2d();
  private readonly dropout: Dropout;
  private readonly extra: Parameter | undefined;
  private readonly Extra: Parameter | undefined;
  private fc: Linear;
  readonly #fault: Fault;

  constructor(fault: Fault, { inChannels, numClasses, dropRate, seed = 0 }: ModelSettings) {
    super();
    this.conv1 = new Conv2d(inChannels, 4, 3, { bias: false, ...(fault === 'seed' ? {} : { seed }) });
    this.fc = new Linear(4, numClasses, { seed: seed + 1 });
    this.dropout = new Dropout(dropRate);
    const one = { dtype: 'float32', shape: [1], data: Float32Array.of(1) } as const;
    this.extra = fault === 'unused' || fault === 'stage' ? new Parameter(one) : undefined;
    this.Extra = fault === 'spelling' ? new Parameter(one) : undefined;
    this.#fault = fault;
  }

  protected override get head(): Linear {
    return this.fc;
  }

  protected override set head(layer: Linear) {
    this.fc = layer;
    if (this.#fault !== 'head') return;
    this.bn1.bias?.set({ dtype: 'float32', shape: [4], data: Float32Array.of(1, 1, 1, 1) });
  }

  protected override steps(): readonly StageStep[] {
    const fault = this.#fault;
    const members = [
      'conv1',
      'bn1',
      ...(fault === 'unused' ? ['extra'] : []),
      ...(this.Extra ? ['Extra'] : []),
    ];
    const factor = (fault === 'stage' ? this.extra : undefined) ?? this.Extra;
    return [
      {
        name: 'stem',
        members,
        forward: (x) => {
          const features = this.bn1.forward(this.conv1.forward(x)).relu();
          return factor === undefined ? features : features.mul(factor);
        },
      },
      {
        name: 'head',
        members: ['fc'],
        forward: (x: Tensor) => {
          const features = this.average.forward(x);
          const isScaled = fault === 'dropout' && this.dropout.rate > 0;
          return this.fc.forward(
            this.dropout.forward(isScaled ? features.mul(1 - this.dropout.rate) : features),
          );
        },
      },
    ];
  }
}

/** The cases it fails. */
async function failures(fault: Fault): Promise<string[]> {
  const name = `tiny_${fault}`;
  registerArchitecture({
    ...findArchitecture('resnet18'),
    name,
    aliases: [],
    // 3 · 4 · 9 weights, 2 · 4 of the normalisation, 4 · 1000 + 1000 of the head.
    parameters: fault === 'facts' ? 1 : 5116 + (['unused', 'stage', 'spelling'].includes(fault) ? 1 : 0),
    // 62 · 62 places, 4 channels of 27 products, and the head.
    multiplyAdds: 62 * 62 * 4 * 27 + 4000,
    inputSize: 64,
    create: (settings) => new Tiny(fault, settings),
  });
  const failed: string[] = [];
  for (const { name: title, run } of architectureCases(name, { imageSize: 12 })) {
    await run().catch(() => failed.push(title));
  }
  return failed;
}

describe('architectureCases', () => {
  it('finds nothing wrong with a sound architecture', async () => {
    expect(await failures('none')).toEqual([]);
  });

  it.each([
    ['facts', 'has the parameters and the multiply-adds that it is listed with'],
    ['seed', 'has the same weights for the same seed, others for another'],
    ['stage', 'has every weight in exactly one stage, the stem in the first and the head in the last'],
    ['unused', 'has a finite gradient in every parameter, and none that is all zero'],
    ['spelling', "names every weight once, with PyTorch's spelling"],
    ['dropout', 'computes the same in evaluation mode, whatever is dropped in training'],
    ['head', 'swaps its head and keeps the rest'],
  ] as const)('finds the fault "%s"', async (fault, title) => {
    expect(await failures(fault)).toContain(title);
  });
});
