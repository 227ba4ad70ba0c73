import type { Tensor } from '#engine';
import {
  AdamW,
  biTemperedLogisticLoss,
  constantRate,
  cosineDecay,
  crossEntropy,
  focalCosineLoss,
  focalLoss,
  type Loss,
  type Optimizer,
  oneCycle,
  polynomialDecay,
  type Schedule,
  SGD,
  softCrossEntropy,
  withWarmup,
} from '#nn';
import type { ClassifySettings } from './classify-settings.ts';
import type { TrainedStage } from './plan-stages.ts';

/** What a step is made of beside the model. */
export interface Recipe {
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly schedule?: Schedule;
}

/** What training adds to the settings. */
export interface RecipeInput {
  /** [K] training rows of each class. */
  readonly counts: ArrayLike<number>;
  /** Updates of the optimiser in an epoch, a fraction where batches are left over for the next. */
  readonly updatesPerEpoch: number;
  /** All stages, input first; each learns `layerDecay` times as fast as the one behind it. */
  readonly stages: readonly TrainedStage[];
}

/** Loss, optimiser and schedule of the settings. */
export function createRecipe(
  settings: ClassifySettings,
  { counts, updatesPerEpoch, stages }: RecipeInput,
): Recipe {
  const schedule = createSchedule(settings, updatesPerEpoch);
  return {
    loss: createLoss(settings, counts),
    optimizer: createOptimizer(settings, stages),
    ...(schedule === undefined ? {} : { schedule }),
  };
}

/** Targets are distributions; losses of one class per picture take the likeliest. */
function createLoss(
  { loss, labelSmoothing, classWeights }: ClassifySettings,
  counts: ArrayLike<number>,
): Loss {
  const onIndices =
    (compute: (logits: Tensor, target: Tensor) => Tensor): Loss =>
    (logits, target) =>
      compute(logits, target.argMax(1));
  switch (loss) {
    case 'focal':
      return onIndices((logits, target) => focalLoss(logits, target));
    case 'focal-cosine':
      return onIndices((logits, target) => focalCosineLoss(logits, target));
    case 'soft-cross-entropy':
      return onIndices((logits, target) =>
        softCrossEntropy(logits, target, { smoothFactor: labelSmoothing }),
      );
    case 'bi-tempered':
      return (logits, target) => biTemperedLogisticLoss(logits, target, { t1: 0.8, t2: 1.2, labelSmoothing });
    case 'cross-entropy': {
      if (classWeights === 'none')
        return (logits, target) => crossEntropy(logits, target, { labelSmoothing });
      const weight = balancedWeight(counts);
      return (logits, target) => crossEntropy(logits, target, { labelSmoothing, weight });
    }
  }
}

/** scikit-learn's `balanced`: N / (K · rows of the class); 0 for a class without rows. */
function balancedWeight(counts: ArrayLike<number>): number[] {
  const rows = Array.from(counts);
  const total = rows.reduce((sum, count) => sum + count, 0);
  return rows.map((count) => (count === 0 ? 0 : total / (rows.length * count)));
}

function createOptimizer(
  { optimizer, learningRate, weightDecay, layerDecay }: ClassifySettings,
  stages: readonly TrainedStage[],
): Optimizer {
  const groups = stages.map(({ pattern, startStep }, i) => ({
    match: pattern,
    learningRate: learningRate * layerDecay ** (stages.length - 1 - i),
    startStep,
  }));
  return optimizer === 'adamw'
    ? new AdamW({ learningRate, weightDecay, groups })
    : new SGD({ learningRate, weightDecay, momentum: 0.9, nesterov: true, groups });
}

function createSchedule(settings: ClassifySettings, updatesPerEpoch: number): Schedule | undefined {
  const { schedule, epochs, warmupEpochs } = settings;
  const warmup = Math.round(warmupEpochs * updatesPerEpoch);
  const steps = Math.max(1, Math.ceil(epochs * updatesPerEpoch) - warmup);
  const main = {
    constant: () => (warmup > 0 ? constantRate() : undefined),
    cosine: () => cosineDecay({ steps }),
    linear: () => polynomialDecay({ steps }),
    'one-cycle': () => oneCycle({ steps }),
  }[schedule]();
  return main === undefined || warmup === 0 ? main : withWarmup(main, { steps: warmup });
}
