import { ConfigError, nearestName } from '#core';
import type { Json } from '#tracking';
import { type PipelineDefinition, referencesOf, type StepDefinition } from './definition.ts';

/** Names of the steps that must be over before a step starts. */
export function predecessors({ inputs, runAfter }: StepDefinition): string[] {
  const read = Object.values(inputs).flatMap((input) => (input.kind === 'output' ? [input.step] : []));
  return [...new Set([...read, ...runAfter])];
}

/**
 * @throws ConfigError for no step, two of one name, one that waits for a step that is not there or for itself, two
 *   outputs of one name, or a reference to a parameter that is not there
 */
export function checkGraph({ steps, parameters }: PipelineDefinition): void {
  if (steps.length === 0)
    throw new ConfigError('pipeline: must have a step, but got none. Pass steps: [step].');
  const names = steps.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new ConfigError(
      `pipeline: steps must have names of their own, but two are called "${twice}". Rename one.`,
      { name: twice },
    );
  }
  for (const step of steps) {
    const absent = predecessors(step).find((name) => !names.includes(name));
    if (absent !== undefined) {
      throw new ConfigError(
        `pipeline: step ${step.name} must wait for steps of the pipeline, but got ${absent}. Add it to steps.`,
        { step: step.name, absent },
      );
    }
    const unknown = referencesOf(step.settings as Json).find((name) => !Object.hasOwn(parameters, name));
    if (unknown !== undefined) {
      throw new ConfigError(
        `pipeline: step ${step.name} must use parameters of the pipeline, but got ${unknown}. Add it to parameters.`,
        { step: step.name, parameter: unknown },
      );
    }
  }
  const outputs = steps.flatMap((step) => step.outputs.map((output) => output.pipelineOutputName));
  const doubled = outputs.find((name, i) => outputs.indexOf(name) !== i);
  if (doubled !== undefined) {
    throw new ConfigError(
      `pipeline: outputs must have names of their own, but two are called "${doubled}". Give one another pipelineOutputName.`,
      { name: doubled },
    );
  }
  const circle = findCircle(steps);
  if (circle !== undefined) {
    throw new ConfigError(
      `pipeline: no step may wait for itself, but ${circle.join(' → ')} does. Take one dependency away.`,
      { circle },
    );
  }
}

function findCircle(steps: readonly StepDefinition[]): string[] | undefined {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): string[] | undefined => {
    if (done.has(name)) return undefined;
    const start = path.indexOf(name);
    if (start >= 0) return [...path.slice(start), name];
    path.push(name);
    for (const before of predecessors(byName.get(name)!)) {
      const circle = visit(before);
      if (circle !== undefined) return circle;
    }
    path.pop();
    done.add(name);
    return undefined;
  };
  for (const { name } of steps) {
    const circle = visit(name);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/**
 * Values of all parameters of a run: those given, else the defaults.
 *
 * @throws ConfigError for a name that the pipeline does not have, or a value of another type than the default
 */
export function assignParameters(
  { parameters }: PipelineDefinition,
  given: Readonly<Record<string, Json>>,
): Record<string, Json> {
  const values: Record<string, Json> = { ...parameters };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(parameters, name)) {
      const near = nearestName(name, Object.keys(parameters));
      const wayOut =
        near === undefined
          ? `Parameters are: ${Object.keys(parameters).join(', ') || 'none'}.`
          : `Did you mean "${near}"?`;
      throw new ConfigError(
        `pipeline: parameters must be the pipeline's, but got ${JSON.stringify(name)}. ${wayOut}`,
        { name },
      );
    }
    values[name] = convert(name, value, parameters[name]);
  }
  return values;
}

/** REST callers may send numbers and booleans as text. */
function convert(name: string, value: Json, usual: Json): Json {
  if (usual === null || typeof value === typeof usual) return value;
  if (typeof value === 'string' && typeof usual === 'number' && value.trim() !== '') {
    const number = Number(value);
    if (Number.isFinite(number)) return number;
  }
  if (typeof value === 'string' && typeof usual === 'boolean' && /^(true|false)$/i.test(value))
    return value.toLowerCase() === 'true';
  throw new ConfigError(
    `pipeline: parameter ${name} must be a ${typeof usual} as its default ${JSON.stringify(usual)} is, but got ${JSON.stringify(value)}. Pass one.`,
    { name, value },
  );
}
