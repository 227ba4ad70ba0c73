import { createArray, type HostTensor, sizeOf } from '#core';

/** A metric summed up over batches: its value is the sum over samples divided by their number. */
export interface BatchMetric {
  readonly name: string;
  /** Whether larger values are better. */
  readonly isBetterHigher: boolean;
  /** The sum over a batch of what is averaged. @param output of the model @param target as fed to the loss */
  sum(output: HostTensor, target: HostTensor): number;
}

/** A metric of all validation samples together, such as an average precision. */
export interface SetMetric {
  readonly name: string;
  /** Whether larger values are better. */
  readonly isBetterHigher: boolean;
  /** @param output of the model for all samples, `[N, …]` @param target of all samples, as fed to the loss */
  compute(output: HostTensor, target: HostTensor): number;
}

export type Metric = BatchMetric | SetMetric;

/** Batches joined along their first axis. */
export class Joined {
  private readonly parts: HostTensor[] = [];

  add({ dtype, shape, data }: HostTensor): void {
    this.parts.push({ dtype, shape, data: data.slice() } as HostTensor);
  }

  get(): HostTensor {
    const [{ dtype, shape }] = this.parts;
    const count = this.parts.reduce((total, part) => total + part.shape[0], 0);
    const whole = [count, ...shape.slice(1)];
    const joined = createArray(dtype, sizeOf(whole));
    let at = 0;
    for (const { data } of this.parts) {
      joined.set(data as never, at);
      at += data.length;
    }
    return { dtype, shape: whole, data: joined } as HostTensor;
  }
}

/** Position of each row's largest element; rows are along the last axis. */
export function argMaxRows({ data, shape }: HostTensor): Int32Array {
  const classes = shape[shape.length - 1];
  const best = new Int32Array(data.length / classes);
  for (let row = 0; row < best.length; row++) {
    for (let k = 1; k < classes; k++) {
      if (data[row * classes + k] > data[row * classes + best[row]]) best[row] = k;
    }
  }
  return best;
}

/** Share of samples whose largest logit is the target's class; targets are indices or distributions. */
export const accuracy: BatchMetric = {
  name: 'accuracy',
  isBetterHigher: true,
  sum(output, target) {
    const predicted = argMaxRows(output);
    const wanted = target.data.length === predicted.length ? target.data : argMaxRows(target);
    return predicted.reduce((total, k, i) => total + Number(k === Number(wanted[i])), 0);
  },
};
