import { describe, expect, it } from 'vitest';
import { fromHost } from '#engine';
import { AdamW, DropPath } from '#nn';
import {
  countMultiplyAdds,
  createModel,
  findArchitecture,
  layerDecayGroups,
  listModels,
  registerArchitecture,
} from './index.ts';

/** The smallest of every family, and a scaled one. */
const samples = [
  'tf_efficientnet_b0',
  'efficientnet_b2',
  'resnet18',
  'resnet50',
  'resnet8_cifar',
  'resnet20_cifar',
  'resnet56_cifar',
  'mobilenet_v3_small',
  'convnext_tiny',
  'vit_tiny_patch16_224',
];

/** Images whose pixels differ. */
function images(shape: readonly number[]) {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011));
  return fromHost({ dtype: 'float32', shape, data });
}

describe('architectures', () => {
  it.each(samples)('%s has the parameters and multiply-adds that it is listed with', (name) => {
    const { parameters, multiplyAdds, inputSize } = findArchitecture(name);
    const model = createModel(name, { seed: 0 });
    expect(model.parameterCount()).toBe(parameters);
    expect(countMultiplyAdds(model, [1, 3, inputSize, inputSize])).toBe(multiplyAdds);
    expect(model.training).toBe(true);
  });

  // The conformance suite looks at the others.
  it.each(['resnet50', 'efficientnet_b2'])(
    '%s puts every parameter into exactly one stage, the last being the head',
    (name) => {
      const model = createModel(name, { numClasses: 2, seed: 0 });
      const stages = model.stages();
      for (const parameter of model.stateDict().keys()) {
        expect(
          stages.filter(({ pattern }) => pattern.test(parameter)),
          parameter,
        ).toHaveLength(1);
      }
      expect(stages.at(-1)?.pattern.test(`${model.headName}.weight`)).toBe(true);
      expect(stages[0].pattern.test(model.stemWeight)).toBe(true);
      expect(model.namedParameters().get(`${model.headName}.weight`)?.shape[0]).toBe(2);
    },
  );

  it('lists all of the families with plausible sizes', () => {
    const models = listModels();
    expect(new Set(models.map(({ family }) => family))).toEqual(
      new Set(['EfficientNet', 'ResNet', 'MobileNetV3', 'ConvNeXt', 'ViT']),
    );
    for (const { name, parameters, multiplyAdds, weightSources } of models) {
      expect(multiplyAdds / parameters, name).toBeGreaterThan(10);
      expect(weightSources.length, name).toBeGreaterThan(0);
    }
  });
});

describe('createModel', () => {
  it('knows aliases, and names the nearest name of an unknown one', () => {
    expect(createModel('tf_efficientnet_b0.ns_jft_in1k', { numClasses: 2 }).architecture).toBe(
      'tf_efficientnet_b0',
    );
    expect(() => createModel('resnet19')).toThrow('Did you mean "resnet1');
  });

  it('names all options out of range at once', () => {
    expect(() => createModel('resnet18', { dropRate: 1, dropPathRate: -0.1, inChannels: 0 })).toThrow(
      /but got dropRate 1, dropPathRate -0\.1, inChannels 0/,
    );
    expect(() => createModel('resnet18', { numClasses: 2.5 })).toThrow('numClasses must be a whole number');
    expect(() => createModel('vit_tiny_patch16_224', { imageSize: 100 })).toThrow('Pass 112.');
  });

  it('lets the rate of dropped paths grow from 0 with depth', () => {
    const rates = [...createModel('tf_efficientnet_b0', { dropPathRate: 0.2 }).namedModules().values()]
      .filter((module) => module instanceof DropPath)
      .map(({ rate }) => rate);
    expect(rates).toHaveLength(16);
    expect(rates[0]).toBe(0);
    expect(rates[1]).toBeCloseTo(0.0125, 10);
    expect(rates[15]).toBeCloseTo(0.1875, 10);
  });

  it('takes images of other channels and sizes', async () => {
    const model = createModel('mobilenet_v3_small', { numClasses: 3, inChannels: 1, seed: 0 }).eval();
    const logits = model.forward(images([2, 1, 45, 70]));
    expect(logits.shape).toEqual([2, 3]);
    expect(model.forwardFeatures(images([2, 1, 45, 70])).shape).toEqual([2, 576, 2, 3]);
    expect((await logits.data()).every((value) => Number.isFinite(Number(value)))).toBe(true);
    const vit = createModel('vit_tiny_patch16_224', { numClasses: 3, imageSize: 32 }).eval();
    const adapted = vit.adaptWeights(createModel('vit_tiny_patch16_224', { imageSize: 48 }).stateDict());
    expect([...adapted].map(([name, { shape }]) => [name, shape])).toEqual([
      ['encoder.pos_embedding', [1, 5, 192]],
    ]);
    expect(() => vit.forward(images([1, 3, 48, 48]))).toThrow('must be 32×32 pixels, but got 48×48');
  });
});

