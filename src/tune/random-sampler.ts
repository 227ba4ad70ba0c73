import { Rng } from '#core';
import { sampleParameters } from './sample-parameters.ts';
import type { Sampler, SamplerState, Suggestion } from './sampler.ts';
import type { SearchSpace } from './space.ts';
import { validateSpace } from './validate-space.ts';

/** Independent random points (Bergstra and Bengio, JMLR 2012). Outcomes do not matter to it. */
export class RandomSampler implements Sampler {
  private readonly space: SearchSpace;
  private readonly seed: number;
  private next = 0;

  /** @throws ConfigError for a faulty space */
  constructor(space: SearchSpace, seed: number) {
    validateSpace(space);
    this.space = space;
    this.seed = seed;
  }

  suggest(): Suggestion {
    const id = this.next++;
    return { id, parameters: sampleParameters(this.space, new Rng(this.seed).fork(id)) };
  }

  tell(): void {}

  learn(): void {}

  forget(): void {}

  state(): SamplerState {
    return { next: this.next };
  }

  restore(state: SamplerState): void {
    this.next = Number(state.next);
  }
}
