import { ConfigError } from '#core';
import type { Json } from '#tracking';
import type { Experiment, Workspace } from '#workspace';
import { checkGraph } from './check-graph.ts';
import type { InputDefinition, PipelineDefinition } from './definition.ts';
import type { PipelineData, PipelineParameter } from './pipeline-data.ts';
import { PipelineRun } from './pipeline-run.ts';
import type { PipelineStep } from './step.ts';
import { submitDefinition } from './submit-definition.ts';

export interface PipelineOptions {
  readonly description?: string;
  readonly steps: readonly PipelineStep[];
}

export interface SubmitOptions {
  /** Values of parameters; the others keep their defaults. */
  readonly pipelineParameters?: Readonly<Record<string, Json>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** Run every step, whatever could be reused. */
  readonly regenerateOutputs?: boolean;
  /** Let steps that do not need the failed one go on; false by default. */
  readonly continueOnStepFailure?: boolean;
  /** Print what Azure ML prints; true by default. */
  readonly showOutput?: boolean;
}

/**
 * Steps with the data between them, as Azure ML's class of that name. Steps that do not wait for one another run side
 * by side.
 *
 * @example
 * const pipeline = new Pipeline(workspace, { description: 'train', steps: [step] });
 * const run = await experiment.submit(pipeline);
 * await run.waitForCompletion();
 */
export class Pipeline {
  readonly workspace: Workspace;
  readonly description: string;
  readonly definition: PipelineDefinition;

  /** @throws ConfigError for two steps of one name, data that no step writes, a circle, or two parameters of one name */
  constructor(workspace: Workspace, { description = '', steps }: PipelineOptions) {
    this.workspace = workspace;
    this.description = description;
    const makers = findMakers(steps);
    const parameters = collectParameters(steps);
    const locate =
      (step: PipelineStep) =>
      (data: PipelineData): InputDefinition => {
        const maker = makers.get(data);
        if (maker !== undefined) return { kind: 'output', step: maker.name, output: data.name };
        throw new ConfigError(
          `pipeline: what a step reads must be an output of another, but "${data.name}" of step ${step.name} is of none. Add the step that writes it.`,
          { step: step.name, data: data.name },
        );
      };
    this.definition = {
      format: 1,
      description,
      steps: steps.map((step) => step.define(locate(step))),
      parameters,
    };
    checkGraph(this.definition);
  }

  /** What `Experiment.submit` calls. */
  async submitTo(experiment: Experiment, options: SubmitOptions = {}): Promise<PipelineRun> {
    const { id, driven } = await submitDefinition(experiment, this.definition, options);
    return new PipelineRun(experiment, id, driven);
  }

  /** `new Experiment(workspace, experimentName).submit(this)` with options. */
  submit(experiment: Experiment, options: SubmitOptions = {}): Promise<PipelineRun> {
    return this.submitTo(experiment, options);
  }
}

function findMakers(steps: readonly PipelineStep[]): Map<PipelineData, PipelineStep> {
  const makers = new Map<PipelineData, PipelineStep>();
  for (const step of steps) {
    for (const data of step.outputs) {
      const other = makers.get(data);
      if (other !== undefined) {
        throw new ConfigError(
          `pipeline: data must be written by one step, but "${data.name}" is by ${other.name} and ${step.name}. Make data of its own for each.`,
          { data: data.name },
        );
      }
      makers.set(data, step);
    }
  }
  return makers;
}

function collectParameters(steps: readonly PipelineStep[]): Record<string, Json> {
  const found = new Map<string, PipelineParameter>();
  for (const parameter of steps.flatMap((step) => step.parameters)) {
    const known = found.get(parameter.name);
    if (known !== undefined && known !== parameter) {
      throw new ConfigError(
        `pipeline: parameters must have names of their own, but two are called "${parameter.name}". Use one for both places.`,
        { name: parameter.name },
      );
    }
    found.set(parameter.name, parameter);
  }
  return Object.fromEntries([...found.values()].map(({ name, defaultValue }) => [name, defaultValue]));
}
