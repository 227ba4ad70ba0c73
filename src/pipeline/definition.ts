import type { Json } from '#tracking';

/**
 * A pipeline as plain data: what is stored with a run and published, so that any process can run it. Values marked
 * `{ parameter: name }` are filled in when it starts.
 */
export interface PipelineDefinition {
  readonly format: 1;
  readonly description: string;
  readonly steps: readonly StepDefinition[];
  /** Defaults of its parameters by name. */
  readonly parameters: Readonly<Record<string, Json>>;
}

export interface StepDefinition {
  /** Unique in the pipeline. */
  readonly name: string;
  readonly kind: 'automl' | 'script';
  /** Steps that must be over before, besides those whose outputs it reads. */
  readonly runAfter: readonly string[];
  /** Whether outputs of an equal step may be taken over. */
  readonly allowReuse: boolean;
  /** Compute target of the workspace; this machine without one. */
  readonly compute: string | null;
  readonly inputs: Readonly<Record<string, InputDefinition>>;
  readonly outputs: readonly OutputDefinition[];
  /** What the step is told; for a script `{ script, arguments, parameters }`. */
  readonly settings: Readonly<Record<string, Json>>;
  readonly limits: StepLimits;
}

/** Limits of a step's process; see `JobSpec`. */
export interface StepLimits {
  readonly memoryLimitMB?: number;
  readonly timeoutSeconds?: number;
  readonly graceSeconds?: number;
  readonly retries?: number;
}

export type InputDefinition =
  /** The output of another step. */
  | { readonly kind: 'output'; readonly step: string; readonly output: string }
  /** A dataset, as `TabularDataset.toJSON` gives it. */
  | { readonly kind: 'dataset'; readonly dataset: Json };

export interface OutputDefinition {
  readonly name: string;
  /** Name under which the pipeline's run gives it. */
  readonly pipelineOutputName: string;
  readonly training: 'Metrics' | 'Model' | null;
}

const isReference = (value: Json | undefined): value is { parameter: string } =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length === 1 &&
  typeof (value as { parameter?: unknown }).parameter === 'string';

/** Names of the parameters that a value refers to. */
export function referencesOf(value: Json | undefined): string[] {
  if (isReference(value)) return [value.parameter];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value as Record<string, Json>).flatMap(referencesOf);
}

/** The value with its references filled in. */
export function fillIn(value: Json, parameters: Readonly<Record<string, Json>>): Json {
  if (isReference(value)) return parameters[value.parameter] ?? null;
  if (Array.isArray(value)) return value.map((each: Json) => fillIn(each, parameters));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, fillIn((each ?? null) as Json, parameters)]),
  );
}
