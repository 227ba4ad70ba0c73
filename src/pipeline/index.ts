export { AutoMLConfig, type AutoMLConfigOptions, AutoMLStep, type AutoMLStepOptions } from './automl-step.ts';
export { assignParameters } from './check-graph.ts';
export type {
  InputDefinition,
  OutputDefinition,
  PipelineDefinition,
  StepDefinition,
  StepLimits,
} from './definition.ts';
export { explainReuse, type ReuseExplanation } from './explain-reuse.ts';
export { Pipeline, type PipelineOptions, type SubmitOptions } from './pipeline.ts';
export {
  PipelineData,
  type PipelineDataOptions,
  PipelineParameter,
  TrainingOutput,
  type TrainingOutputType,
} from './pipeline-data.ts';
export { PipelineOutput } from './pipeline-output.ts';
export {
  PipelineRun,
  PublishedPipeline,
  type PublishedSubmitOptions,
  type PublishOptions,
  type WaitOptions,
} from './pipeline-run.ts';
export { PipelineRunner, type RunRequest } from './pipeline-runner.ts';
export { resumePipelineRun } from './resume-pipeline.ts';
export { type DetailsView, formatDetails, RunDetails, readDetails, type ShowOptions } from './run-details.ts';
export { type ScriptArgument, type ScriptInput, ScriptStep, type ScriptStepOptions } from './script-step.ts';
export type { PipelineStep, StepOptions } from './step.ts';
export { type WatchOptions, watchRun } from './watch-run.ts';
