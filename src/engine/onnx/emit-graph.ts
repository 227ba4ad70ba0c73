import { type DType, GraphError, type NumericArray, type Shape, UnsupportedError } from '#core';
import type { OpAttributes, OpName } from '../ir/op-attributes.ts';
import type { EmitOptions, Emitted, Emitter, Target } from '../ir/op-rule.ts';
import { type GraphNode, type Phase, sortNodes, type Value, type Variable } from '../ir/value.ts';
import { dtypeCode, type OnnxDType } from './dtype.ts';
import type { OnnxArray, OnnxGraph } from './graph.ts';
import { type ChooseLowering, selectLowering } from './select-lowering.ts';

export interface EmitGraphOptions {
  readonly target: Target;
  readonly choose?: ChooseLowering;
  /** Outputs that are wanted in blocked layout; none by default. */
  readonly wantsBlocked?: (value: Value) => boolean;
  /** ONNX name of a variable's value; graph inputs named after the variables when absent. */
  readonly bindVariable?: (variable: Variable) => string;
  /** Size that stands for a number of samples that is not known yet. */
  readonly symbolicSize?: number;
  /** ONNX name of an input's value; a graph input of the same name when absent. */
  readonly bindInput?: (name: string, value: Value) => Emitted;
}

/** More than this many times the free size is taken for a number that has nothing to do with it. */
const LARGEST_FACTOR = 1e5;

/** What one value is called in the layouts it exists in. */
interface Names {
  plain?: string;
  blocked?: string;
}

/**
 * Writes graph values as ONNX nodes.
 *
 * Values may exist in ONNX Runtime's blocked layout, in plain row-major layout, or both; a lowering asks for the one
 * it needs and the conversion is written once.
 *
 * @returns the ONNX names of `outputs`, in plain layout
 */
export function emitGraph(graph: OnnxGraph, outputs: readonly Value[], options: EmitGraphOptions): string[] {
  const emitter = new GraphEmitter(graph, options);
  for (const node of sortNodes(outputs)) emitter.emitNode(node);
  const isWanted = options.wantsBlocked ?? (() => false);
  return outputs.map((value) => (isWanted(value) ? emitter.blocked(value) : emitter.plain(value)));
}

class GraphEmitter implements Emitter {
  readonly target: Target;
  phase: Phase = 'forward';
  private readonly graph: OnnxGraph;
  private readonly options: EmitGraphOptions;
  private readonly names = new Map<Value, Names>();
  private readonly forms = new Map<Value, Map<string, string>>();
  /** What a reshape's result was made of, and results by what they were made of and their shape. */
  private readonly reshaped = new Map<string, string>();
  private readonly reshapes = new Map<string, string>();
  /** Shapes of plain values, as far as they are known. */
  private readonly shapes = new Map<string, string>();
  /** Prefix of the names of the node being emitted, so that a profile finds it again. */
  private prefix = '';
  /** An input whose first size is the free one, and that size once it has been read. */
  private freeInput: string | undefined;
  private freeSize: string | undefined;

  constructor(graph: OnnxGraph, options: EmitGraphOptions) {
    this.graph = graph;
    this.options = options;
    this.target = options.target;
  }

  emitNode(node: GraphNode): void {
    this.prefix = `${node.op}.${node.id}`;
    this.phase = node.phase;
    const emitted = this.emitLeaf(node) ?? this.lower(node);
    node.outputs.forEach((value, i) => {
      const result = emitted[i];
      this.names.set(value, typeof result === 'string' ? { plain: result } : { blocked: result.blocked });
      if (typeof result === 'string') this.shapes.set(result, value.shape.join());
    });
  }

  private emitLeaf(node: GraphNode): Emitted[] | undefined {
    const [value] = node.outputs;
    const { bindInput, bindVariable } = this.options;
    if (node.op === 'input') {
      const { name } = node.attributes as OpAttributes['input'];
      const bound = bindInput?.(name, value) ?? this.graph.input(name, value.dtype as OnnxDType, value.shape);
      const isFree = value.shape.length > 0 && value.shape[0] === this.options.symbolicSize;
      if (isFree && typeof bound === 'string') this.freeInput ??= bound;
      return [bound];
    }
    if (node.op === 'variable') {
      const { variable } = node.attributes as OpAttributes['variable'];
      return [
        bindVariable?.(variable) ?? this.graph.input(variable.name, value.dtype as OnnxDType, value.shape),
      ];
    }
    return undefined;
  }

  private lower(node: GraphNode): readonly Emitted[] {
    return selectLowering(node, this.target, this.options.choose).emit(this, node as GraphNode<OpName>);
  }

  plain(value: Value): string {
    const names = this.namesOf(value);
    names.plain ??= this.reordered(names.blocked!, value, (name) =>
      this.node('ReorderOutput', [name], {
        domain: 'com.microsoft.nchwc',
        attributes: { channels: { int: value.shape[1] } },
      }),
    );
    return names.plain;
  }

  blocked(value: Value): string {
    const names = this.namesOf(value);
    names.blocked ??= this.reordered(names.plain!, value, (name) =>
      this.node('ReorderInput', [this.padded(name, value.shape)], { domain: 'com.microsoft.nchwc' }),
    );
    return names.blocked;
  }

  /** Only float32 can be reordered; other types go there and back. */
  private reordered(name: string, { dtype }: Value, reorder: (name: string) => string): string {
    if (dtype === 'float32') return reorder(name);
    return this.cast(reorder(this.cast(name, 'float32')), dtype);
  }

