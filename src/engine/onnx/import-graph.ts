import { DataError, type DType, type HostTensor, ShapeError, TrainyardError } from '#core';
import { isFloat } from '../ir/shapes.ts';
import type { Value } from '../ir/value.ts';
import { decodeTensor, importedDType } from './import/decode-tensor.ts';
import { constantNumbers, foldConstant } from './import/fold-constant.ts';
import { hostConstant } from './import/import-structure.ts';
import { importerOf, requireSupported } from './import/import-table.ts';
import { type ImportHooks, type NodeInputs, NodeReader } from './import/node-reader.ts';
import {
  decodeModel,
  type RawGraph,
  type RawModel,
  type RawNode,
  type RawValueInfo,
} from './import/raw-model.ts';

/** An input of an imported model; a text is a size that is free. */
export interface ImportedInput {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

export interface ImportGraphOptions {
  /** Shapes of inputs by name, in place of the file's; a text leaves a size free. */
  readonly shapes?: Readonly<Record<string, readonly (number | string)[]>>;
}

export interface BuildOptions extends ImportHooks {
  /** The value of a parameter or statistic; a graph variable of its own by default. */
  readonly valueOf: (name: string) => Value;
}

/** The layer that ends in a weight: which of its axes counts outputs, and its bias. */
export interface ImportedLayer {
  readonly outputAxis: number;
  readonly bias: string | undefined;
}

/** A foreign model, decoded and checked, and ready to be made into graph values. */
export interface ImportedGraph {
  readonly inputs: readonly ImportedInput[];
  readonly outputs: readonly string[];
  /** Trainable tensors by the names of the file: floating point initializers. */
  readonly parameters: ReadonlyMap<string, HostTensor>;
  /** Running means and variances of batch normalisation. */
  readonly statistics: ReadonlyMap<string, HostTensor>;
  readonly metadata: ReadonlyMap<string, string>;
  /** The product or convolution that a weight belongs to, `undefined` for another tensor. */
  layerOf(weight: string): ImportedLayer | undefined;
  /**
   * Makes the graph over inputs of fixed shapes.
   * @returns the values of the outputs
   * @throws ShapeError when an input has not the file's shape
   */
  build(inputs: readonly Value[], options: BuildOptions): Value[];
}

/**
 * Reads an ONNX model of operators that can be trained. Sizes that the file computes from the inputs' shapes become
 * constants when the graph is built.
 *
 * @throws DataError for bytes that are no model, or a broken one
 * @throws UnsupportedError naming everything in it that is not supported
 * @source https://onnx.ai/onnx/operators/
 */
export function importGraph(bytes: Uint8Array, { shapes = {} }: ImportGraphOptions = {}): ImportedGraph {
  const model = decodeModel(bytes);
  requireSupported(model.graph.node);
  const tensors = decodeInitializers(model.graph);
  const { parameters, statistics } = sortInitializers(model.graph, tensors);
  const declared = (model.graph.input ?? []).filter(({ name = '' }) => !tensors.has(name));
  const inputs = declared.map((info) => describeInput(info, shapes));
  const outputs = (model.graph.output ?? []).map(({ name = '' }) => name);
  return {
    inputs,
    outputs,
    parameters,
    statistics,
    metadata: model.metadata,
    layerOf: (weight) => layerOf(model.graph, weight),
    build: (values, options) => {
      checkInputs(inputs, values);
      const known = new Map(inputs.map(({ name }, i) => [name, values[i]]));
      return buildNodes(
        model,
        new Scope(known, tensors, options, { parameters, statistics }),
        outputs,
        options,
      );
    },
  };
}

function decodeInitializers({ initializer = [] }: RawGraph): Map<string, HostTensor> {
  return new Map(
    initializer.map((tensor) => {
      const name = tensor.name ?? '';
      return [name, decodeTensor(tensor, `the initializer "${name}"`)];
    }),
  );
}

/** Positions of operands that are numbers for the importer and nothing to train. */
const settings: Readonly<Record<string, number>> = {
  Clip: 1,
  Resize: 1,
  Upsample: 1,
  Pad: 1,
  Dropout: 1,
  Pow: 1,
};

interface Trainable {
  readonly parameters: ReadonlyMap<string, HostTensor>;
  readonly statistics: ReadonlyMap<string, HostTensor>;
}

function sortInitializers({ node: nodes }: RawGraph, tensors: ReadonlyMap<string, HostTensor>): Trainable {
  const statisticNames = new Set(
    nodes
      .filter(({ opType }) => opType === 'BatchNormalization')
      .flatMap(({ input }) => (input ?? []).slice(3)),
  );
  const own = new Map(tensors);
  for (const node of nodes) copyThroughIdentity(node, own, statisticNames);
  const parameters = new Map<string, HostTensor>();
  const statistics = new Map<string, HostTensor>();
  for (const { opType = '', input = [], output = [] } of nodes) {
    const isCopy = opType === 'Identity' && own.has(output[0]);
    input.forEach((name, i) => {
      const tensor = own.get(name);
      if (tensor === undefined || !isFloat(tensor.dtype) || tensor.shape.length === 0) return;
      if (isCopy || i >= (settings[opType] ?? Number.POSITIVE_INFINITY)) return;
      if (statisticNames.has(name)) statistics.set(name, copyOf(tensor));
      else if (!parameters.has(name)) parameters.set(name, copyOf(tensor));
    });
  }
  return { parameters, statistics };
}

const copyOf = ({ dtype, shape, data }: HostTensor): HostTensor =>
  ({ dtype, shape, data: data.slice() }) as HostTensor;

/**
 * Exporters write one tensor for several equal ones and hand it on through `Identity`. What has one number throughout
 * is equal by chance, as after initialisation, and gets its own copy, and so do running statistics; the rest is shared
 * on purpose and stays so.
 */
function copyThroughIdentity(
  { opType, input = [], output = [] }: RawNode,
  own: Map<string, HostTensor>,
  statisticNames: ReadonlySet<string>,
): void {
  const tensor = opType === 'Identity' ? own.get(input[0]) : undefined;
  if (tensor === undefined || !isFloat(tensor.dtype)) return;
  const [first] = tensor.data;
  const isUniform = (tensor.data as Float32Array).every((value) => value === first);
  if (isUniform || statisticNames.has(output[0])) own.set(output[0], tensor);
}

function describeInput(info: RawValueInfo, shapes: NonNullable<ImportGraphOptions['shapes']>): ImportedInput {
  const name = info.name ?? '';
  const tensor = info.type?.tensorType;
  const declared = (tensor?.shape?.dim ?? []).map(
    ({ dimValue, dimParam }, i) => dimParam || dimValue || `dim${i}`,
  );
  return {
    name,
    dtype: importedDType(tensor?.elemType, `the input "${name}"`),
    shape: shapes[name] ?? declared,
  };
}

function checkInputs(inputs: readonly ImportedInput[], values: readonly Value[]): void {
  const wrong = inputs.findIndex(({ dtype, shape }, i) => {
    const value = values[i];
    if (value === undefined || value.dtype !== dtype || value.shape.length !== shape.length) return true;
    return shape.some((dim, axis) => typeof dim === 'number' && dim !== value.shape[axis]);
  });
  if (wrong < 0 && values.length === inputs.length) return;
  const wanted = inputs.map(({ name, dtype, shape }) => `${name} ${dtype}[${shape.join(', ')}]`).join(', ');
  const got = values.map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`).join(', ');
  throw new ShapeError(
    `importOnnx: inputs must have the model's shapes ${wanted}, but got ${got || 'none'}. Pass such tensors, or other shapes when importing.`,
    { inputs: inputs.map(({ name }) => name) },
  );
}

