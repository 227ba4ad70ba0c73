import { ConfigError } from '#core';
import type { Json } from '#tracking';
import type { InputDefinition, OutputDefinition, StepDefinition, StepLimits } from './definition.ts';
import { checkPartName, PipelineData, PipelineParameter } from './pipeline-data.ts';

/** Anything that can be said of every step. */
export interface StepOptions extends StepLimits {
  /** Unique in the pipeline. */
  readonly name: string;
  /** What the step writes. */
  readonly outputs?: readonly PipelineData[];
  /**
   * Take over the outputs of an earlier step with the same source, settings, inputs and version of Trainyard; true by
   * default.
   */
  readonly allowReuse?: boolean;
  /** Compute target of the workspace, itself or by name; this machine by default. */
  readonly computeTarget?: string | { readonly name: string };
  /** Steps that must be over first, without anything of theirs being read. */
  readonly runAfter?: readonly PipelineStep[];
}

/** A step: what `Pipeline` needs of it. */
export interface PipelineStep {
  readonly name: string;
  readonly outputs: readonly PipelineData[];
  /** Parameters that its settings name. */
  readonly parameters: readonly PipelineParameter[];
  /** Data of other steps that it reads. */
  readonly reads: readonly PipelineData[];
  /** Adds a step to wait for, as Azure ML's `run_after`. */
  runAfter(step: PipelineStep): void;
  /** The step as data. */
  define(locate: (data: PipelineData) => InputDefinition): StepDefinition;
}

/** What steps have in common. */
export abstract class BaseStep implements PipelineStep {
  readonly name: string;
  readonly outputs: readonly PipelineData[];
  abstract readonly parameters: readonly PipelineParameter[];
  abstract readonly reads: readonly PipelineData[];
  private readonly options: StepOptions;
  private readonly before: PipelineStep[];

  constructor(options: StepOptions) {
    checkPartName('step', options.name);
    this.name = options.name;
    this.outputs = options.outputs ?? [];
    this.options = options;
    this.before = [...(options.runAfter ?? [])];
    const names = this.outputs.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) {
      throw new ConfigError(
        `step ${this.name}: outputs must have names of their own, but got "${twice}" twice. Rename one.`,
        { twice },
      );
    }
  }

  runAfter(step: PipelineStep): void {
    this.before.push(step);
  }

  abstract define(locate: (data: PipelineData) => InputDefinition): StepDefinition;

  protected common(): Omit<StepDefinition, 'kind' | 'inputs' | 'settings'> {
    const {
      allowReuse = true,
      computeTarget,
      memoryLimitMB,
      timeoutSeconds,
      graceSeconds,
      retries,
    } = this.options;
    const limits = { memoryLimitMB, timeoutSeconds, graceSeconds, retries };
    return {
      name: this.name,
      runAfter: this.before.map(({ name }) => name),
      allowReuse,
      compute: typeof computeTarget === 'object' ? computeTarget.name : (computeTarget ?? null),
      outputs: this.outputs.map(outputOf),
      limits: Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)),
    };
  }
}

const outputOf = ({ name, pipelineOutputName, trainingOutput }: PipelineData): OutputDefinition => ({
  name,
  pipelineOutputName,
  training: trainingOutput?.type ?? null,
});

/** A setting as data: parameters become references. @throws ConfigError for what JSON cannot hold */
export function settingOf(value: unknown, where: string): Json {
  if (value instanceof PipelineParameter) return { parameter: value.name };
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((each, i) => settingOf(each, `${where}[${i}]`));
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    return Object.fromEntries(entries.map(([key, each]) => [key, settingOf(each, `${where}.${key}`)]));
  }
  throw new ConfigError(
    `${where}: must be a value that JSON can hold, but got ${String(value)}. Change it.`,
    {
      where,
    },
  );
}

/** The parameters inside a setting. */
export function parametersIn(value: unknown): PipelineParameter[] {
  if (value instanceof PipelineParameter) return [value];
  if (typeof value !== 'object' || value === null || value instanceof PipelineData) return [];
  return Object.values(value).flatMap(parametersIn);
}
