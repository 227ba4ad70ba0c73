import { version } from '#core';
import type { Table } from '#data';
import { OnnxGraph } from '#engine';
import { emitStackFeatures, stackFeatures } from '../ensemble/stacking.ts';
import { combineVotes } from '../ensemble/voting.ts';
import type { InputSpec } from '../features/inputs.ts';
import type { Model, Task } from '../learners/learner.ts';
import type { ClassLabels } from './class-labels.ts';
import { type Decision, decide, emitDecision } from './decision.ts';
import type { FittedPipeline, PipelineStep } from './pipeline.ts';

/** How members become one prediction. */
export type Combination = 'vote' | 'stack';

/** A pipeline within a model. */
export interface ModelMember {
  /** The child run it was found in. */
  readonly iteration: number;
  /** Share of the vote; 1 for a single pipeline, not used in a stack. */
  readonly weight: number;
  readonly pipeline: FittedPipeline;
}

export interface TabularModelParts {
  readonly task: Task;
  /** Null in regression. */
  readonly labels: ClassLabels | null;
  readonly members: readonly ModelMember[];
  /** `vote` is the weighted mean of the members (one member: itself), `stack` leaves it to the meta-learner. */
  readonly combination: Combination;
  /** Meta-learner of a stack; calibration of a vote, null for none. */
  readonly meta: Model | null;
  readonly decision: Decision;
}

/** What goes into the `metadata_props` of the ONNX file besides what the model itself knows. */
export interface ModelMetadata {
  readonly labelColumn: string;
  readonly algorithm: string;
  readonly primaryMetric: string;
  readonly metrics: Readonly<Record<string, number>>;
  /** Digest of the training data. */
  readonly fingerprint: string;
  /** Label of the positive class of the `*_binary` metrics, where one is known. */
  readonly positiveLabel?: string;
  /** What each raw column usually holds, for documentation. */
  readonly example?: Readonly<Record<string, string | number | null>>;
}

/** A finished model: one pipeline, a vote, or a stack, with class labels and decision rule. */
export class TabularModel {
  readonly task: Task;
  readonly labels: ClassLabels | null;
  readonly members: readonly ModelMember[];
  readonly combination: Combination;
  readonly meta: Model | null;
  readonly decision: Decision;

  constructor(parts: TabularModelParts) {
    this.task = parts.task;
    this.labels = parts.labels;
    this.members = parts.members;
    this.combination = parts.combination;
    this.meta = parts.meta;
    this.decision = parts.decision;
  }

  /** K, 0 in regression. */
  get classes(): number {
    return this.labels?.values.length ?? 0;
  }

  /** @returns row-major probabilities [N, K] or values [N] */
  predict(table: Table): Float64Array {
    const predictions = this.members.map((member) => member.pipeline.predict(table));
    const weights = this.members.map((member) => member.weight);
    const combined = this.combination === 'stack' ? predictions : [combineVotes(predictions, weights)];
    if (this.meta === null) return combined[0];
    return this.meta.predict(stackFeatures(this.task, this.classes, combined));
  }

  /** @returns [N] class indices under the model's decision rule */
  predictClasses(table: Table): Int32Array {
    return decide(this.decision, this.predict(table), this.classes);
  }

  /** The fitted pipeline's steps and settings; for an ensemble its members are settings of the last step. */
  steps(): PipelineStep[] {
    if (this.members.length === 1 && this.combination === 'vote') return this.members[0].pipeline.steps();
    const estimators = this.members.map((member) => ({
      iteration: member.iteration,
      ...(this.combination === 'vote' ? { weight: member.weight } : {}),
      steps: member.pipeline.steps(),
    }));
    const meta = this.meta?.learner ?? null;
    return this.combination === 'vote'
      ? [{ name: 'VotingEnsemble', settings: { voting: 'soft', calibration: meta, estimators } }]
      : [{ name: 'StackEnsemble', settings: { metaLearner: meta, estimators } }];
  }

  /** Raw columns the model reads, with the type of their graph inputs. */
  inputs(): InputSpec[] {
    const all = this.members.flatMap((member) => member.pipeline.featurizer.inputs());
    return [...new Map(all.map((input) => [input.column, input])).values()];
  }

