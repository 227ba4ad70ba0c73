import { type Deadline, hashString, now, silentLogger } from '#core';
import { Table } from '#data';
import {
  type ClassificationMetricName,
  classificationScore,
  metricInfo,
  type RegressionMetricName,
  regressionScore,
} from '#metrics';
import { buildStackEnsemble, buildVotingEnsemble } from '../ensemble/ensembles.ts';
import { outputsOf } from '../ensemble/out-of-fold.ts';
import { permutationImportance } from '../ensemble/permutation-importance.ts';
import { scoreOutOfFold } from '../ensemble/score.ts';
import type { FeatureMatrix } from '../features/matrix.ts';
import { fitScaler } from '../features/scalers/scaler.ts';
import type { FitContext } from '../learners/learner.ts';
import { findLearner } from '../learners/registry.ts';
import { decide } from '../pipeline/decision.ts';
import {
  FittedPipeline,
  fitPipeline,
  type PipelineConfig,
  type PreparedFeatures,
  prepareFeatures,
  type Target,
} from '../pipeline/pipeline.ts';
import { TabularModel } from '../pipeline/tabular-model.ts';
import { FoldCache, matrixBytes } from './fold-cache.ts';
import type { Job, JobResults, TrialEnvironment } from './trial-job.ts';

/** Features of one fold under one preprocessing. */
interface FoldFeatures {
  readonly prepared: PreparedFeatures;
  readonly validation: FeatureMatrix;
}

/** Does the jobs of a run, keeping prepared features between them. Lives in a worker. */
export class JobRunner {
  private readonly environment: TrialEnvironment;
  private readonly table: Table;
  private readonly cache: FoldCache<FoldFeatures>;

  constructor(environment: TrialEnvironment) {
    this.environment = environment;
    this.table = Table.fromShared(environment.table);
    this.cache = new FoldCache(environment.cacheBytes);
  }

  async run(job: Job, deadline: Deadline): Promise<JobResults[Job['kind']]> {
    deadline.check('trial');
    switch (job.kind) {
      case 'fold':
        return this.runFold(job, deadline);
      case 'score':
        return scoreOutOfFold(this.environment.layout, job.predictions, this.environment.scoring);
      case 'fit':
        return this.fit(job, deadline);
      case 'ensemble':
        return this.ensemble(job, deadline);
      case 'importance':
        return this.importance(job, deadline);
    }
  }

  private async runFold(
    { config, fold, predictions }: Extract<Job, { kind: 'fold' }>,
    deadline: Deadline,
  ): Promise<JobResults['fold']> {
    const start = now();
    const { layout } = this.environment;
    const target = this.target(this.environment.folds[fold].train);
    const { prepared, validation } = this.foldFeatures(config, fold, target);
    deadline.check('trial');
    const context = this.context(config, fold, deadline, this.environment.threads);
    const model = await findLearner(config.learner).fit(
      { X: prepared.training, ...target },
      config.params,
      context,
    );
    deadline.check('trial');
    const values = model.predict(validation);
    predictions.set(values, layout.fold.indexOf(fold) * outputsOf(layout));
    return { seconds: now() - start };
  }

  private foldFeatures(config: PipelineConfig, fold: number, target: Target): FoldFeatures {
    const { folds, settings, seed } = this.environment;
    const unscaledKey = `${fold}|${config.encoding}|${config.targetEncoding === true}`;
    const unscaled = () =>
      this.cache.get(unscaledKey, () => {
        const prepared = prepareFeatures(
          this.table.take(folds[fold].train),
          target,
          { ...config, scaler: null },
          settings,
          hashString(`features:${fold}`, seed),
        );
        const validation = prepared.featurizer.transform(this.table.take(folds[fold].validation));
        return {
          value: { prepared, validation },
          bytes: matrixBytes(prepared.training) + matrixBytes(validation),
        };
      });
    const { scaler: name } = config;
    if (name === null) return unscaled();
    return this.cache.get(`${unscaledKey}|${name}`, () => {
      const { prepared, validation } = unscaled();
      const scaler = fitScaler(name, prepared.training, { seed });
      const scaled = {
        prepared: { featurizer: prepared.featurizer, scaler, training: scaler.transform(prepared.training) },
        validation: scaler.transform(validation),
      };
      return { value: scaled, bytes: matrixBytes(scaled.prepared.training) + matrixBytes(scaled.validation) };
    });
  }

