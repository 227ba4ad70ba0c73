import { availableParallelism } from 'node:os';
import type * as Ort from 'onnxruntime-node';
import {
  createArray,
  GraphError,
  type HostTensor,
  type NumericArray,
  RuntimeFailure,
  type Shape,
  sizeOf,
} from '#core';
import type { Device } from '../ir/op-rule.ts';
import { sortNodes, type Value, type Variable } from '../ir/value.ts';
import type { ChooseLowering } from '../onnx/select-lowering.ts';
import { autotune } from './autotune.ts';
import { createTarget, missingDevice } from './devices.ts';
import {
  type EmitPlanOptions,
  type EmittedPlan,
  emitLoop,
  emitPlan,
  type PlanInput,
  prepare,
  type Updates,
} from './emit-plan.ts';
import { checkIndices, type IndexRange } from './index-range.ts';
import { firstLine, loadRuntime } from './load-runtime.ts';
import { findNonFinite } from './non-finite.ts';

export interface PlanOptions {
  /** `cpu` by default. */
  readonly device?: Device;
  /** Threads within one op; the number of cores when absent. */
  readonly threads?: number;
  /** Choices of the autotuner; the cost model decides where it gives none. */
  readonly choose?: ChooseLowering;
  /** Measure lowerings of heavy ops and keep the choices on disk; false by default. */
  readonly autotune?: boolean;
  /** What inputs that are taken as indices must be; checked before every run. */
  readonly ranges?: readonly IndexRange[];
  /** Prefix of a file to which ONNX Runtime writes what each node took. */
  readonly profilePrefix?: string;
}

type EmitFunction = (outputs: readonly Value[], updates: Updates, options: EmitPlanOptions) => EmittedPlan;

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
 * ONNX Runtime gets as pre-allocated outputs; then the two change places. Plans that share variables share the tensors.
 *
 * When a run has ended, the package `onnxruntime-node` copies every output into a new array, also those that were
 * pre-allocated. All of ours are, so the copies would go unread; they take as long as all else that a call costs, and
 * garbage collection on top. The first output is therefore a sequence, at which the package, which knows no sequences,
 * stops copying.
 */
export class Plan {
  /** What `run` must be fed, by name. */
  readonly inputs: ReadonlyMap<string, PlanInput>;
  /** The model that was compiled, for tests and profiles. */
  readonly bytes: Uint8Array;
  private readonly emitted: EmittedPlan;
  private readonly runtime: typeof Ort;
  private readonly session: Ort.InferenceSession;
  private readonly ranges: readonly IndexRange[];
  /** What was compiled, after all passes. */
  readonly values: readonly Value[];

  private constructor(
    emitted: EmittedPlan,
    runtime: typeof Ort,
    session: Ort.InferenceSession,
    { ranges, values }: { readonly ranges: readonly IndexRange[]; readonly values: readonly Value[] },
  ) {
    this.inputs = emitted.inputs;
    this.bytes = emitted.bytes;
    this.emitted = emitted;
    this.runtime = runtime;
    this.session = session;
    this.ranges = ranges;
    this.values = values;
  }

  /**
   * @param outputs values that `run` returns
   * @param updates new contents of variables
   * @throws RuntimeFailure when the device is missing or ONNX Runtime refuses the graph
   */
  static create(outputs: readonly Value[], updates: Updates, options: PlanOptions = {}): Promise<Plan> {
    return Plan.load(outputs, updates, emitPlan, options);
  }

  /**
   * `count` steps in one call: every input is fed as `[count, …]`, every output comes as `[count, …]`, and variables
   * go from step to step.
   */
  static createLoop(
    outputs: readonly Value[],
    updates: Updates,
    count: number,
    options: PlanOptions = {},
  ): Promise<Plan> {
    const emit: EmitFunction = (values, changes, how) => emitLoop(values, changes, count, how);
    return Plan.load(outputs, updates, emit, options);
  }

  /**
   * The first value, in order of computation, that holds an infinity or NaN.
   * @returns its op and the user's line, `undefined` when all are finite
   */
  static findNonFinite(
    outputs: readonly Value[],
    feeds: Readonly<Record<string, HostTensor>>,
  ): Promise<string | undefined> {
    return findNonFinite(outputs, async (flags) => {
      const plan = await Plan.create(flags, new Map());
      try {
        return await plan.run(feeds);
      } finally {
        await plan.release();
      }
    });
  }

