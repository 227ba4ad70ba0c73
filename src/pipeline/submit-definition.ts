import { randomUUID } from 'node:crypto';
import type { Json, RunState } from '#tracking';
import type { Experiment, Workspace } from '#workspace';
import { assignParameters } from './check-graph.ts';
import type { PipelineDefinition, StepDefinition } from './definition.ts';
import { drivePipeline, type RunSettings } from './drive-pipeline.ts';
import type { SubmitOptions } from './pipeline.ts';
import { areStored, reuseKeyOf } from './reuse-key.ts';

/** Where a run of a definition comes from. */
export interface SubmitOrigin {
  /** Of the published pipeline. */
  readonly pipelineId?: string;
  readonly name?: string;
  readonly parentRunId?: string;
}

/** A run that this process drives. */
export interface SubmittedRun {
  readonly id: string;
  readonly driven: Promise<RunState>;
}

/**
 * Creates a pipeline run and starts to drive it in this process.
 *
 * @throws ConfigError for parameters that the pipeline does not have
 */
export async function submitDefinition(
  experiment: Experiment,
  definition: PipelineDefinition,
  options: SubmitOptions = {},
  origin: SubmitOrigin = {},
): Promise<SubmittedRun> {
  const { workspace, name: experimentName } = experiment;
  const parameters = assignParameters(definition, options.pipelineParameters ?? {});
  const settings: RunSettings = {
    regenerateOutputs: options.regenerateOutputs ?? false,
    continueOnStepFailure: options.continueOnStepFailure ?? false,
  };
  const print = (line: string) => {
    if (options.showOutput ?? true) process.stdout.write(`${line}\n`);
  };
  for (const step of definition.steps) {
    const { id, note } = await foresee(workspace, step, parameters, settings);
    print(`Created step ${step.name} [${id.slice(0, 8)}][${randomUUID()}], (${note})`);
  }
  const { pipelineId, name, parentRunId } = origin;
  const run = await workspace.store.createRun({
    experimentName,
    kind: 'pipeline',
    name: name ?? definition.description,
    description: definition.description,
    params: parameters,
    properties: {
      definition: definition as unknown as Json,
      settings: settings as unknown as Json,
      ...(pipelineId === undefined ? {} : { pipelineId }),
    },
    ...(parentRunId === undefined ? {} : { parentId: parentRunId }),
    ...(options.tags === undefined ? {} : { tags: options.tags }),
  });
  print(`Submitted PipelineRun ${run.id}`);
  return { id: run.id, driven: drivePipeline(workspace, run.id) };
}

/** What a step will do, as far as that is known before it starts. */
async function foresee(
  workspace: Workspace,
  step: StepDefinition,
  parameters: Readonly<Record<string, Json>>,
  { regenerateOutputs }: RunSettings,
): Promise<{ id: string; note: string }> {
  const willRun = 'This step will run and generate new outputs';
  const mayReuse = "This step is eligible to reuse a previous run's output";
  if (Object.values(step.inputs).some(({ kind }) => kind === 'output'))
    return { id: randomUUID(), note: step.allowReuse && !regenerateOutputs ? mayReuse : willRun };
  const { key } = await reuseKeyOf(workspace, step, parameters, new Map());
  if (!step.allowReuse || regenerateOutputs) return { id: key, note: willRun };
  const record = await workspace.store.findReusable(key);
  const isThere =
    record !== undefined &&
    (await areStored(workspace.store, [{ runId: record.runId, artifacts: record.outputs }]));
  return { id: key, note: isThere ? mayReuse : willRun };
}
