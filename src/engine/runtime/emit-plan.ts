import { GraphError, type Shape } from '#core';
import type { OpAttributes } from '../ir/op-attributes.ts';
import type { Target } from '../ir/op-rule.ts';
import { fuseOps } from '../ir/passes/fuse.ts';
import { repeatAffine } from '../ir/passes/repeat-affine.ts';
import { simplify } from '../ir/passes/simplify.ts';
import { computeUniformOnce } from '../ir/passes/uniform.ts';
import { sortNodes, type Value, type Variable } from '../ir/value.ts';
import type { OnnxDType } from '../onnx/dtype.ts';
import { emitGraph } from '../onnx/emit-graph.ts';
import { OnnxGraph } from '../onnx/graph.ts';
import type { ChooseLowering } from '../onnx/select-lowering.ts';

/** New contents of variables, to be there after a run. */
export type Updates = ReadonlyMap<Variable, Value>;

/** A fed tensor. */
export interface PlanInput {
  readonly dtype: Value['dtype'];
  readonly shape: Shape;
}

/** A model with the names by which its parts are fed and fetched. */
export interface EmittedPlan {
  readonly bytes: Uint8Array;
  readonly inputs: ReadonlyMap<string, PlanInput>;
  readonly outputs: readonly PlanInput[];
  readonly outputNames: readonly string[];
  /** The first output, an empty sequence: see `Plan`. */
  readonly endMark: string;
  readonly variables: ReadonlyMap<Variable, string>;
  readonly updateNames: ReadonlyMap<Variable, string>;
}

export interface EmitPlanOptions {
  readonly target: Target;
  readonly choose: ChooseLowering | undefined;
}

interface Leaves {
  readonly inputs: ReadonlyMap<string, Value>;
  readonly variables: ReadonlyMap<Variable, string>;
}

/**
 * Inputs under their own names and variables under unique ones.
 * @throws GraphError when two inputs have one name
 */
function findLeaves(values: readonly Value[]): Leaves {
  const inputs = new Map<string, Value>();
  const variables = new Map<Variable, string>();
  for (const node of sortNodes(values)) {
    const [value] = node.outputs;
    if (node.op === 'input') {
      const { name } = node.attributes as OpAttributes['input'];
      if (inputs.has(name)) {
        throw new GraphError(
          `Plan: inputs must have names of their own, but two are called "${name}". Rename one.`,
          { name },
        );
      }
      inputs.set(name, value);
    } else if (node.op === 'variable') {
      const { variable } = node.attributes as OpAttributes['variable'];
      if (!variables.has(variable)) variables.set(variable, `variable${variables.size}:${variable.name}`);
    }
  }
  return { inputs, variables };
}

/** The passes before emission. */
export const prepare = (values: readonly Value[]): Value[] =>
  repeatAffine(fuseOps(computeUniformOnce(simplify(values))));

const declare = (graph: OnnxGraph, name: string, { dtype, shape }: PlanInput): string =>
  graph.input(name, dtype as OnnxDType, shape);

function emitValues(
  graph: OnnxGraph,
  values: readonly Value[],
  variables: ReadonlyMap<Variable, string>,
  { target, choose }: EmitPlanOptions,
): string[] {
  return emitGraph(graph, values, {
    target,
    ...(choose === undefined ? {} : { choose }),
    bindInput: (name) => name,
    bindVariable: (variable) => variables.get(variable)!,
  });
}

/** Declares outputs; what is an input, a constant or an output already is copied under a name of its own. */
function declareOutputs(
  graph: OnnxGraph,
  names: readonly string[],
  values: readonly Value[],
  taken: Iterable<string>,
): string[] {
  const used = new Set(taken);
  return names.map((name, i) => {
    const output = used.has(name) || graph.isConstant(name) ? graph.node('Identity', [name]) : name;
    used.add(output);
    return graph.output(output, values[i].dtype as OnnxDType, values[i].shape);
  });
}

/** The graph of one step: inputs and variables in, outputs and new contents out. */
export function emitPlan(outputs: readonly Value[], updates: Updates, options: EmitPlanOptions): EmittedPlan {
  const values = [...outputs, ...updates.values()];
  const { inputs, variables } = findLeaves(values);
  const graph = new OnnxGraph('step');
  for (const [name, value] of inputs) declare(graph, name, value);
  for (const [variable, name] of variables) declare(graph, name, variable);
  const names = emitValues(graph, values, variables, options);
  const endMark = graph.emptySequenceOutput();
  const declared = declareOutputs(graph, names, values, [...inputs.keys(), ...variables.values()]);
  return {
    bytes: graph.toModel(),
    inputs,
    outputs,
    outputNames: declared.slice(0, outputs.length),
    endMark,
    variables,
    updateNames: nameUpdates(updates, declared.slice(outputs.length)),
  };
}

const nameUpdates = (updates: Updates, names: readonly string[]): Map<Variable, string> =>
  new Map([...updates.keys()].map((variable, i) => [variable, names[i]]));

/**
 * The graph of `count` steps in one `Scan`: updated variables go round, inputs are fed stacked along a new first axis,
 * and outputs come stacked. Variables that stay are read from the graph around.
 */
export function emitLoop(
  outputs: readonly Value[],
  updates: Updates,
  count: number,
  options: EmitPlanOptions,
): EmittedPlan {
  const values = [...updates.values(), ...outputs];
  const { inputs, variables } = findLeaves(values);
  const stacked = ({ dtype, shape }: PlanInput): PlanInput => ({ dtype, shape: [count, ...shape] });
  const fed = new Map([...inputs].map(([name, value]) => [name, stacked(value)]));

  const graph = new OnnxGraph('steps');
  const body = new OnnxGraph('step');
  for (const [name, type] of fed) declare(graph, `stacked:${name}`, type);
  for (const [variable, name] of variables) declare(graph, name, variable);
  const moving = [...updates.keys()];
  const inside = new Map<Variable, string>();
  for (const variable of moving) {
    // A variable that is written and never read needs a place all the same.
    const name = `state${inside.size}:${variable.name}`;
    inside.set(variable, declare(body, name, variable));
  }
  for (const [variable, name] of variables)
    if (!inside.has(variable)) inside.set(variable, body.capture(name));
  for (const [name, value] of inputs) declare(body, name, value);
  const names = emitValues(body, values, inside, options);
  declareOutputs(body, names, values, [...inputs.keys(), ...inside.values()]);

  const initial = moving.map(
    (variable) => variables.get(variable) ?? declare(graph, `unread:${variable.name}`, variable),
  );
  const results = graph.multiNode('Scan', [...initial, ...[...fed.keys()].map((name) => `stacked:${name}`)], {
    attributes: { body: { graph: body }, num_scan_inputs: { int: fed.size } },
    outputs: values.length,
  });
  const endMark = graph.emptySequenceOutput();
  const types = [...moving, ...outputs.map(stacked)];
  results.forEach((name, i) => {
    graph.output(name, types[i].dtype as OnnxDType, types[i].shape);
  });
  const all = new Map(variables);
  moving.forEach((variable, i) => {
    all.set(variable, initial[i]);
  });
  return {
    bytes: graph.toModel(),
    inputs: fed,
    outputs: outputs.map(stacked),
    outputNames: results.slice(moving.length),
    endMark,
    variables: all,
    updateNames: nameUpdates(updates, results),
  };
}
