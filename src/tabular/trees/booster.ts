import { hashString, Rng } from '#core';
import { treeLayout as at, TreeTeam } from '#kernels';
import { effectiveWeights } from '../learners/class-weights.ts';
import type { FitContext, TrainingData } from '../learners/learner.ts';
import { Pacer } from '../learners/pacer.ts';
import { chooseBins, type FeatureBins } from './binning.ts';
import { type KernelRows, placeFit, placeRows, useFeatures } from './boosting-memory.ts';
import type { GradientBoostingParameters } from './boosting-parameters.ts';
import { EnsembleBuilder } from './ensemble-builder.ts';
import { readTree } from './grown-tree.ts';
import { createObjective, type Objective } from './objectives.ts';
import { renewLeaves } from './renew-leaves.ts';
import type { TreeEnsemble } from './tree-ensemble.ts';

/** What a fit found out besides the trees. */
export interface BoostingResult {
  readonly ensemble: TreeEnsemble;
  /** Rounds kept. */
  readonly iterations: number;
  /** Loss on the validation rows after each round; empty without them. */
  readonly validationLosses: readonly number[];
}

/**
 * Gradient boosting with second-order steps (Friedman 2001; Chen and Guestrin 2016, https://arxiv.org/abs/1603.02754)
 * on binned features.
 */
export async function boost(
  where: string,
  data: TrainingData,
  params: GradientBoostingParameters,
  context: FitContext,
): Promise<BoostingResult> {
  const pacer = new Pacer(where, context.deadline);
  const weights =
    data.weights === undefined && params.classWeight === null
      ? undefined
      : effectiveWeights(data, data.classes === 0 ? null : params.classWeight);
  const objective = createObjective(where, params, data.y, data.classes, weights);
  const team = TreeTeam.acquire(context.threads);
  try {
    const bins = await chooseBins(team, data.X, params.maxBins, context.seed, pacer);
    const training = await placeRows(team, data.X, bins, objective, data.y, weights, true, pacer);
    const { validation } = data;
    const held =
      validation !== undefined && params.earlyStoppingRounds > 0 && validation.X.rows > 0
        ? await placeRows(team, validation.X, bins, objective, validation.y, validation.weights, false, pacer)
        : undefined;
    placeFit(team, training, bins, objective, params);
    const booster = new Booster({
      team,
      params,
      objective,
      bins,
      training,
      validation: held,
      seed: context.seed,
    });
    return await booster.run(pacer);
  } finally {
    team.release();
  }
}

interface BoosterParts {
  readonly team: TreeTeam;
  readonly params: GradientBoostingParameters;
  readonly objective: Objective;
  readonly bins: readonly FeatureBins[];
  readonly training: KernelRows;
  readonly validation: KernelRows | undefined;
  readonly seed: number;
}

class Booster {
  private readonly team: TreeTeam;
  private readonly params: GradientBoostingParameters;
  private readonly objective: Objective;
  private readonly width: number;
  private readonly seed: number;
  private readonly builder: EnsembleBuilder;
  private readonly training: KernelRows;
  private readonly validation: KernelRows | undefined;
  private readonly counters: number;

  constructor({ team, params, objective, bins, training, validation, seed }: BoosterParts) {
    this.team = team;
    this.params = params;
    this.objective = objective;
    this.width = bins.length;
    this.seed = seed;
    this.builder = new EnsembleBuilder(bins, 1);
    this.training = training;
    this.validation = validation;
    this.counters = params.boosting === 'goss' ? team.allocate(262_144) : 0;
  }

  async run(pacer: Pacer): Promise<BoostingResult> {
    const { params, objective } = this;
    const losses: number[] = [];
    let bestLoss = Number.POSITIVE_INFINITY;
    let bestRound = 0;
    let rounds = 0;
    while (rounds < params.iterations) {
      const grew = await this.round(rounds, pacer);
      rounds++;
      const loss = this.validationLoss();
      if (loss !== undefined) {
        losses.push(loss);
        if (loss < bestLoss) {
          bestLoss = loss;
          bestRound = rounds;
        } else if (rounds - bestRound >= params.earlyStoppingRounds) break;
      }
      if (!grew && params.subsample === 1 && params.boosting === 'gbdt' && params.colsampleByTree === 1)
        break;
    }
    const kept = this.validation === undefined ? rounds : bestRound;
    const ensemble = this.builder.build({
      link: objective.link,
      outputs: objective.outputs,
      base: objective.start.map((start) => start * objective.scale + objective.center),
      trees: Math.min(this.builder.trees, kept * objective.outputs),
      scale: objective.scale,
    });
    return { ensemble, iterations: kept, validationLosses: losses };
  }

  /** Grows one tree per output. @returns whether any of them has a split */
  private async round(round: number, pacer: Pacer): Promise<boolean> {
    const { team, params, objective } = this;
    const kernel = team.exports;
    const rng = new Rng(this.seed).fork(`round ${round}`);
    const goss = params.boosting === 'goss';
    this.drawTreeFeatures(rng);
    if (!goss && params.subsample < 1) kernel.sampleRows(rng.nextUint32() | 0, params.subsample);
    if (objective.outputs > 1) kernel.computeLogSums();
    let grew = false;
    for (let output = 0; output < objective.outputs; output++) {
      team.setInt(at.OUTPUT, output);
      team.setInt(at.TREE_SEED, hashString(`${round}/${output}`, this.seed | 0) | 0);
      kernel.computeGradients(goss ? Math.max(1, (1 - params.topRate) / params.otherRate) : 1);
      if (goss) kernel.sampleOneSide(rng.nextUint32() | 0, params.topRate, params.otherRate, this.counters);
      kernel.quantise(goss || params.subsample < 1 ? 0 : 1);
      if (pacer.due()) await pacer.pause();
      kernel.beginTree();
      while (kernel.splitNext() !== 0) {
        if (pacer.due()) await pacer.pause();
      }
      team.check();
      if (objective.renewQuantile !== undefined) {
        renewLeaves(team, this.training, objective.renewQuantile, params.learningRate);
      }
      kernel.applyTree();
      this.traverseValidation(output);
      if (team.exports.treeNodes() > 1) grew = true;
      readTree(team, this.builder, output);
    }
    return grew;
  }

  private drawTreeFeatures(rng: Rng): void {
    const { width, params, team } = this;
    const wanted = Math.max(1, Math.round(params.colsampleByTree * width));
    const chosen = rng.permutation(width).subarray(0, wanted).sort();
    useFeatures(team, chosen, width);
    team.setInt(at.NODE_FEATURES, Math.max(1, Math.round(params.colsampleByNode * wanted)));
  }

  private traverseValidation(output: number): void {
    const { validation, team } = this;
    if (validation === undefined) return;
    const scores = validation.scores + output * validation.padded * 4;
    team.exports.traverse(validation.panels, validation.rows, scores, 0);
  }

  private validationLoss(): number | undefined {
    const { validation, team, objective } = this;
    if (validation === undefined) return undefined;
    const { rows, padded } = validation;
    return objective.loss(
      team.f32(validation.scores, padded * objective.outputs),
      padded,
      team.f32(validation.targets, rows),
      validation.weights === 0 ? undefined : team.f32(validation.weights, rows),
    );
  }
}
