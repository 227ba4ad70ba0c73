import type { DType, NumericArray, Shape } from '#core';
import type * as build from './build.ts';
import type { OpAttributes, OpName } from './op-attributes.ts';
import type { GraphNode, Phase, TensorType, Value } from './value.ts';

/** The functions that make nodes, handed to gradient rules. */
export type Build = typeof build;

/** A tensor of the float64 interpreter: every element type is held as float64. */
export interface ReferenceTensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export interface GradientArguments<K extends OpName> {
  readonly build: Build;
  readonly node: GraphNode<K>;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Gradients of the outputs, with the outputs' shapes; `undefined` for outputs that nothing depends on. */
  readonly gradients: readonly (Value | undefined)[];
  /** Which inputs need a gradient: rules may skip the others. */
  readonly needs: readonly boolean[];
}

/** Where a graph runs, as far as emission depends on it. */
export interface Target {
  readonly device: Device;
  /** Threads of one op. */
  readonly threads: number;
  /** Channels per block of ONNX Runtime's blocked layout; 1 where it has none. */
  readonly blockSize: number;
  /** Standard ONNX operators alone: for models that leave. */
  readonly portable?: boolean;
}

export type Device = 'cpu' | 'webgpu' | 'cuda' | 'coreml' | 'dml';

/**
 * The name of an ONNX value that holds a result. A blocked one holds `[N, C, H, W]` as `[N, C/B, H, W, B]` in memory,
 * channels padded with zeros to a multiple of B, and is declared as `[N, C padded, H, W]`.
 */
export type Emitted = string | { readonly blocked: string };

export type OnnxAttributeValue =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] };

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttributeValue>>;
  readonly domain?: '' | 'com.microsoft' | 'com.microsoft.nchwc';
  readonly outputs?: number;
}

/** What a lowering writes to. Methods that make a value return its name. */
export interface Emitter {
  readonly target: Target;
  /** The pass that the node being written belongs to. */
  readonly phase: Phase;
  /** Name of the value in plain (row-major) layout; converts it when it exists only blocked. */
  plain(value: Value): string;
  /** Name of the `[N, C, H, W]` value in blocked layout; converts it when it exists only plain. */
  blocked(value: Value): string;
  /** Whether the value already exists in blocked layout. */
  isBlocked(value: Value): boolean;
  /** Another form of a value, made when it is first asked for: `form` tells its forms apart. */
  once(value: Value, form: string, make: () => string): string;
  /** Adds a node and returns the name of its first output. */
  node(op: string, inputs: readonly string[], options?: EmitOptions): string;
  /** Adds a node and returns the names of all its outputs. */
  nodes(op: string, inputs: readonly string[], options?: EmitOptions): string[];
  /** An int64 constant: a scalar for a number, a vector for an array. */
  int64(value: number | readonly number[]): string;
  /** A constant scalar of the given type. */
  scalar(value: number, dtype: DType): string;
  constant(data: NumericArray, shape: Shape, dtype: DType, hint?: string): string;
  cast(name: string, to: DType): string;
  reshape(name: string, shape: Shape): string;
}

/** One way to write an op as ONNX nodes. */
export interface Lowering<K extends OpName> {
  /** Unique among the op's lowerings; the autotuner's cache and `--profile` show it. */
  readonly name: string;
  /** Whether it can be used; always when absent. */
  readonly applies?: (node: GraphNode<K>, target: Target) => boolean;
  /** Estimated milliseconds; needed when an op has several lowerings. */
  readonly cost?: (node: GraphNode<K>, target: Target) => number;
  readonly emit: (emitter: Emitter, node: GraphNode<K>) => readonly Emitted[];
}

/** Everything Trainyard knows about an op. */
export interface OpRule<K extends OpName> {
  /**
   * Types of the outputs.
   * @throws ShapeError or DTypeError naming `where`, the rule and the shapes
   */
  readonly infer: (
    inputs: readonly TensorType[],
    attributes: OpAttributes[K],
    where: string,
  ) => readonly TensorType[];
  /**
   * Gradients of the inputs, `undefined` where there is none; each may still have the shape of the output where the
   * op broadcast the input. `'none'` for ops that are not differentiable.
   */
  readonly gradient: 'none' | ((context: GradientArguments<K>) => readonly (Value | undefined)[]);
  /** Plain loops in float64: the meaning of the op. */
  readonly reference: (
    inputs: readonly ReferenceTensor[],
    attributes: OpAttributes[K],
    outputs: readonly TensorType[],
  ) => readonly Float64Array[];
  /** The first that applies is the fallback; the cost model and the autotuner choose among those that apply. */
  readonly lowerings: readonly Lowering<K>[];
}

export type OpTable = { readonly [K in OpName]: OpRule<K> };