/** Values by name: inputs, initializers as they are asked for, and what nodes make. */
class Scope implements NodeInputs {
  private readonly known: Map<string, Value>;
  private readonly static = new Set<string>();
  private readonly tensors: ReadonlyMap<string, HostTensor>;
  private readonly options: BuildOptions;
  private readonly trainable: Trainable;

  constructor(
    known: Map<string, Value>,
    tensors: ReadonlyMap<string, HostTensor>,
    options: BuildOptions,
    trainable: Trainable,
  ) {
    this.known = known;
    this.tensors = tensors;
    this.options = options;
    this.trainable = trainable;
  }

  /** @param isStatic the value follows from the file and the shapes of inputs */
  set(name: string, value: Value, isStatic: boolean): void {
    if (this.isTrainable(name)) return;
    this.known.set(name, isStatic ? foldConstant(value) : value);
    if (isStatic) this.static.add(name);
  }

  /** Whether a value follows from the file and the shapes of inputs alone. */
  isStatic(name: string): boolean {
    return name === '' || this.static.has(name) || (this.tensors.has(name) && !this.isTrainable(name));
  }

  value(name: string): Value {
    let value = this.known.get(name);
    if (value !== undefined) return value;
    const tensor = this.tensors.get(name);
    if (this.isTrainable(name)) value = this.options.valueOf(name);
    else if (tensor !== undefined) value = hostConstant(tensor);
    if (value === undefined) {
      throw new DataError(
        `importOnnx: a value must be made before it is read, but nothing makes "${name}". Export the model again.`,
        { name },
      );
    }
    this.known.set(name, value);
    return value;
  }

