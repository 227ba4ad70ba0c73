import type * as Ort from 'onnxruntime-node';
import {
  type DType,
  GraphError,
  type HostTensor,
  type NumericArray,
  RuntimeFailure,
  type Shape,
} from '#core';
import type { Device, Target } from '../ir/op-rule.ts';
import { sortNodes, type Value, type Variable } from '../ir/value.ts';
import type { OnnxDType } from '../onnx/dtype.ts';
import { emitGraph } from '../onnx/emit-graph.ts';
import { OnnxGraph } from '../onnx/graph.ts';
import type { ChooseLowering } from '../onnx/select-lowering.ts';
import { createTarget, missingDevice } from './devices.ts';
import { firstLine, loadRuntime } from './load-runtime.ts';

export interface PlanOptions {
  /** `cpu` by default. */
  readonly device?: Device;
  /** Threads within one op; ONNX Runtime's default (the number of cores) when absent. */
  readonly threads?: number;
  /** Choices of the autotuner; the cost model decides where it gives none. */
  readonly choose?: ChooseLowering;
  /** Prefix of a file to which ONNX Runtime writes what each node took. */
  readonly profilePrefix?: string;
}

/** New contents of variables, to be there after a run. */
export type Updates = ReadonlyMap<Variable, Value>;

/** The two places of a variable: one holds its contents, the other takes the next ones. */
interface Slots {
  current: Ort.Tensor;
  next: Ort.Tensor | undefined;
}

const slotsOf = new WeakMap<Variable, Slots>();

/**
 * A graph compiled for ONNX Runtime.
 *
 * Variables are double-buffered: a run reads one tensor of each and writes updated contents into the other, which
 * ONNX Runtime gets as pre-allocated outputs, so that nothing is copied; then the two change places. Plans that share
 * variables share the tensors.
 */
export class Plan {
  /** Names and types of what `run` must be fed. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** The model that was compiled, for tests and profiles. */
  readonly bytes: Uint8Array;
  private readonly runtime: typeof Ort;
  private readonly session: Ort.InferenceSession;
  private readonly outputs: readonly Value[];
  private readonly outputNames: readonly string[];
  private readonly variables: ReadonlyMap<Variable, string>;
  private readonly updateNames: ReadonlyMap<Variable, string>;

  private constructor(emitted: EmittedPlan, runtime: typeof Ort, session: Ort.InferenceSession) {
    this.inputs = emitted.inputs;
    this.bytes = emitted.bytes;
    this.outputs = emitted.outputs;
    this.outputNames = emitted.outputNames;
    this.variables = emitted.variables;
    this.updateNames = emitted.updateNames;
    this.runtime = runtime;
    this.session = session;
  }

  /**
   * @param outputs values that `run` returns
   * @param updates new contents of variables
   * @throws RuntimeFailure when the device is missing or ONNX Runtime refuses the graph
   */
  static async create(outputs: readonly Value[], updates: Updates, options: PlanOptions = {}): Promise<Plan> {
    const { device = 'cpu', threads, choose, profilePrefix } = options;
    const target = await createTarget(device, threads ?? 0);
    const emitted = emitPlan(outputs, updates, target, choose);
    const runtime = await loadRuntime();
    try {
      const session = await runtime.InferenceSession.create(emitted.bytes, {
        logSeverityLevel: 3,
        executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
        ...(threads === undefined ? {} : { intraOpNumThreads: threads, interOpNumThreads: 1 }),
        ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
      });
      return new Plan(emitted, runtime, session);
    } catch (error) {
      if (device !== 'cpu') throw await missingDevice(device, error);
      throw new RuntimeFailure(
        `Plan: ONNX Runtime must accept the graph, but it answered: ${firstLine(error)}`,
        {},
        { cause: error },
      );
    }
  }

  /**
   * Runs the graph once and moves the variables on.
   * @param feeds one tensor per graph input
   * @returns the outputs, in order
   * @throws GraphError when an input is missing or has another size
   * @throws RuntimeFailure when ONNX Runtime fails; the variables keep their contents
   */
  async run(feeds: Readonly<Record<string, HostTensor>> = {}): Promise<HostTensor[]> {
    const given: Record<string, Ort.Tensor> = {};
    for (const [name, value] of this.inputs) given[name] = this.toTensor(fed(feeds, name, value), value);
    for (const [variable, name] of this.variables) given[name] = this.slots(variable).current;
    const fetches: Record<string, Ort.Tensor | null> = {};
    for (const name of this.outputNames) fetches[name] = null;
    for (const [variable, name] of this.updateNames) fetches[name] = this.nextSlot(variable);
    let results: Ort.InferenceSession.OnnxValueMapType;
    try {
      results = await this.session.run(given, fetches as Ort.InferenceSession.FetchesType);
    } catch (error) {
      throw new RuntimeFailure(
        `Plan.run: ONNX Runtime must run the graph, but it answered: ${firstLine(error)}`,
        {},
        { cause: error },
      );
    }
    for (const variable of this.updateNames.keys()) this.swap(variable);
    return this.outputs.map((value, i) => ({
      dtype: value.dtype,
      shape: value.shape,
      data: results[this.outputNames[i]].data as unknown as NumericArray,
    })) as HostTensor[];
  }

