import { GraphError } from '#core';
import { dtypeCode, type OnnxDType } from './dtype.ts';
import { modelMessage } from './schema.ts';

/** A fixed size, or the name of a size known only when the model runs. */
export type OnnxDim = number | string;

/**
 * `com.microsoft` and `com.microsoft.nchwc` are ONNX Runtime's own operators, used while training on the CPU; exported
 * models do without them.
 */
export type OnnxDomain = '' | 'ai.onnx.ml' | 'com.microsoft' | 'com.microsoft.nchwc';

/** Contents of a constant: the array type decides the element type; booleans and uint8 need `dtype`. */
export type OnnxArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | readonly string[];

export interface OnnxTensor {
  readonly data: OnnxArray;
  readonly dims: readonly number[];
  /** Needed only for `bool` over a Uint8Array of 0 and 1. */
  readonly dtype?: OnnxDType;
}

/** An attribute value with its ONNX type spelled out, because 1 may be an int or a float. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: ArrayLike<number> }
  | { readonly floats: ArrayLike<number> }
  | { readonly strings: readonly string[] }
  | { readonly tensor: OnnxTensor }
  | { readonly graph: OnnxGraph };

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly domain?: OnnxDomain;
  /** Number of outputs; 1 by default. */
  readonly outputs?: number;
  /** Name of the first output; made unique. */
  readonly name?: string;
}

export interface ModelOptions {
  /** `metadata_props` of the model. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly producerVersion?: string;
  readonly docString?: string;
}

interface ValueInfo {
  readonly name: string;
  readonly dtype: OnnxDType;
  readonly shape: readonly OnnxDim[];
  readonly doc: string | undefined;
  /** A sequence of such tensors. */
  readonly isSequence?: boolean;
}

/** What this file reads of a `NodeProto`. */
interface GraphNodeMessage {
  readonly opType: string;
  readonly output: readonly string[];
  readonly [field: string]: unknown;
}

const utf8 = new TextEncoder();

/**
 * Operator set versions of every model written here: `StringSplit` needs 20; ai.onnx.ml 4 is the last that has
 * `TreeEnsembleRegressor`.
 */
export const opsetVersions: Readonly<Record<OnnxDomain, number>> = {
  '': 21,
  'ai.onnx.ml': 4,
  'com.microsoft': 1,
  'com.microsoft.nchwc': 1,
};
const IR_VERSION = 10;

/**
 * Builds an ONNX graph node by node. Values are referred to by name; every method that makes one returns its name.
 *
 * @example
 * const graph = new OnnxGraph('double');
 * const x = graph.input('x', 'float32', ['N']);
 * graph.output(graph.node('Mul', [x, graph.constant(new Float32Array([2]), [1])]), 'float32', ['N']);
 * const bytes = graph.toModel();
 */
export class OnnxGraph {
  readonly name: string;
  private readonly inputs: ValueInfo[] = [];
  private readonly outputs: ValueInfo[] = [];
  private readonly nodes: GraphNodeMessage[] = [];
  private readonly initializers: object[] = [];
  private readonly names = new Set<string>();
  private readonly usedDomains = new Set<OnnxDomain>(['']);
  private readonly scalars = new Map<string, string>();
  private readonly constants = new Set<string>();
  /** What nodes read, those of bodies of control-flow nodes among them. */
  private readonly read = new Set<string>();

  constructor(name: string) {
    this.name = name;
  }

  /** A name not yet used in this graph, starting with `hint`. */
  uniqueName(hint: string): string {
    let name = hint;
    for (let i = 1; this.names.has(name); i++) name = `${hint}_${i}`;
    this.names.add(name);
    return name;
  }

  /**
   * Adds a graph input.
   * @throws GraphError when the name is taken: input names are the model's interface and are never changed
   */
  input(name: string, dtype: OnnxDType, shape: readonly OnnxDim[], doc?: string): string {
    this.claim(name);
    this.inputs.push({ name, dtype, shape, doc });
    return name;
  }

  /** Makes a value of the graph around this one known: the body of a control-flow node may read it. */
  capture(name: string): string {
    this.names.add(name);
    return name;
  }

  /**
   * Declares `value` as an output, under `name` when given.
   * @throws GraphError when the name is taken or `value` does not exist
   */
  output(value: string, dtype: OnnxDType, shape: readonly OnnxDim[], name = value, doc?: string): string {
    if (!this.names.has(value)) {
      throw new GraphError(
        `OnnxGraph.output: "${value}" must exist, but no node or input gives it. Add it first.`,
      );
    }
    if (name !== value) {
      this.claim(name);
      this.read.add(value);
      this.nodes.push({ opType: 'Identity', name: `Identity:${name}`, input: [value], output: [name] });
    }
    this.outputs.push({ name, dtype, shape, doc });
    return name;
  }

  /** Adds an output that is an empty sequence of tensors and returns its name. */
  emptySequenceOutput(): string {
    const name = this.node('SequenceEmpty', []);
    this.outputs.push({ name, dtype: 'float32', shape: [], doc: undefined, isSequence: true });
    return name;
  }

  /** Adds an initializer; one-element constants of equal value and shape are stored once. */
  constant(
    data: OnnxArray,
    dims: readonly number[] = [data.length],
    hint = 'constant',
    dtype?: OnnxDType,
  ): string {
    const type = dtype ?? arrayDType(data);
    const key =
      data.length === 1
        ? `${type}:${dims.join(',')}:${String(data[0])}:${Object.is(data[0], -0)}`
        : undefined;
    const known = key === undefined ? undefined : this.scalars.get(key);
    if (known !== undefined) return known;
    const name = this.uniqueName(hint);
    this.constants.add(name);
    this.initializers.push({ ...encodeTensor({ data, dims, dtype: type }), name });
    if (key !== undefined) this.scalars.set(key, name);
    return name;
  }