  /** `ReorderInput` takes channels in fours. */
  private padded(name: string, [, channels]: Shape): string {
    const missing = (4 - (channels % 4)) % 4;
    return missing === 0 ? name : this.node('Pad', [name, this.int64([0, 0, 0, 0, 0, missing, 0, 0])]);
  }

  isBlocked(value: Value): boolean {
    return this.namesOf(value).blocked !== undefined;
  }

  private namesOf(value: Value): Names {
    const names = this.names.get(value);
    if (names === undefined) {
      throw new GraphError(`emitGraph: inputs must be emitted first, but one of ${value.node.op} is not.`);
    }
    return names;
  }

  once(value: Value, form: string, make: () => string): string {
    const forms = this.forms.get(value) ?? new Map<string, string>();
    this.forms.set(value, forms);
    const name = forms.get(form) ?? make();
    forms.set(form, name);
    return name;
  }

  node(op: string, inputs: readonly string[], options: EmitOptions = {}): string {
    return this.nodes(op, inputs, options)[0];
  }

  nodes(op: string, inputs: readonly string[], options: EmitOptions = {}): string[] {
    return this.graph.multiNode(op, inputs, { ...options, name: `${this.prefix}.${op}` });
  }

  int64(value: number | readonly number[]): string {
    const { symbolicSize } = this.options;
    if (typeof value === 'number' || symbolicSize === undefined) return this.graph.int64(value);
    const isFree = (dim: number) => dim !== 0 && dim % symbolicSize === 0;
    if (!value.some(isFree)) return this.graph.int64(value);
    const parts = value.map((dim) =>
      isFree(dim) ? this.multipleOfFree(dim / symbolicSize) : this.graph.int64([dim]),
    );
    return parts.length === 1 ? parts[0] : this.node('Concat', parts, { attributes: { axis: { int: 0 } } });
  }

  /** The number of samples, times a whole number, as int64 `[1]`: read from the shape of an input. */
  private multipleOfFree(factor: number): string {
    if (this.freeInput === undefined) {
      throw new UnsupportedError(
        'exportOnnx: the number of samples must be free, but this model computes with it and no input has it first. Pass a fixed batch size.',
      );
    }
    this.freeSize ??= this.node('Shape', [this.freeInput], { attributes: { end: { int: 1 } } });
    return factor === 1 ? this.freeSize : this.node('Mul', [this.freeSize, this.graph.int64([factor])]);
  }

  /** A number that was computed from the free size, k·N or 1/(k·N), of the given shape; `undefined` for any other. */
  private fromFreeSize(value: number, shape: Shape, dtype: DType): string | undefined {
    const { symbolicSize } = this.options;
    if (symbolicSize === undefined || value <= 0) return undefined;
    const isInverse = value < 1;
    const times = (isInverse ? 1 / value : value) / symbolicSize;
    const factor = Math.round(times);
    // float32 keeps seven digits.
    if (factor < 1 || factor > LARGEST_FACTOR || Math.abs(times / factor - 1) > 2.5e-7) return undefined;
    const size = this.reshape(this.cast(this.multipleOfFree(factor), dtype), shape);
    return isInverse ? this.node('Reciprocal', [size]) : size;
  }

  scalar(value: number, dtype: DType): string {
    if (dtype === 'int64') return this.fromFreeSize(value, [], dtype) ?? this.graph.int64(value);
    const array = { float32: Float32Array, float64: Float64Array, int32: Int32Array }[dtype as 'float32'];
    if (array !== undefined) return this.constant(array.of(value), [], dtype);
    return this.cast(this.constant(Float32Array.of(value), [], 'float32'), dtype);
  }

  constant(data: NumericArray, shape: Shape, dtype: DType, hint = 'constant'): string {
    const fromSize = data.length === 1 ? this.fromFreeSize(Number(data[0]), shape, dtype) : undefined;
    if (fromSize !== undefined) return fromSize;
    return this.graph.constant(data as OnnxArray, shape, hint, dtype as OnnxDType);
  }

  cast(name: string, to: DType): string {
    return this.node('Cast', [name], { attributes: { to: { int: dtypeCode[to] } } });
  }

  /** A reshape of a reshape reads what the first one read; the same one is written once, one to no other shape never. */
  reshape(name: string, shape: Shape): string {
    const source = this.reshaped.get(name) ?? name;
    if (this.shapes.get(source) === shape.join()) return source;
    const key = `${source} [${shape.join()}]`;
    const known = this.reshapes.get(key);
    if (known !== undefined) return known;
    const result = this.writeReshape(source, shape);
    this.reshaped.set(result, source);
    this.reshapes.set(key, result);
    return result;
  }

  private writeReshape(name: string, shape: Shape): string {
    const { symbolicSize } = this.options;
    // The one size that depends on the number of samples is left to be found.
    const free = shape.filter((dim) => symbolicSize !== undefined && dim !== 0 && dim % symbolicSize === 0);
    const sizes = free.length === 1 ? shape.map((dim) => (dim === free[0] ? -1 : dim)) : shape;
    return this.node('Reshape', [name, this.int64(sizes)], {
      // A size of 0 means 0, not "as before".
      ...(shape.includes(0) ? { attributes: { allowzero: { int: 1 } } } : {}),
    });
  }
}
