import { ConfigError, type DType, type Shape, version } from '#core';
import {
  exportValues,
  type OnnxGraph,
  placeholder,
  SYMBOLIC_SIZE,
  type Tensor,
  trace,
  type Value,
} from '#engine';
import { type Module, namedStates } from './module.ts';

export interface ExportInput {
  readonly name: string;
  /** float32 by default. */
  readonly dtype?: DType;
  /** Sizes; `'N'` first leaves the number of samples free. */
  readonly shape: readonly ['N', ...number[]] | Shape;
  /** Computes this input inside the file from graph inputs that it adds; returns the value's name. */
  readonly prepare?: (graph: OnnxGraph) => string;
}

export interface ExportOptions {
  /** Inputs of the model's forward pass, in order. */
  readonly inputs: readonly ExportInput[];
  /** Name of the output; `output` by default. */
  readonly output?: string;
  /** Further outputs computed from the model's, such as probabilities. */
  readonly extra?: Readonly<Record<string, (output: Tensor) => Tensor>>;
  /** Written into the file's `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A model in evaluation mode as one self-contained ONNX file of standard operators, batch normalisation folded.
 *
 * @returns the file's bytes
 * @throws ConfigError without inputs
 * @throws UnsupportedError when the number of samples is to be free, the model computes with it, and no input has it first
 * @example
 * const bytes = exportOnnx(model, { inputs: [{ name: 'image', shape: ['N', 1, 28, 28] }], output: 'logits' });
 */
export function exportOnnx(model: Module, options: ExportOptions): Uint8Array {
  const { inputs, output = 'output', extra = {}, metadata } = options;
  if (inputs.length === 0) {
    throw new ConfigError(
      'exportOnnx: the model must have an input, but got none. Pass name and shape of each.',
    );
  }
  const fed = inputs.map(({ name, dtype = 'float32', shape }) =>
    placeholder(name, dtype, shape.map((dim) => (dim === 'N' ? SYMBOLIC_SIZE : dim)) as Shape),
  );
  const wasTraining = model.training;
  const { result } = trace({ training: false }, () => {
    model.eval();
    const y = model.forward(...fed);
    return new Map([
      [output, y],
      ...Object.entries(extra).map(([name, compute]) => [name, compute(y)] as const),
    ]);
  });
  model.train(wasTraining);
  const names = new Map([...namedStates(model)].map(([name, state]) => [state.variable, name]));
  return exportValues({
    prepare: new Map(
      inputs.flatMap(({ name, prepare }) => (prepare === undefined ? [] : [[name, prepare] as const])),
    ),
    inputs: new Map(fed.map((tensor, i): [string, Value] => [inputs[i].name, tensor.value])),
    outputs: new Map([...result].map(([name, tensor]): [string, Value] => [name, tensor.value])),
    nameOf: (variable) => names.get(variable) ?? variable.name,
    producerVersion: version,
    ...(metadata === undefined ? {} : { metadata }),
  });
}
