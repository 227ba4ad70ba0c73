import { DataError } from '#core';
import type { FitContext, Model } from '../learners/learner.ts';
import { nestedParts, type OutOfFold, splitByPart } from './out-of-fold.ts';
import { type CandidateScore, type Scoring, scoreOutOfFold } from './score.ts';
import { fitStack, stackFeatures } from './stacking.ts';
import { combineVotes, selectVotingWeights } from './voting.ts';

/** A finished trial that an ensemble may use. */
export interface EnsembleCandidate {
  readonly iteration: number;
  readonly learner: string;
  /** [E, K] out-of-fold probabilities or [E] values. */
  readonly predictions: Float64Array;
}

export interface EnsembleMember {
  readonly iteration: number;
  /** Share of the vote; null in a stack. */
  readonly weight: number | null;
}

/** An ensemble that was chosen and scored honestly: nothing was chosen on the rows it is scored on. */
export interface Ensemble {
  readonly kind: 'VotingEnsemble' | 'StackEnsemble';
  readonly members: readonly EnsembleMember[];
  readonly score: CandidateScore;
  /** Meta-learner of a stack, or calibration of a vote, fitted on all out-of-fold predictions. */
  readonly meta: Model | null;
}

/** Members with less than this share of the vote are dropped: each costs a fit and a part of the file. */
const SMALLEST_SHARE = 0.04;

/** Fewer rows than this do not tell how far a vote's probabilities are off. */
const CALIBRATION_ROWS = 1000;

/**
 * Soft vote over the candidates with greedily selected weights, scored with weights selected on the other parts.
 *
 * Averages are less sure than their members should be, forests above all. For two classes the vote's log-odds z are
 * therefore mapped to a·z + b, fitted on the log loss of the out-of-fold predictions (Platt 1999). The order of the
 * rows, and so AUC, stays what it is.
 */
export async function buildVotingEnsemble(
  layout: OutOfFold,
  candidates: readonly EnsembleCandidate[],
  scoring: Scoring,
  context: FitContext,
): Promise<Ensemble> {
  const predictions = candidates.map((candidate) => candidate.predictions);
  const { part, parts } = scorableParts('VotingEnsemble', layout);
  const calibrated = layout.classes === 2 && layout.y.length >= CALIBRATION_ROWS;
  const voteOn = async (entries?: Uint32Array) => {
    const given = entries === undefined ? {} : { entries };
    const weights = dropSmall(selectVotingWeights(layout, predictions, given).weights);
    const vote = combineVotes(predictions, weights);
    if (!calibrated) return { weights, values: vote, meta: null };
    const meta = await fitStack(layout, [vote], context, { balanced: false, ...given });
    return { weights, values: meta.predict(stackFeatures(layout.task, layout.classes, [vote])), meta };
  };
  const nested: Float64Array[] = [];
  for (let p = 0; p < parts; p++) nested.push((await voteOn(splitByPart(part, p).outside)).values);
  const { weights, values, meta } = await voteOn();
  const members = candidates
    .map(({ iteration }, m) => ({ iteration, weight: weights[m] }))
    .filter((member) => member.weight > 0)
    .sort((a, b) => b.weight - a.weight);
  const score = scoreOutOfFold(layout, values, scoring, (p) => nested[p]);
  return { kind: 'VotingEnsemble', members, score, meta };
}

/**
 * Stack of the best candidates of different learners under a linear meta-learner, scored with meta-learners fitted
 * on the other parts.
 */
export async function buildStackEnsemble(
  layout: OutOfFold,
  candidates: readonly EnsembleCandidate[],
  scoring: Scoring,
  context: FitContext,
): Promise<Ensemble> {
  const members = chooseStackMembers(layout, candidates);
  const predictions = members.map((member) => member.predictions);
  const balanced = /macro|balanced/.test(scoring.metric);
  const { part, parts } = scorableParts('StackEnsemble', layout);
  const features = stackFeatures(layout.task, layout.classes, predictions);
  const nested: Float64Array[] = [];
  for (let p = 0; p < parts; p++) {
    const entries = splitByPart(part, p).outside;
    const meta = await fitStack(layout, predictions, context, { balanced, entries });
    nested.push(meta.predict(features));
  }
  const meta = await fitStack(layout, predictions, context, { balanced });
  const score = scoreOutOfFold(layout, meta.predict(features), scoring, (p) => nested[p]);
  return {
    kind: 'StackEnsemble',
    members: members.map(({ iteration }) => ({ iteration, weight: null })),
    score,
    meta,
  };
}

/** Most members of a stack. */
const STACK_MEMBERS = 5;

/** The best of each learner first, then the best of all, up to five; none far worse than the best. */
function chooseStackMembers(
  layout: OutOfFold,
  candidates: readonly EnsembleCandidate[],
): EnsembleCandidate[] {
  const losses = candidates.map(
    (candidate) => selectVotingWeights(layout, [candidate.predictions], { rounds: 0 }).loss,
  );
  const order = candidates.map((_, m) => m).sort((a, b) => losses[a] - losses[b]);
  const good = order.filter((m) => losses[m] <= 1.25 * losses[order[0]]);
  const seen = new Set<string>();
  const firsts = good.filter((m) => seen.size !== seen.add(candidates[m].learner).size);
  const rest = good.filter((m) => !firsts.includes(m));
  return [...firsts, ...rest].slice(0, STACK_MEMBERS).map((m) => candidates[m]);
}

/** @throws DataError when one row is all there is to choose on and to score */
function scorableParts(kind: Ensemble['kind'], layout: OutOfFold): ReturnType<typeof nestedParts> {
  const nested = nestedParts(layout);
  if (nested.parts > 1) return nested;
  throw new DataError(
    `${kind}: an ensemble is chosen and scored on different rows, but there is one validated row. Hold out more.`,
  );
}

function dropSmall(weights: Float64Array): Float64Array {
  const kept = weights.map((weight) => (weight < SMALLEST_SHARE ? 0 : weight));
  const total = kept.reduce((sum, weight) => sum + weight, 0);
  return total === 0 ? weights : kept.map((weight) => weight / total);
}
