import type { HostTensor } from '#core';
import { evaluate, fromHost, grad, trace } from '#engine';
import { crossEntropy, type NamePattern } from '#nn';
import { type CreateModelOptions, createModel, findArchitecture, type VisionModel } from '#vision';
import { randomBatch } from './layer-conformance.ts';

export interface ArchitectureConformanceOptions {
  /** Height and width in pixels of the images that are computed with; the architecture's own by default. */
  readonly imageSize?: number;
  /** Classes of the models that are computed with, at least 2; 3 by default. */
  readonly numClasses?: number;
  /** Parameters whose gradient is zero by their formula. */
  readonly zeroGradients?: NamePattern;
}

/** Loss and gradients of one batch, without dropout. */
interface Gradients {
  readonly loss: number;
  readonly byName: ReadonlyMap<string, Float32Array>;
  /** Number of buffers with new contents. */
  readonly updates: number;
}

/** What the cases share: a batch, and models, which they leave as they were. */
export class ArchitectureSuite {
  readonly name: string;
  readonly options: ArchitectureConformanceOptions;
  readonly size: number;
  readonly numClasses: number;
  private shared: VisionModel | undefined;
  private dropping: VisionModel | undefined;
  private sharedLogits: Promise<Float32Array> | undefined;
  private sharedGradients: Promise<Gradients> | undefined;

  constructor(name: string, options: ArchitectureConformanceOptions) {
    this.name = name;
    this.options = options;
    this.size = options.imageSize ?? findArchitecture(name).inputSize;
    this.numClasses = options.numClasses ?? 3;
  }

  create(options: CreateModelOptions = {}): VisionModel {
    return createModel(this.name, {
      numClasses: this.numClasses,
      imageSize: this.size,
      seed: 3,
      ...options,
    });
  }

  get model(): VisionModel {
    this.shared ??= this.create();
    return this.shared;
  }

  /** Has another seed, and drops features and branches in training. */
  get other(): VisionModel {
    this.dropping ??= this.create({ seed: 4, dropRate: 0.5, dropPathRate: 0.3 });
    return this.dropping;
  }

  /** Of the shared model, for two images. */
  logits(): Promise<Float32Array> {
    this.sharedLogits ??= this.logitsOf(this.model);
    return this.sharedLogits;
  }

  /** Of the shared model. */
  gradients(): Promise<Gradients> {
    this.sharedGradients ??= this.gradientsOf(this.model);
    return this.sharedGradients;
  }

  images(count: number): HostTensor<'float32'> {
    return randomBatch([count, 3, this.size, this.size], 29);
  }

  labels(count: number): HostTensor {
    const data = BigInt64Array.from({ length: count }, (_, i) => BigInt(i % this.numClasses));
    return { dtype: 'int64', shape: [count], data };
  }

  async logitsOf(model: VisionModel): Promise<Float32Array> {
    const logits = model.eval().forward(fromHost(this.images(2)));
    return (await logits.data()) as Float32Array;
  }

  async gradientsOf(model: VisionModel): Promise<Gradients> {
    const parameters = model.train().namedParameters();
    const { result, updates } = trace({ training: true }, () => {
      const loss = crossEntropy(model.forward(fromHost(this.images(4))), fromHost(this.labels(4)));
      return [loss, ...grad(loss, [...parameters.values()])].map(({ value }) => value);
    });
    const [loss, ...values] = (await evaluate(result)).map(({ data }) => data as Float32Array);
    const byName = new Map([...parameters.keys()].map((name, i) => [name, values[i]]));
    return { loss: loss[0], byName, updates: updates.size };
  }
}
