import { DataError, type HostTensor, UnsupportedError } from '#core';
import type { Value } from '../../ir/value.ts';
import { decodeTensor } from './decode-tensor.ts';
import type { RawAttribute, RawNode } from './raw-model.ts';

/** What importing a node may need from outside the graph. */
export interface ImportHooks {
  /** Whether layers behave as in training. */
  readonly training: boolean;
  /** Whether batch normalisation uses the batch's statistics. */
  readonly batchStatistics: boolean;
  /** Called in training with a statistic's name in the file and its next value. */
  readonly assign?: ((name: string, next: Value) => void) | undefined;
  /** What a `Dropout` node does in training; nothing by default. */
  readonly dropout?: ((x: Value, rate: number) => Value) | undefined;
}

/** Values of a graph by name while it is being imported. */
export interface NodeInputs {
  /** @throws DataError when nothing makes the value */
  value(name: string): Value;
  /** Elements that are known without running the graph. */
  numbers(name: string): number[] | undefined;
}

const utf8 = new TextDecoder();

/** One node of the file: its operands and its attributes. */
export class NodeReader {
  readonly op: string;
  readonly opset: number;
  readonly hooks: ImportHooks;
  /** `Conv "/features/0/Conv"` in messages. */
  readonly where: string;
  readonly inputNames: readonly string[];
  readonly outputCount: number;
  private readonly values: NodeInputs;
  private readonly attributes: ReadonlyMap<string, RawAttribute>;

  constructor(node: RawNode, opset: number, values: NodeInputs, hooks: ImportHooks) {
    this.op = node.opType ?? '';
    this.opset = opset;
    this.hooks = hooks;
    this.where = `${this.op} "${node.name || (node.output?.[0] ?? '')}"`;
    this.inputNames = node.input ?? [];
    this.outputCount = (node.output ?? []).filter((name) => name !== '').length;
    this.values = values;
    this.attributes = new Map((node.attribute ?? []).map((each) => [each.name ?? '', each]));
  }

  /** Whether operand `i` is given. */
  has(i: number): boolean {
    return (this.inputNames[i] ?? '') !== '';
  }

  /** @throws DataError when the operand is not given */
  input(i: number): Value {
    if (!this.has(i))
      throw this.fault(`operand ${i} must be given, but got ${this.inputNames.length} operands`);
    return this.values.value(this.inputNames[i]);
  }

  optional(i: number): Value | undefined {
    return this.has(i) ? this.values.value(this.inputNames[i]) : undefined;
  }

  /** All operands. */
  inputs(): Value[] {
    return this.inputNames.map((_, i) => this.input(i));
  }

  /**
   * Elements of an operand that must be known while importing; `undefined` when it is not given.
   * @throws UnsupportedError when they depend on the data
   */
  numbers(i: number, what: string): number[] | undefined {
    if (!this.has(i)) return undefined;
    const numbers = this.values.numbers(this.inputNames[i]);
    if (numbers !== undefined) return numbers;
    throw new UnsupportedError(
      `importOnnx: ${this.where}: ${what} must follow from the shapes of the inputs, but "${this.inputNames[i]}" depends on the data. Export the model with static shapes.`,
      { node: this.where, operand: this.inputNames[i] },
    );
  }

  /** Numbers that are an attribute in old operator sets and an operand in new ones. */
  numbersOf(attribute: string, i: number): number[] | undefined {
    return this.ints(attribute) ?? this.numbers(i, attribute);
  }

  /** One such number, of type float. */
  numberOf(attribute: string, i: number): number | undefined {
    return this.attributes.get(attribute)?.f ?? this.numbers(i, attribute)?.[0];
  }

  hasAttribute(name: string): boolean {
    return this.attributes.has(name);
  }

  int(name: string, otherwise: number): number {
    const attribute = this.attributes.get(name);
    return attribute === undefined ? otherwise : (attribute.i ?? 0);
  }

  float(name: string, otherwise: number): number {
    const attribute = this.attributes.get(name);
    return attribute === undefined ? otherwise : (attribute.f ?? 0);
  }

  string(name: string, otherwise: string): string {
    const attribute = this.attributes.get(name);
    return attribute === undefined ? otherwise : utf8.decode(attribute.s ?? new Uint8Array());
  }

  ints(name: string): number[] | undefined {
    const attribute = this.attributes.get(name);
    return attribute === undefined ? undefined : (attribute.ints ?? []).map(Number);
  }

  floats(name: string): number[] | undefined {
    const attribute = this.attributes.get(name);
    return attribute === undefined ? undefined : [...(attribute.floats ?? [])];
  }

  tensor(name: string): HostTensor | undefined {
    const attribute = this.attributes.get(name);
    return attribute?.t === undefined ? undefined : decodeTensor(attribute.t, `${name} of ${this.where}`);
  }

  /** A node that breaks the rules of ONNX. @param rule `rule, but got …` */
  fault(rule: string): DataError {
    return new DataError(`importOnnx: ${this.where}: ${rule}. Export the model again.`, { node: this.where });
  }

  /** A node that is well-formed and cannot be imported. @param rule `rule, but got …` */
  unsupported(rule: string): UnsupportedError {
    return new UnsupportedError(`importOnnx: ${this.where}: ${rule}. Export the model without it.`, {
      node: this.where,
    });
  }

  /** @throws UnsupportedError when the operand has none of the ranks */
  requireRank(x: Value, ranks: readonly number[]): void {
    if (ranks.includes(x.shape.length)) return;
    throw this.unsupported(
      `the operand must have ${ranks.join(' or ')} axes, but got [${x.shape.join(', ')}]`,
    );
  }
}

/** Makes the values of a node's outputs. */
export type ImportNode = (node: NodeReader) => Value | readonly Value[];

export type ImportTable = Readonly<Record<string, ImportNode>>;