  private async fit(
    { config, rows, threads }: Extract<Job, { kind: 'fit' }>,
    deadline: Deadline,
  ): Promise<JobResults['fit']> {
    const start = now();
    const { folds, finalRows, settings } = this.environment;
    const used = rows === 'final' ? finalRows : folds[rows].train;
    const target = this.target(used);
    const whole = used.length === this.table.rows;
    const context = this.context(config, rows, deadline, threads);
    const prepared =
      rows === 'final'
        ? prepareFeatures(whole ? this.table : this.table.take(used), target, config, settings, context.seed)
        : this.foldFeatures(config, rows, target).prepared;
    const pipeline = await fitPipeline(this.table, target, config, settings, context, prepared);
    return { pipeline: pipeline.toJSON(), seconds: now() - start };
  }

  private async ensemble(
    { ensemble: kind, candidates }: Extract<Job, { kind: 'ensemble' }>,
    deadline: Deadline,
  ): Promise<JobResults['ensemble']> {
    const { layout, scoring, seed, threads } = this.environment;
    const context = { seed, threads, deadline, logger: silentLogger };
    const built =
      kind === 'VotingEnsemble'
        ? await buildVotingEnsemble(layout, candidates, scoring, context)
        : await buildStackEnsemble(layout, candidates, scoring, context);
    return { ...built, meta: built.meta === null ? null : built.meta.toJSON() };
  }

  private importance(
    { columns, rows, members, combination, meta, decision, repeats }: Extract<Job, { kind: 'importance' }>,
    deadline: Deadline,
  ): JobResults['importance'] {
    const { layout, scoring, y, weights: all, seed } = this.environment;
    const model = new TabularModel({
      task: layout.task,
      labels: layout.task === 'regression' ? null : { type: 'string', values: scoring.classLabels },
      members: members.map(({ weight, pipeline }, m) => ({
        iteration: m,
        weight,
        pipeline: FittedPipeline.load(pipeline),
      })),
      combination,
      meta: meta === null ? null : findLearner(meta.learner).load(meta),
      decision,
    });
    const yTrue = Float64Array.from(rows, (row) => y[row]);
    const weights = all && Float64Array.from(rows, (row) => all[row]);
    const sign = metricInfo(scoring.metric).direction === 'maximize' ? 1 : -1;
    const score = (table: Table): number => {
      const predictions = model.predict(table);
      if (layout.task === 'regression') {
        const { range } = scoring;
        const given = { yTrue, predictions, weights, range };
        return sign * regressionScore(scoring.metric as RegressionMetricName, given);
      }
      const { classes } = layout;
      return (
        sign *
        classificationScore(scoring.metric as ClassificationMetricName, {
          yTrue,
          probabilities: predictions,
          predicted: decide(decision, predictions, classes),
          classes,
          weights,
          positiveClass: scoring.positiveClass,
        })
      );
    };
    return permutationImportance(this.table.take(rows), score, { seed, repeats, deadline, columns });
  }

  private target(rows: Uint32Array): Target {
    const { y, weights, layout } = this.environment;
    return {
      y: Float64Array.from(rows, (row) => y[row]),
      classes: layout.classes,
      ...(weights === undefined ? {} : { weights: Float64Array.from(rows, (row) => weights[row]) }),
    };
  }

  /** The seed depends on the configuration and the rows, not on when or where the job runs. */
  private context(
    config: PipelineConfig,
    rows: string | number,
    deadline: Deadline,
    threads: number,
  ): FitContext {
    const seed = hashString(`${JSON.stringify(config)}:${rows}`, this.environment.seed);
    return { seed, threads, deadline, logger: silentLogger };
  }
}