describe('VisionModel', () => {
  it('swaps its head for another number of classes, and leaves the rest', () => {
    const model = createModel('convnext_tiny', { numClasses: 4, seed: 0 });
    const before = model.stateDict();
    model.swapHead(7, { seed: 1 });
    const after = model.stateDict();
    expect(model.numClasses).toBe(7);
    expect([...after.keys()]).toEqual([...before.keys()]);
    const changed = [...after].filter(([name, { data }]) => data.length !== before.get(name)?.data.length);
    expect(changed.map(([name]) => name)).toEqual(['classifier.2.weight', 'classifier.2.bias']);
    expect(() => model.swapHead(0)).toThrow('numClasses must be a whole number above 0, but got 0');
  });

  it('freezes a stage by its pattern', () => {
    const model = createModel('resnet18', { numClasses: 4, seed: 0 });
    expect(model.freeze(model.stages()[0].pattern)).toEqual(['conv1.weight', 'bn1.weight', 'bn1.bias']);
  });

  it('names stages that are not there', () => {
    const model = createModel('mobilenet_v3_small', { numClasses: 3, seed: 0 });
    expect(() => model.checkpointStages(['stem', 'middle'])).toThrow(
      /but got middle\. Choose from stem, blocks\.0/,
    );
  });
});

describe('layerDecayGroups', () => {
  it('multiplies the learning rate from stage to stage, and decays no bias or normalisation', () => {
    const model = createModel('resnet18', { numClasses: 4, seed: 0 });
    const groups = layerDecayGroups(model, { learningRate: 1, decay: 0.5, weightDecay: 0.1 });
    const optimizer = new AdamW({ learningRate: 1, groups });
    const optionsOf = (name: string) => optimizer.groupOptions(optimizer.groupOf(name));
    expect(optionsOf('fc.weight')).toMatchObject({ learningRate: 1, weightDecay: 0.1 });
    expect(optionsOf('fc.bias')).toMatchObject({ learningRate: 1, weightDecay: 0 });
    // Stages: stem, layer1 to layer4, head.
    expect(optionsOf('layer4.1.conv2.weight')).toMatchObject({ learningRate: 0.5, weightDecay: 0.1 });
    expect(optionsOf('bn1.weight')).toMatchObject({ learningRate: 1 / 32, weightDecay: 0 });
    const everyone = [...model.namedParameters().keys()];
    expect(everyone.every((name) => optimizer.groupOf(name) >= 0)).toBe(true);
    expect(() => layerDecayGroups(model, { learningRate: 1, decay: 0 })).toThrow('decay must lie in (0, 1]');
  });
});

describe('registerArchitecture', () => {
  it('makes a new one known by name, and refuses a taken name', () => {
    const mine = { ...findArchitecture('resnet18'), name: 'my_resnet', aliases: ['mine'] };
    registerArchitecture(mine);
    expect(createModel('mine', { numClasses: 2 }).architecture).toBe('my_resnet');
    expect(listModels().at(-1)).toMatchObject({ name: 'my_resnet', weightSources: ['torchvision', 'timm'] });
    expect(() => registerArchitecture({ ...mine, name: 'other' })).toThrow(
      'names must be free, but mine is taken',
    );
  });
});
