import { ConfigError } from '#core';
import {
  Buffer,
  currentTrace,
  type ImportedGraph,
  type ImportedInput,
  importGraph,
  Parameter,
  type State,
  Tensor,
} from '#engine';
import { defaultBias, defaultWeight, layerRng } from './initializers.ts';
import { randomUniform } from './layers/dropout.ts';
import { Module } from './module.ts';

export interface ImportOptions {
  /**
   * Shapes of inputs by name, in place of the file's: where a model was exported for one batch size and works for any,
   * `{ image: ['N', 3, 224, 224] }`.
   */
  readonly shapes?: Readonly<Record<string, readonly (number | string)[]>>;
  /**
   * In training, batch normalisation uses the batch's mean and variance and moves the running ones, as in PyTorch; with
   * `false` it always uses the running ones and leaves them. True by default.
   */
  readonly batchStatistics?: boolean;
}

export interface SwapHeadOptions {
  readonly seed?: number;
}

/**
 * A model from an ONNX file. Parameters and buffers carry the names of the file's initializers, so that freezing,
 * parameter groups and state dicts address them.
 */
export class ImportedModel extends Module {
  /** Inputs of the forward pass, in order; a text is a size that is free. */
  readonly inputs: readonly ImportedInput[];
  /** The file's `metadata_props`. */
  readonly metadata: ReadonlyMap<string, string>;
  private readonly states: Map<string, State>;
  private readonly graph: ImportedGraph;
  private readonly batchStatistics: boolean;

  constructor(graph: ImportedGraph, batchStatistics: boolean) {
    super();
    this.graph = graph;
    this.inputs = graph.inputs;
    this.metadata = new Map(graph.metadata);
    this.batchStatistics = batchStatistics;
    const parameters = [...graph.parameters].map(([name, host]): [string, State] => [
      name,
      new Parameter(host),
    ]);
    const buffers = [...graph.statistics].map(([name, host]): [string, State] => [name, new Buffer(host)]);
    this.states = new Map([...parameters, ...buffers]);
  }

  /** The first output of the model. */
  override forward(...inputs: Tensor[]): Tensor {
    return this.forwardAll(...inputs)[0];
  }

  /**
   * All outputs, in the file's order.
   * @throws ShapeError when an input has not the model's shape
   * @throws UnsupportedError when a size inside the model depends on the data
   */
  forwardAll(...inputs: Tensor[]): Tensor[] {
    const values = this.graph.build(
      inputs.map(({ value }) => value),
      {
        training: this.training,
        batchStatistics: this.batchStatistics,
        valueOf: (name) => {
          const state = this.states.get(name)!;
          return state instanceof Buffer ? state.read().value : state.value;
        },
        assign: (name, next) => {
          const state = this.states.get(name);
          if (state instanceof Buffer && currentTrace() !== undefined) state.assign(new Tensor(next));
        },
        dropout: (x, rate) => {
          const mask = randomUniform(x.shape).greaterEqual(rate).cast(x.dtype);
          return new Tensor(x).mul(mask).mul(1 / (1 - rate)).value;
        },
      },
    );
    return values.map((value) => new Tensor(value));
  }

  /**
   * Gives the model another number of outputs: the weight gets new contents as PyTorch's layers start, and its bias too.
   *
   * @param weight name of the weight of the last convolution or product
   * @param outputs number of classes
   * @throws ConfigError when no layer has that weight
   */
  swapHead(weight: string, outputs: number, { seed }: SwapHeadOptions = {}): void {
    const layer = this.graph.layerOf(weight);
    const old = this.states.get(weight);
    if (layer === undefined || old === undefined || !(outputs >= 1)) {
      const heads = [...this.graph.parameters.keys()].filter(
        (name) => this.graph.layerOf(name) !== undefined,
      );
      throw new ConfigError(
        `swapHead: the weight must be that of a convolution or product and outputs above 0, but got "${weight}" and ${outputs}. The last one is "${heads.at(-1) ?? '(none)'}".`,
        { weight, outputs },
      );
    }
    const rng = layerRng(seed);
    const shape = old.shape.map((dim, axis) => (axis === layer.outputAxis ? outputs : dim));
    // Written with outputs first, a weight says how many inputs each has.
    const fanShape = [outputs, ...old.shape.filter((_, axis) => axis !== layer.outputAxis)];
    const { dtype, data } = defaultWeight(fanShape, rng);
    this.states.set(weight, new Parameter({ dtype, data, shape } as ReturnType<typeof defaultWeight>));
    if (layer.bias !== undefined && this.states.has(layer.bias)) {
      this.states.set(layer.bias, new Parameter(defaultBias(fanShape)([outputs], rng)));
    }
  }
}

/**
 * An ONNX model as a module that can be trained: floating point initializers are its parameters, running statistics its
 * buffers.
 *
 * @param bytes a model file of operator set 7 to 25, float32 or float16 (which is trained as float32)
 * @throws DataError for bytes that are no ONNX model, or a broken one
 * @throws UnsupportedError naming all operators, element types and features that are not supported
 * @example
 * const model = importOnnx(await readFile('resnet18.onnx'));
 * model.swapHead('fc.weight', 5);
 * model.freeze(/^layer[12]\./);
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions = {}): ImportedModel {
  const { shapes, batchStatistics = true } = options;
  return new ImportedModel(importGraph(bytes, shapes === undefined ? {} : { shapes }), batchStatistics);
}