  /** Frees the session; the variables stay. */
  async release(): Promise<void> {
    await this.session.release();
  }

  private toTensor(tensor: { dtype: DType; data: NumericArray }, value: { shape: Shape }): Ort.Tensor {
    return new this.runtime.Tensor(tensor.dtype as 'float32', tensor.data as Float32Array, value.shape);
  }

  private slots(variable: Variable): Slots {
    let slots = slotsOf.get(variable);
    // Contents that were set from outside, by loading weights for instance, are taken over.
    if (slots === undefined || (slots.current.data as unknown) !== variable.data) {
      slots = { current: this.toTensor(variable, variable), next: slots?.next };
      slotsOf.set(variable, slots);
    }
    return slots;
  }

  private nextSlot(variable: Variable): Ort.Tensor {
    const slots = this.slots(variable);
    slots.next ??= this.toTensor({ dtype: variable.dtype, data: variable.data.slice() }, variable);
    return slots.next;
  }

  private swap(variable: Variable): void {
    const slots = this.slots(variable);
    const written = slots.next!;
    slots.next = slots.current;
    slots.current = written;
    variable.data = written.data as unknown as NumericArray;
  }
}

interface EmittedPlan {
  readonly bytes: Uint8Array;
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: readonly Value[];
  readonly outputNames: readonly string[];
  readonly variables: ReadonlyMap<Variable, string>;
  readonly updateNames: ReadonlyMap<Variable, string>;
}

function emitPlan(
  outputs: readonly Value[],
  updates: Updates,
  target: Target,
  choose: ChooseLowering | undefined,
): EmittedPlan {
  const all = [...outputs, ...updates.values()];
  const graph = new OnnxGraph('trainyard');
  const { inputs, variables } = declareLeaves(graph, all);
  const names = emitGraph(graph, all, {
    target,
    ...(choose === undefined ? {} : { choose }),
    bindInput: (name) => name,
    bindVariable: (variable) => variables.get(variable)!,
  });
  const taken = new Set<string>([...inputs.keys(), ...variables.values()]);
  const declared = names.map((name, i) => {
    // An output needs a name of its own: an input, or a value that is an output already, is copied.
    const output = taken.has(name) || graph.isConstant(name) ? graph.node('Identity', [name]) : name;
    taken.add(output);
    return graph.output(output, all[i].dtype as OnnxDType, all[i].shape);
  });
  const variablesUpdated = [...updates.keys()];
  return {
    bytes: graph.toModel(),
    inputs,
    outputs,
    outputNames: declared.slice(0, outputs.length),
    variables,
    updateNames: new Map(variablesUpdated.map((variable, i) => [variable, declared[outputs.length + i]])),
  };
}

/** Declares inputs under their own names and variables under unique ones. */
function declareLeaves(graph: OnnxGraph, values: readonly Value[]) {
  const inputs = new Map<string, Value>();
  const variables = new Map<Variable, string>();
  for (const node of sortNodes(values)) {
    const [value] = node.outputs;
    if (node.op === 'input') {
      const { name } = node.attributes as { name: string };
      if (inputs.has(name)) {
        throw new GraphError(
          `Plan: inputs must have names of their own, but two are called "${name}". Rename one.`,
          { name },
        );
      }
      inputs.set(name, value);
      graph.input(name, value.dtype as OnnxDType, value.shape);
    } else if (node.op === 'variable') {
      const { variable } = node.attributes as unknown as { variable: Variable };
      if (variables.has(variable)) continue;
      const name = `variable${variables.size}:${variable.name}`;
      variables.set(variable, graph.input(name, variable.dtype as OnnxDType, variable.shape));
    }
  }
  return { inputs, variables };
}

function fed(feeds: Readonly<Record<string, HostTensor>>, name: string, value: Value): HostTensor {
  const tensor = feeds[name];
  if (tensor === undefined || tensor.dtype !== value.dtype || !sameSize(tensor.shape, value.shape)) {
    const got = tensor === undefined ? 'nothing' : `${tensor.dtype}[${tensor.shape.join(', ')}]`;
    throw new GraphError(
      `Plan.run: "${name}" must be ${value.dtype}[${value.shape.join(', ')}], but got ${got}. Feed that.`,
      { name },
    );
  }
  return tensor;
}

function sameSize(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}
