import { ConfigError } from '#core';
import type { AutoMLOptions } from '#tabular';
import type { Json } from '#tracking';
import { TabularDataset } from '#workspace';
import type { InputDefinition, StepDefinition } from './definition.ts';
import { PipelineData, PipelineParameter } from './pipeline-data.ts';
import { BaseStep, parametersIn, type StepOptions, settingOf } from './step.ts';

type OrParameter<T> = T | PipelineParameter;

/** Settings of AutoML under Azure ML's names. Every value may be a pipeline parameter. */
export interface AutoMLConfigOptions {
  readonly task?: OrParameter<'classification' | 'regression'>;
  /** A dataset, or the delimited file that another step writes. */
  readonly trainingData: TabularDataset | PipelineData;
  /** Column to predict. */
  readonly labelColumnName: OrParameter<string>;
  /** Rows to validate on, instead of folds. */
  readonly validationData?: TabularDataset | PipelineData;
  readonly primaryMetric?: OrParameter<string>;
  /** Time for the whole experiment in minutes. */
  readonly experimentTimeoutMinutes?: OrParameter<number>;
  /** Time for one trial in minutes. */
  readonly iterationTimeoutMinutes?: OrParameter<number>;
  /** Most trials. */
  readonly iterations?: OrParameter<number>;
  readonly maxConcurrentIterations?: OrParameter<number>;
  /** End the search when nothing gets better; true by default, false searches until the time or trials are used up. */
  readonly enableEarlyStopping?: OrParameter<boolean>;
  readonly nCrossValidations?: OrParameter<number>;
  /** Score at which the search ends. */
  readonly experimentExitScore?: OrParameter<number>;
  readonly featurization?: 'auto' | 'off' | Readonly<Record<string, Json>>;
  readonly allowedModels?: readonly string[];
  readonly blockedModels?: readonly string[];
  readonly enableVotingEnsemble?: OrParameter<boolean>;
  readonly weightColumnName?: OrParameter<string>;
  readonly positiveLabel?: OrParameter<string>;
  readonly seed?: OrParameter<number>;
  /**
   * Where trials run: `threads` of the step's process (the default), which share its data, or `processes` of their own,
   * each with its own memory, which take longer to start and do not fall together.
   */
  readonly trialWorkers?: 'threads' | 'processes';
  /** Folder of the project in Azure ML; accepted and not needed. */
  readonly path?: string;
  /** File of the log in Azure ML; the log is that of the run. */
  readonly debugLog?: string;
  readonly computeTarget?: string | { readonly name: string };
}

/** What `AutoMLStep` is to search, as Azure ML's class of that name. */
export class AutoMLConfig {
  readonly options: AutoMLConfigOptions;

  /** @throws ConfigError for settings that are not known */
  constructor(options: AutoMLConfigOptions) {
    const unknown = Object.keys(options).filter((key) => !known.has(key));
    if (unknown.length > 0) {
      throw new ConfigError(
        `AutoMLConfig: settings must be known ones, but got ${unknown.join(', ')}. Known are: ${[...known].join(', ')}.`,
        { unknown },
      );
    }
    this.options = options;
  }
}

const names: Readonly<Record<string, keyof AutoMLOptions>> = {
  task: 'task',
  labelColumnName: 'label',
  primaryMetric: 'metric',
  iterations: 'maxTrials',
  maxConcurrentIterations: 'concurrency',
  nCrossValidations: 'folds',
  experimentExitScore: 'exitScore',
  featurization: 'featurization',
  allowedModels: 'allow',
  blockedModels: 'block',
  enableVotingEnsemble: 'ensembles',
  weightColumnName: 'weights',
  positiveLabel: 'positiveLabel',
  seed: 'seed',
  trialWorkers: 'workers',
};
/** In minutes there, in seconds here. */
const minutes: Readonly<Record<string, keyof AutoMLOptions>> = {
  experimentTimeoutMinutes: 'timeoutSeconds',
  iterationTimeoutMinutes: 'trialTimeoutSeconds',
};
const others = ['trainingData', 'validationData', 'path', 'debugLog', 'computeTarget', 'enableEarlyStopping'];
const known = new Set([...Object.keys(names), ...Object.keys(minutes), ...others]);

export interface AutoMLStepOptions extends StepOptions {
  readonly automlConfig: AutoMLConfig;
}

/**
 * A step that searches for the best model of a table. Its outputs are the metrics of all child runs (`TrainingOutput`
 * of type `Metrics`, JSON `{ "<run>_<iteration>": { "accuracy": [..], … } }`) and the best model (`Model`, ONNX).
 */
export class AutoMLStep extends BaseStep {
  readonly parameters: readonly PipelineParameter[];
  readonly reads: readonly PipelineData[];
  private readonly config: AutoMLConfigOptions;

  constructor({ automlConfig, ...options }: AutoMLStepOptions) {
    const { computeTarget } = automlConfig.options;
    super({ ...(computeTarget === undefined ? {} : { computeTarget }), ...options });
    for (const { name, trainingOutput } of this.outputs) {
      if (trainingOutput !== undefined) continue;
      throw new ConfigError(
        `step ${this.name}: outputs must say what they hold, but "${name}" does not. Give it trainingOutput: new TrainingOutput('Metrics') or ('Model').`,
        { output: name },
      );
    }
    this.config = automlConfig.options;
    const { trainingData, validationData } = this.config;
    this.reads = [trainingData, validationData].filter((data) => data instanceof PipelineData);
    this.parameters = parametersIn(
      Object.values(this.config).filter(
        (value) => value instanceof PipelineParameter || Array.isArray(value),
      ),
    );
  }

  override define(locate: (data: PipelineData) => InputDefinition): StepDefinition {
    const { trainingData, validationData, enableEarlyStopping = true } = this.config;
    const settings: Record<string, Json> = {};
    for (const [name, value] of Object.entries(this.config)) {
      if (value === undefined) continue;
      const where = `step ${this.name}: ${name}`;
      if (names[name] !== undefined) settings[names[name]] = settingOf(value, where);
      else if (minutes[name] !== undefined) settings[`${minutes[name]}/60`] = settingOf(value, where);
    }
    settings['earlyStopping'] = settingOf(enableEarlyStopping, 'enableEarlyStopping');
    const inputs: Record<string, InputDefinition> = {
      training_data: inputOf(trainingData, locate),
    };
    if (validationData !== undefined) inputs['validation_data'] = inputOf(validationData, locate);
    return { ...this.common(), kind: 'automl', inputs, settings };
  }
}

const inputOf = (
  data: TabularDataset | PipelineData,
  locate: (data: PipelineData) => InputDefinition,
): InputDefinition =>
  data instanceof TabularDataset ? { kind: 'dataset', dataset: data.toJSON() } : locate(data);