  /**
   * The model as one self-contained ONNX file. Inputs are the raw columns, each [N]; outputs are `label` [N] and
   * `probabilities` [N, K], or `variable` [N, 1].
   */
  toOnnx(metadata: ModelMetadata): Uint8Array {
    const graph = new OnnxGraph(metadata.algorithm);
    const rawInputs = this.inputs();
    const inputs = new Map(
      rawInputs.map((input) => [input.column, graph.input(input.column, input.dtype, ['N'], input.doc)]),
    );
    const values = this.emitCombined(graph, this.emitMembers(graph, inputs));
    const outputs = this.emitOutputs(graph, values, new Set(inputs.keys()));
    return graph.toModel({
      producerVersion: version,
      docString: `${metadata.algorithm} for ${metadata.labelColumn}, trained by Trainyard ${version}`,
      metadata: {
        'trainyard.version': version,
        'trainyard.kind': 'tabular',
        'trainyard.task': this.task,
        'trainyard.algorithm': metadata.algorithm,
        'trainyard.labelColumn': metadata.labelColumn,
        'trainyard.inputs': JSON.stringify(rawInputs),
        'trainyard.outputs': JSON.stringify(outputs),
        'trainyard.labels': JSON.stringify(this.labels),
        'trainyard.decision': JSON.stringify(this.decision),
        'trainyard.features': JSON.stringify(this.featureNames()),
        'trainyard.primaryMetric': metadata.primaryMetric,
        'trainyard.metrics': JSON.stringify(metadata.metrics),
        'trainyard.fingerprint': metadata.fingerprint,
        'trainyard.steps': JSON.stringify(this.steps()),
        'trainyard.example': JSON.stringify(metadata.example ?? {}),
        ...(metadata.positiveLabel === undefined
          ? {}
          : { 'trainyard.positiveLabel': metadata.positiveLabel }),
        'trainyard.batchRows': String(this.batchRows()),
      },
    });
  }

  /** Rows a caller should pass at once: neighbour searches hold rows × training rows distances. */
  private batchRows(): number {
    return this.members.some((member) => member.pipeline.model.learner === 'KNN') ? 512 : 8192;
  }

  private featureNames(): string[] {
    const names = this.members.flatMap((member) => member.pipeline.featurizer.features.map((f) => f.name));
    return [...new Set(names)];
  }

  private emitMembers(graph: OnnxGraph, inputs: ReadonlyMap<string, string>): string[] {
    const emitted = new Map<string, string>();
    return this.members.map(({ pipeline }) => {
      // Members that share their preprocessing share its nodes.
      const key = JSON.stringify([pipeline.featurizer.toJSON(), pipeline.scaler?.toJSON() ?? null]);
      const features = emitted.get(key) ?? pipeline.emitFeatures(graph, inputs);
      emitted.set(key, features);
      return pipeline.model.emitOnnx(graph, features);
    });
  }

  private emitCombined(graph: OnnxGraph, members: readonly string[]): string {
    const combined = this.combination === 'stack' ? members : [this.emitVote(graph, members)];
    if (this.meta === null) return combined[0];
    return this.meta.emitOnnx(graph, emitStackFeatures(graph, this.task, this.classes, combined));
  }

  private emitVote(graph: OnnxGraph, members: readonly string[]): string {
    if (members.length === 1) return members[0];
    const weighted = members.map((name, m) => graph.node('Mul', [name, graph.float(this.members[m].weight)]));
    return graph.node('Sum', weighted);
  }

  private emitOutputs(graph: OnnxGraph, values: string, taken: ReadonlySet<string>): Record<string, string> {
    const free = (name: string): string => (taken.has(name) ? free(`predicted_${name}`) : name);
    if (this.labels === null) {
      return { variable: graph.output(values, 'float32', ['N', 1], free('variable')) };
    }
    const { type, values: labels } = this.labels;
    const table = type === 'int64' ? new BigInt64Array(labels.map(BigInt)) : labels;
    const index = emitDecision(graph, this.decision, values);
    const label = graph.node('Gather', [graph.constant(table, [labels.length], 'labels'), index]);
    return {
      label: graph.output(label, type, ['N'], free('label')),
      probabilities: graph.output(values, 'float32', ['N', labels.length], free('probabilities')),
    };
  }
}
