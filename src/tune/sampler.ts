import type { Parameters } from './space.ts';

/** A point to try. Hand `id` back with the outcome. */
export interface Suggestion {
  readonly id: number;
  readonly parameters: Parameters;
}

/** What a tried point gave. */
export interface Outcome {
  /** Lower is better; `Infinity` for a trial that failed. */
  readonly loss: number;
  /** What the trial cost, in any unit above 0 that is the same for all trials. */
  readonly cost: number;
}

/** JSON that `restore` of the same sampler class takes back. */
export type SamplerState = Readonly<Record<string, unknown>>;

/**
 * Chooses points of one search space. Several suggestions may be open at once and may come back in any order.
 * The choices depend on the constructor's arguments and on the calls made, on nothing else, so that a sampler
 * restored from its state goes on exactly as the one that was saved.
 */
export interface Sampler {
  suggest(): Suggestion;
  /** The outcome of a suggestion. Ids that are not open are ignored. */
  tell(id: number, outcome: Outcome): void;
  /** The outcome of a point that was not suggested here, e.g. a configuration known to be good. */
  learn(parameters: Parameters, outcome: Outcome): void;
  /** Closes a suggestion that will never have an outcome. */
  forget(id: number): void;
  /** Everything that decides about coming suggestions. */
  state(): SamplerState;
  /** Goes on from a saved state; open suggestions of it are forgotten. */
  restore(state: SamplerState): void;
}