  /** Whether the name is an initializer's. */
  isConstant(name: string): boolean {
    return this.constants.has(name);
  }

  /** A float32 constant of the given shape (a scalar by default). */
  float(value: number, dims: readonly number[] = []): string {
    return this.constant(new Float32Array([value]), dims, 'float');
  }

  /** An int64 constant: a scalar for a number, a vector for an array. */
  int64(value: number | readonly number[]): string {
    const values = typeof value === 'number' ? [value] : value;
    const dims = typeof value === 'number' ? [] : [values.length];
    return this.constant(new BigInt64Array(values.map(BigInt)), dims, 'int64');
  }

  /** Adds a node with one output and returns the output's name. Empty input names are omitted optional inputs. */
  node(op: string, inputs: readonly string[], options: NodeOptions = {}): string {
    return this.multiNode(op, inputs, options)[0];
  }

  /** Adds a node and returns the names of all its outputs. */
  multiNode(op: string, inputs: readonly string[], options: NodeOptions = {}): string[] {
    const missing = inputs.find((name) => name !== '' && !this.names.has(name));
    if (missing !== undefined) {
      throw new GraphError(`OnnxGraph.node: inputs must exist, but ${op} reads "${missing}". Add it first.`, {
        op,
      });
    }
    const domain = options.domain ?? '';
    this.usedDomains.add(domain);
    for (const value of Object.values(options.attributes ?? {})) {
      if (!('graph' in value)) continue;
      for (const used of value.graph.usedDomains) this.usedDomains.add(used);
      for (const name of value.graph.read) this.read.add(name);
    }
    for (const name of inputs) this.read.add(name);
    const hint = options.name ?? op;
    const outputs = Array.from({ length: options.outputs ?? 1 }, (_, i) =>
      this.uniqueName(i === 0 ? hint : `${hint}:${i}`),
    );
    const attribute = Object.entries(options.attributes ?? {}).map(([name, value]) =>
      encodeAttribute(name, value),
    );
    this.nodes.push({ opType: op, name: outputs[0], input: [...inputs], output: outputs, attribute, domain });
    return outputs;
  }

  /** Float32 → the same values in another type. */
  cast(value: string, to: OnnxDType): string {
    return this.node('Cast', [value], { attributes: { to: { int: dtypeCode[to] } } });
  }

  /** The graph as the bytes of an ONNX model file. */
  toModel(options: ModelOptions = {}): Uint8Array {
    const model = {
      irVersion: IR_VERSION,
      producerName: 'trainyard',
      producerVersion: options.producerVersion ?? '',
      docString: options.docString ?? '',
      opsetImport: [...this.usedDomains].map((domain) => ({ domain, version: opsetVersions[domain] })),
      metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
      graph: this.toMessage(),
    };
    return modelMessage.encode(model).finish();
  }

  /**
   * The `GraphProto`, as a model or as the body of a control-flow node holds it. A `Reshape` that nothing reads is left
   * out.
   */
  toMessage(): object {
    const outputs = new Set(this.outputs.map(({ name }) => name));
    const isWanted = ({ opType, output: [name] }: GraphNodeMessage) =>
      opType !== 'Reshape' || this.read.has(name) || outputs.has(name);
    return {
      name: this.name,
      node: this.nodes.filter(isWanted),
      initializer: this.initializers,
      input: this.inputs.map(encodeValueInfo),
      output: this.outputs.map(encodeValueInfo),
    };
  }

  private claim(name: string): void {
    if (this.names.has(name)) {
      throw new GraphError(`OnnxGraph: names must differ, but "${name}" is taken. Rename one of the values.`);
    }
    this.names.add(name);
  }
}

function arrayDType(data: OnnxArray): OnnxDType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Uint16Array) return 'float16';
  return 'string';
}

function encodeTensor(tensor: OnnxTensor): object {
  const { data, dims } = tensor;
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (size !== data.length) {
    throw new GraphError(
      `OnnxGraph: a tensor of shape [${dims.join(', ')}] holds ${size} values, but got ${data.length}.`,
    );
  }
  const dataType = dtypeCode[tensor.dtype ?? arrayDType(data)];
  if (!ArrayBuffer.isView(data)) return { dims, dataType, stringData: data.map((text) => utf8.encode(text)) };
  return { dims, dataType, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function encodeAttribute(name: string, value: OnnxAttribute): object {
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('int' in value) return { name, type: 2, i: value.int };
  if ('string' in value) return { name, type: 3, s: utf8.encode(value.string) };
  if ('tensor' in value) return { name, type: 4, t: encodeTensor(value.tensor) };
  if ('graph' in value) return { name, type: 5, g: value.graph.toMessage() };
  if ('floats' in value) return { name, type: 6, floats: value.floats };
  if ('ints' in value) return { name, type: 7, ints: value.ints };
  return { name, type: 8, strings: encodeTexts(value.strings) };
}

/** UTF-8 of every text; equal texts, as the modes of a forest's nodes, share their bytes. */
function encodeTexts(texts: readonly string[]): Uint8Array[] {
  const known = new Map<string, Uint8Array>();
  return texts.map((text) => {
    let bytes = known.get(text);
    if (bytes === undefined) {
      bytes = utf8.encode(text);
      known.set(text, bytes);
    }
    return bytes;
  });
}

function encodeValueInfo(info: ValueInfo): object {
  const dim = info.shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  const type = { tensorType: { elemType: dtypeCode[info.dtype], shape: { dim } } };
  return {
    name: info.name,
    docString: info.doc ?? '',
    type: info.isSequence ? { sequenceType: { elemType: type } } : type,
  };
}
