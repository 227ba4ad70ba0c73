import { ConfigError } from '#core';

export interface MovingAverageOptions {
  /** Share of the average that is kept at every step, in [0, 1); 0.999 by default. */
  readonly decay?: number;
  /** Number of steps over which the decay grows to its value as decay·(1 − e^(−step/warmup)); 0 is no warm-up. */
  readonly warmupSteps?: number;
}

/**
 * Decay of an exponential moving average of weights at a step: average ← d·average + (1 − d)·weights.
 * @param step counted from 1
 * @throws ConfigError for a decay outside [0, 1)
 */
export function averageDecay({ decay = 0.999, warmupSteps = 0 }: MovingAverageOptions, step: number): number {
  if (!(decay >= 0 && decay < 1)) {
    throw new ConfigError(`ema: decay must lie in [0, 1), but got ${decay}. Pass a share such as 0.999.`, {
      decay,
    });
  }
  return warmupSteps > 0 ? decay * (1 - Math.exp(-step / warmupSteps)) : decay;
}
