import { ConfigError, type HostTensor } from '#core';
import type { Tensor } from '#engine';
import { checkpoint, Linear, Module } from '#nn';
import { adaptChannels } from './adapt-channels.ts';

/** A part of a model, from the input (first) to the head (last), with the parameters that belong to it. */
export interface Stage {
  readonly name: string;
  /** Matches the names of the stage's parameters and buffers in the model itself, not inside a wrapper. */
  readonly pattern: RegExp;
}

/** A stage as its model lists it. */
export interface StageStep {
  readonly name: string;
  /** Modules and parameters directly behind this stage, by the names that state dicts give them. */
  readonly members: readonly string[];
  readonly forward: (x: Tensor) => Tensor;
}

/**
 * An image classifier `[N, C, H, W]` → logits `[N, K]`, made of stages: what freezing, gradual unfreezing, gradient
 * checkpointing and the decay of learning rates by depth refer to. The last stage is the head.
 */
export abstract class VisionModel extends Module {
  /** Name of the layer that gives the logits, such as `classifier`. */
  abstract readonly headName: string;
  /** Name of the weight that reads the image's channels. */
  abstract readonly stemWeight: string;
  /** Name of its architecture in the registry; set by `createModel`. */
  architecture = '';
  private checkpointed: readonly string[] = [];

  /** The stages with what they compute. Every parameter belongs to exactly one. */
  protected abstract steps(): readonly StageStep[];

  /** The layer named `headName`. */
  protected abstract get head(): Linear;
  protected abstract set head(layer: Linear);

  /** The stages, input first and head last. */
  stages(): readonly Stage[] {
    return this.steps().map(({ name, members }) => ({ name, pattern: patternOf(members) }));
  }

  /**
   * Makes tensors of a file fit where another size of image or number of channels does not: here, the stem's weight.
   * @returns the ones that it changed, by name
   */
  adaptWeights(state: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
    const given = state.get(this.stemWeight);
    const own = this.namedParameters().get(this.stemWeight);
    const adapted = given === undefined || own === undefined ? undefined : adaptChannels(given, own.shape);
    return new Map(adapted === undefined ? [] : [[this.stemWeight, adapted]]);
  }

  /** Number of classes. */
  get numClasses(): number {
    return this.head.weight.shape[0];
  }

  override forward(x: Tensor): Tensor {
    return this.run(this.steps(), x);
  }

  /** Everything before the head: a map `[N, C, H', W']`, or tokens `[N, T, C]` of a transformer. */
  forwardFeatures(x: Tensor): Tensor {
    return this.run(this.steps().slice(0, -1), x);
  }

  /**
   * Gives the model a new head, whose weights start as a linear layer's do.
   *
   * @param numClasses at least 1
   * @param seed of its weights; by order of creation when absent
   * @throws ConfigError for a number of classes that is not a whole number above 0
   */
  swapHead(numClasses: number, { seed }: { readonly seed?: number } = {}): void {
    checkClasses(numClasses, 'swapHead');
    const features = this.head.weight.shape[1];
    this.head = new Linear(features, numClasses, seed === undefined ? {} : { seed });
  }

  /**
   * Gradient checkpointing: the backward pass computes these stages again instead of keeping what they computed.
   * Saves memory, costs a second forward pass of them.
   *
   * @param names `'all'` for every stage but the head; `[]` for none
   * @throws ConfigError for a name that no stage has
   */
  checkpointStages(names: readonly string[] | 'all'): void {
    const known = this.steps().map(({ name }) => name);
    const unknown = names === 'all' ? [] : names.filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      throw new ConfigError(
        `checkpointStages: names must be those of stages, but got ${unknown.join(', ')}. Choose from ${known.join(', ')}.`,
        { unknown },
      );
    }
    this.checkpointed = names === 'all' ? known.slice(0, -1) : names;
  }

  private run(steps: readonly StageStep[], x: Tensor): Tensor {
    return steps.reduce(
      (value, { name, forward }) =>
        this.training && this.checkpointed.includes(name) ? checkpoint(() => forward(value)) : forward(value),
      x,
    );
  }
}

/** Names that are one of `members` or lie below one. */
function patternOf(members: readonly string[]): RegExp {
  if (members.length === 0) return /^(?!)/;
  const names = members.map((name) => name.replaceAll('.', '\\.'));
  return new RegExp(`^(?:${names.join('|')})(?:\\.|$)`);
}

/** @throws ConfigError for a number of classes that is not a whole number above 0 */
export function checkClasses(numClasses: number, where: string): void {
  if (Number.isInteger(numClasses) && numClasses >= 1) return;
  throw new ConfigError(
    `${where}: numClasses must be a whole number above 0, but got ${numClasses}. Pass the number of classes.`,
    { numClasses },
  );
}
