import type { DType, NumericArray, Shape } from '#core';
import type { Variable } from './value.ts';

type None = Readonly<Record<never, never>>;

/** Axes are counted from 0; negative ones are resolved before a node is made. */
interface ReduceAttributes {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

interface AxisAttributes {
  readonly axis: number;
}

/** `[top, left, bottom, right]` in pixels; `[height, width]` for the others. */
export interface ConvAttributes {
  readonly strides: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly dilations: readonly [number, number];
  readonly groups: number;
}

/** A convolution's gradient needs the shape that the forward convolution's other side had. */
export interface ConvGradientAttributes extends ConvAttributes {
  readonly shape: Shape;
}

export interface PoolAttributes {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  /** Each column holds the few values of one window, as `poolByPhases` lays them, and all are finite. */
  readonly isByPhases?: boolean;
}

export interface AveragePoolAttributes extends PoolAttributes {
  /** Divide by the kernel's area even where it overlaps the padding. */
  readonly countIncludePad: boolean;
}

/** Whether a channel operand is `[C]` or, with `perSample`, `[N, C]`. */
interface ChannelAttributes {
  readonly perSample: boolean;
}

/**
 * The closed list of ops with their attributes. Everything a model does is made of these; composites (GELU, losses,
 * optimisers) are built in `build-*.ts` and above. Each op has one entry in the op table.
 */
export interface OpAttributes {
  // Leaves
  /** Fed by name on every run. */
  readonly input: { readonly name: string } & Readonly<{ dtype: DType; shape: Shape }>;
  readonly constant: {
    readonly data: NumericArray;
    readonly dtype: DType;
    readonly shape: Shape;
    /** Name in an exported model. */
    readonly name?: string;
  };
  readonly variable: { readonly variable: Variable };

  // Element by element, with broadcasting of shapes
  readonly add: None;
  readonly sub: None;
  readonly mul: None;
  readonly div: None;
  readonly pow: None;
  readonly maximum: None;
  readonly minimum: None;
  /** Remainder with the divisor's sign, as Python's `%`. */
  readonly mod: None;
  readonly equal: None;
  readonly less: None;
  readonly lessEqual: None;
  readonly greater: None;
  readonly greaterEqual: None;
  readonly and: None;
  readonly or: None;
  readonly not: None;
  readonly where: None;
  readonly cast: { readonly to: DType };
  readonly neg: None;
  readonly abs: None;
  readonly sign: None;
  readonly exp: None;
  readonly log: None;
  readonly sqrt: None;
  readonly reciprocal: None;
  readonly erf: None;
  readonly sigmoid: None;
  readonly tanh: None;
  readonly sin: None;
  readonly cos: None;
  readonly floor: None;
  readonly ceil: None;
  /** To the nearest whole number, halves to the even one. */
  readonly round: None;
  readonly isFinite: None;
  readonly relu: None;
  readonly silu: None;
  /** The value itself, and no gradient. */
  readonly stopGradient: None;
  /** The value itself, computed again and only after the second input is known. */
  readonly after: None;

  // Reductions
  readonly sum: ReduceAttributes;
  readonly reduceMax: ReduceAttributes;
  readonly reduceMin: ReduceAttributes;
  readonly logSumExp: ReduceAttributes;
  readonly argMax: AxisAttributes & { readonly keepDims: boolean };
  readonly cumSum: AxisAttributes & { readonly exclusive: boolean; readonly reverse: boolean };
  readonly topK: AxisAttributes & { readonly k: number; readonly largest: boolean };
  readonly softmax: AxisAttributes;
  readonly logSoftmax: AxisAttributes;

  // Products
  readonly matmul: { readonly transposeA: boolean; readonly transposeB: boolean };
  /** a·b + beta·c, made of `matmul` and `add` before emission. */
  readonly gemm: {
    readonly transposeA: boolean;
    readonly transposeB: boolean;
    readonly beta: number;
    /** Whether negative results become zero. */
    readonly relu: boolean;
  };
  readonly conv2d: ConvAttributes;
  /** Gradient of `conv2d` in its input, which is also transposed convolution; `shape` is the input's. */
  readonly conv2dInput: ConvGradientAttributes;
  /** Gradient of `conv2d` in its weight; `shape` is the weight's. */
  readonly conv2dWeight: ConvGradientAttributes;

  // Channels (axis 1) of [N, C, …]
  /** x·scale + shift per channel. */
  readonly channelAffine: ChannelAttributes;
  /** x·scale + shift per channel + addend, then ReLU if wanted; made of those operations before emission. */
  readonly affineSum: { readonly relu: boolean };
  /** Σ x·y per channel. */
  readonly channelDot: ChannelAttributes;
  /** Σ x per channel. */
  readonly channelSum: ChannelAttributes;
  /** Mean and biased variance per channel over all other axes. */
  readonly channelMoments: None;

  // Pooling and resizing of [N, C, H, W]
  readonly maxPool2d: PoolAttributes;
  /** Sends each value of its first input to the place its window's maximum came from. */
  readonly maxPool2dScatter: PoolAttributes & { readonly shape: Shape };
  /** Gradient of `maxPool2dScatter`: takes from each window the value at the maximum's place. */
  readonly maxPool2dGather: PoolAttributes;
  readonly averagePool2d: AveragePoolAttributes;
  /** Gradient of `averagePool2d`; `shape` is the pooled input's. */
  readonly averagePool2dGradient: AveragePoolAttributes & { readonly shape: Shape };
  readonly resize2d: {
    readonly size: readonly [number, number];
    readonly mode: 'nearest' | 'bilinear';
    readonly alignCorners: boolean;
  };

  // Moving elements
  readonly reshape: { readonly shape: Shape };
  readonly transpose: { readonly permutation: readonly number[] };
  readonly expand: { readonly shape: Shape };
  readonly slice: {
    readonly starts: readonly number[];
    readonly ends: readonly number[];
    readonly steps: readonly number[];
  };
  readonly pad: {
    readonly before: readonly number[];
    readonly after: readonly number[];
    readonly value: number;
  };
  readonly concat: AxisAttributes;
  readonly split: AxisAttributes & { readonly sizes: readonly number[] };
  /** Rows of the first input along `axis`, chosen by the second. */
  readonly gather: AxisAttributes;
  /** Adds slices of the first input to zeros of `shape` at the indices along `axis`: gradient of `gather`. */
  readonly scatterAdd: AxisAttributes & { readonly shape: Shape };
  readonly gatherElements: AxisAttributes;
  readonly scatterElementsAdd: AxisAttributes & { readonly shape: Shape };
  readonly oneHot: { readonly depth: number };

  // Random numbers
  /** Uniform in [0, 1) from the key (int64 `[2]`: seed, step), the stream and the element's position. */
  readonly randomUniform: { readonly shape: Shape; readonly stream: number };
}

export type OpName = keyof OpAttributes;