  private static async load(
    outputs: readonly Value[],
    updates: Updates,
    emit: EmitFunction,
    {
      device = 'cpu',
      threads = availableParallelism(),
      choose,
      autotune: isTuned = false,
      profilePrefix,
      ranges = [],
    }: PlanOptions,
  ): Promise<Plan> {
    const target = await createTarget(device, threads);
    const values = prepare([...outputs, ...updates.values()]);
    const tuned = isTuned && choose === undefined ? await autotune(values, { target }) : choose;
    const next = new Map([...updates.keys()].map((variable, i) => [variable, values[outputs.length + i]]));
    const emitted = emit(values.slice(0, outputs.length), next, { target, choose: tuned });
    const runtime = await loadRuntime();
    try {
      const session = await runtime.InferenceSession.create(emitted.bytes, {
        logSeverityLevel: 4,
        // The graph is emitted in its final form; looking for more to do takes seconds for large models.
        graphOptimizationLevel: 'disabled',
        // A planned single block is larger than what the arena needs when tensors are freed as they are used up.
        enableMemPattern: false,
        executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
        // Asked for by number: ONNX Runtime's own choice of as many pins each to a core, which other work slows down.
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        // Threads wait for more work in a loop, for tens of milliseconds after a run: not while this thread prepares
        // the next batch or another plan runs.
        extra: { session: { force_spinning_stop: '1' } },
        ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
      });
      return new Plan(emitted, runtime, session, { ranges, values });
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
   * @throws DataError when an index is out of range
   * @throws RuntimeFailure when ONNX Runtime fails; the variables keep their contents
   */
  async run(feeds: Readonly<Record<string, HostTensor>> = {}): Promise<HostTensor[]> {
    const { outputs, outputNames, updateNames, endMark } = this.emitted;
    const results = outputs.map(({ dtype, shape }) => ({
      dtype,
      shape,
      data: createArray(dtype, sizeOf(shape)),
    })) as HostTensor[];
    const fetches: Record<string, Ort.Tensor | null> = { [endMark]: null };
    outputNames.forEach((name, i) => {
      fetches[name] = this.toTensor(results[i]);
    });
    for (const [variable, name] of updateNames) fetches[name] = this.nextSlot(variable);
    const given = this.gatherFeeds(feeds);
    try {
      await this.session.run(given, fetches as Ort.InferenceSession.FetchesType);
    } catch (error) {
      if (!isEndMark(error)) throw this.explain(error);
    }
    for (const variable of updateNames.keys()) this.swap(variable);
    return results;
  }

  /** What ONNX Runtime answered, with the user's line where it names a node. */
  private explain(error: unknown): RuntimeFailure {
    const answer = firstLine(error);
    const [, op, id] = /Name:'([a-zA-Z0-9]+)\.(\d+(?:\.5)?)\./.exec(answer) ?? [];
    const node = sortNodes(this.values).find((each) => each.op === op && String(each.id) === id);
    const site = node?.site?.toString() ?? '';
    const where = node === undefined ? '' : ` at ${node.op}${site === '' ? '' : ` (${site})`}`;
    return new RuntimeFailure(
      `Plan.run: ONNX Runtime must run the graph, but${where} it answered: ${answer}`,
      node === undefined ? {} : { op: node.op, site },
      { cause: error },
    );
  }

  /** Name of the output that is an empty sequence. */
  get endMark(): string {
    return this.emitted.endMark;
  }

  /** Takes the last run's updates back. Valid once, right after that run. */
  undo(): void {
    for (const variable of this.emitted.updateNames.keys()) this.swap(variable);
  }

  /** Frees the session; the variables stay. */
  async release(): Promise<void> {
    await this.session.release();
  }

  /** Ends profiling, which writes the file. */
  endProfiling(): void {
    this.session.endProfiling();
  }

  private gatherFeeds(feeds: Readonly<Record<string, HostTensor>>): Record<string, Ort.Tensor> {
    const given: Record<string, Ort.Tensor> = {};
    const { inputs, variables } = this.emitted;
    for (const [name, type] of inputs) {
      const tensor = feeds[name];
      if (tensor === undefined || tensor.dtype !== type.dtype || !sameSize(tensor.shape, type.shape)) {
        const got = tensor === undefined ? 'nothing' : `${tensor.dtype}[${tensor.shape.join(', ')}]`;
        throw new GraphError(
          `Plan.run: "${name}" must be ${type.dtype}[${type.shape.join(', ')}], but got ${got}. Feed that.`,
          { name },
        );
      }
      // Inputs of a loop are named apart from those of its body.
      given[this.isLoop ? `stacked:${name}` : name] = this.toTensor(tensor);
    }
    for (const range of this.ranges) checkIndices(feeds[range.input].data, range);
    for (const [variable, name] of variables) given[name] = this.slots(variable).current;
    return given;
  }

  private get isLoop(): boolean {
    return this.session.inputNames.some((name) => name.startsWith('stacked:'));
  }

  private toTensor({ dtype, data, shape }: { dtype: string; data: NumericArray; shape: Shape }): Ort.Tensor {
    return new this.runtime.Tensor(dtype as 'float32', data as Float32Array, shape);
  }

  private slots(variable: Variable): Slots {
    let slots = slotsOf.get(variable);
    // Contents that were set from outside, by loading weights for instance, are taken over.
    if (slots === undefined || (slots.current.data as unknown) !== variable.data) {
      slots = { current: this.toTensor(variable), next: slots?.next };
      slotsOf.set(variable, slots);
    }
    return slots;
  }

  private nextSlot(variable: Variable): Ort.Tensor {
    const slots = this.slots(variable);
    slots.next ??= this.toTensor({ ...variable, data: variable.data.slice() });
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

/** What the package says when it cannot turn the sequence at the end of a run into a value of JavaScript. */
const isEndMark = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('Non tensor type');

function sameSize(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}
