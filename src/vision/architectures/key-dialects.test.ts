import { describe, expect, it } from 'vitest';
import type { HostTensor } from '#core';
import { mapKeys } from '#train';
import { createModel, findArchitecture } from './index.ts';

const parts = ['weight', 'bias'];
const range = (length: number) => Array.from({ length }, (_, i) => i);
const withParts = (names: readonly string[]) =>
  names.flatMap((name) => parts.map((part) => `${name}.${part}`));

/** Names of timm's state dicts, by the names of its modules. */
const timmNames: Readonly<Record<string, readonly string[]>> = {
  vit_tiny_patch16_224: [
    'cls_token',
    'pos_embed',
    ...withParts([
      'patch_embed.proj',
      ...range(12).flatMap((i) =>
        ['norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'].map(
          (name) => `blocks.${i}.${name}`,
        ),
      ),
      'norm',
      'head',
    ]),
  ],
  convnext_tiny: [
    ...withParts(['stem.0', 'stem.1', 'head.norm', 'head.fc']),
    ...[1, 2, 3].flatMap((i) => withParts([`stages.${i}.downsample.0`, `stages.${i}.downsample.1`])),
    ...[3, 3, 9, 3].flatMap((depth, i) =>
      range(depth).flatMap((j) => [
        `stages.${i}.blocks.${j}.gamma`,
        ...withParts(
          ['conv_dw', 'norm', 'mlp.fc1', 'mlp.fc2'].map((name) => `stages.${i}.blocks.${j}.${name}`),
        ),
      ]),
    ),
  ],
};

describe('names of other libraries', () => {
  it.each(Object.keys(timmNames))('of timm become those of %s, each once', (name) => {
    const rename = findArchitecture(name).dialects.find(({ source }) => source === 'timm')?.rename ?? [];
    const empty: HostTensor = { dtype: 'float32', shape: [0], data: new Float32Array(0) };
    const mapped = mapKeys(new Map(timmNames[name].map((key) => [key, empty])), { rename });
    const own = createModel(name, { numClasses: 2 }).stateDict();
    expect([...mapped.keys()].sort()).toEqual([...own.keys()].sort());
  });

  it('of old torchvision files become those of a ViT', () => {
    const { dialects } = findArchitecture('vit_b_16');
    const [, second] = dialects[0].rename ?? [];
    expect('encoder.layers.encoder_layer_3.mlp.linear_2.weight'.replace(...second)).toBe(
      'encoder.layers.encoder_layer_3.mlp.3.weight',
    );
  });
});
