import { ConfigError } from '#core';
import type { CommonOptions, ParameterGroup } from '#nn';
import type { VisionModel } from './vision-model.ts';

export interface LayerDecayOptions {
  /** Learning rate of the head, above 0. */
  readonly learningRate: number;
  /** Factor of the learning rate from one stage to the one before it, in (0, 1]; 0.75 by default. */
  readonly decay?: number;
  /** Weight decay of weights with two axes or more; the optimiser's own when absent. */
  readonly weightDecay?: number;
  /** Decay biases, normalisations and other parameters of one axis too; false by default. */
  readonly decayAll?: boolean;
}

/**
 * Parameter groups for an optimiser in which a stage learns the slower the nearer it is to the input:
 * learningRate·decay^(distance from the head).
 *
 * @throws ConfigError for a decay outside (0, 1]
 * @source Howard and Ruder 2018, https://arxiv.org/abs/1801.06146; Bao et al. 2021, https://arxiv.org/abs/2106.08254
 * @example
 * const groups = layerDecayGroups(model, { learningRate: 3e-4, decay: 0.8, weightDecay: 0.05 });
 * const optimizer = new AdamW({ learningRate: 3e-4, groups });
 */
export function layerDecayGroups(
  model: VisionModel,
  { learningRate, decay = 0.75, weightDecay, decayAll = false }: LayerDecayOptions,
): ParameterGroup<CommonOptions>[] {
  if (!(decay > 0 && decay <= 1)) {
    throw new ConfigError(
      `layerDecayGroups: decay must lie in (0, 1], but got ${decay}. Pass 1 for the same rate everywhere.`,
      { decay },
    );
  }
  const parameters = [...model.namedParameters()];
  const stages = model.stages();
  return stages.flatMap(({ pattern }, i) => {
    const rate = learningRate * decay ** (stages.length - 1 - i);
    const own = parameters.filter(([name]) => pattern.test(name));
    const isPlain = ([, parameter]: (typeof own)[number]) => parameter.rank < 2 && !decayAll;
    const group = (members: typeof own, decayed: number | undefined) =>
      members.length === 0
        ? []
        : [
            {
              match: exactly(members.map(([name]) => name)),
              learningRate: rate,
              ...(decayed === undefined ? {} : { weightDecay: decayed }),
            },
          ];
    return [
      ...group(
        own.filter((entry) => !isPlain(entry)),
        weightDecay,
      ),
      ...group(own.filter(isPlain), 0),
    ];
  });
}

function exactly(names: readonly string[]): RegExp {
  return new RegExp(`^(?:${names.map((name) => name.replaceAll('.', '\\.')).join('|')})$`);
}