  numbers(name: string): number[] | undefined {
    const tensor = this.tensors.get(name);
    if (tensor !== undefined) return Array.from(tensor.data as Float32Array, Number);
    return this.static.has(name) ? constantNumbers(this.value(name)) : undefined;
  }

  private isTrainable(name: string): boolean {
    return this.trainable.parameters.has(name) || this.trainable.statistics.has(name);
  }
}

/** Operators that read nothing of a value but its shape. */
const shapeOps: ReadonlySet<string> = new Set(['Shape', 'Size']);

function buildNodes(
  { graph, opset }: RawModel,
  scope: Scope,
  outputs: readonly string[],
  hooks: ImportHooks,
): Value[] {
  for (const node of graph.node) {
    const reader = new NodeReader(node, opset, scope, hooks);
    const made = importNode(node, reader);
    const isStatic = shapeOps.has(reader.op) || reader.inputNames.every((name) => scope.isStatic(name));
    (node.output ?? []).forEach((name, i) => {
      // Some outputs are never computed, such as the mask of `Dropout`; they must not be read.
      if (name !== '' && made[i] !== undefined) scope.set(name, made[i], isStatic);
    });
  }
  return outputs.map((name) => scope.value(name));
}

function importNode(node: RawNode, reader: NodeReader): readonly Value[] {
  try {
    const made = importerOf(node)!(reader);
    return 'node' in made ? [made] : made;
  } catch (error) {
    if (!(error instanceof TrainyardError) || error.message.startsWith('importOnnx')) throw error;
    const ErrorClass = error.constructor as new (message: string, details: object) => TrainyardError;
    throw new ErrorClass(`importOnnx: ${reader.where}: ${error.message}`, {
      ...error.details,
      node: reader.where,
    });
  }
}

function layerOf({ node: nodes }: RawGraph, weight: string): ImportedLayer | undefined {
  const turned = nodes.find(({ opType, input = [] }) => opType === 'Transpose' && input[0] === weight)
    ?.output?.[0];
  const node = nodes.find(({ input = [] }) => input[1] === weight || (input[1] ?? '') === turned);
  const [result = ''] = node?.output ?? [];
  const sum = nodes.find(({ opType, input = [] }) => opType === 'Add' && input.includes(result));
  const bias = node?.input?.[2] ?? sum?.input?.find((name) => name !== result);
  const isTransposed = node?.attribute?.some(({ name, i }) => name === 'transB' && i === 1) ?? false;
  if (node?.opType === 'Conv') return { outputAxis: 0, bias };
  if (node?.opType !== 'Gemm' && node?.opType !== 'MatMul') return undefined;
  return { outputAxis: isTransposed !== (turned !== undefined) ? 0 : 1, bias };
}
