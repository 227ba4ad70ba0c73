import {
  createArray,
  type DType,
  type HostTensor,
  type NumericArray,
  type Shape,
  ShapeError,
  sizeOf,
} from '#core';
import * as build from '../ir/build.ts';
import type { Variable } from '../ir/value.ts';
import { Tensor } from './tensor.ts';
import { currentTrace } from './trace.ts';

/** A tensor whose contents can change between runs: what a model learns, and what it keeps beside that. */
export class State extends Tensor {
  readonly variable: Variable;

  /** @param host initial contents, which are not copied */
  constructor({ dtype, data, shape }: HostTensor, name = '') {
    const variable: Variable = { name, dtype, shape, data: data as NumericArray };
    super(build.variable(variable));
    this.variable = variable;
  }

  /** The contents now, without a copy. */
  contents(): HostTensor {
    const { dtype, shape, data } = this.variable;
    return { dtype, shape, data } as HostTensor;
  }

  /**
   * Replaces the contents; the data is not copied.
   * @throws ShapeError when shape or type differ
   */
  set({ dtype, shape, data }: HostTensor): void {
    const { variable } = this;
    if (dtype !== variable.dtype || String(shape) !== String(variable.shape)) {
      throw new ShapeError(
        `${variable.name || 'State'}: contents must be ${variable.dtype}[${variable.shape.join(', ')}], but got ${dtype}[${shape.join(', ')}]. Convert them.`,
        { expected: [...variable.shape], got: [...shape] },
      );
    }
    variable.data = data;
  }
}

/** State that an optimiser changes, unless it is frozen. */
export class Parameter extends State {
  /** Frozen parameters get no gradient and no update. */
  requiresGrad = true;
}

/** State that the forward pass itself changes, such as running statistics. */
export class Buffer extends State {
  /** The contents as of now in the recording: after `assign`, what was assigned. */
  read(): Tensor {
    const updated = currentTrace()?.updates.get(this.variable);
    return updated === undefined ? this : new Tensor(updated);
  }

  /** Makes `next` the contents after the step that is being recorded. Without a recording nothing happens. */
  assign(next: Tensor): void {
    if (String(next.shape) !== String(this.shape)) {
      throw new ShapeError(
        `Buffer.assign: the shape must stay [${this.shape.join(', ')}], but got [${next.shape.join(', ')}]. Reshape it.`,
        { expected: [...this.shape], got: [...next.shape] },
      );
    }
    currentTrace()?.updates.set(this.variable, build.cast(next.value, this.dtype));
  }
}

/** Zero-filled host memory for new state. */
export function zerosHost(shape: Shape, dtype: DType = 'float32'): HostTensor {
  return { dtype, shape, data: createArray(dtype, sizeOf(shape)) } as HostTensor;
}
