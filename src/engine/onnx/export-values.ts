import { foldChannelAffine, freezeVariables } from '../ir/passes/freeze.ts';
import { simplify } from '../ir/passes/simplify.ts';
import type { Value, Variable } from '../ir/value.ts';
import type { OnnxDType } from './dtype.ts';
import { emitGraph } from './emit-graph.ts';
import { type OnnxDim, OnnxGraph } from './graph.ts';

/**
 * A size to trace with where the number of samples is to stay free: a prime that no product of other sizes is a
 * multiple of.
 */
export const SYMBOLIC_SIZE = 1_000_003;

export interface ExportValuesOptions {
  /** Graph inputs by name, in order. */
  readonly inputs: ReadonlyMap<string, Value>;
  /**
   * Computes an input inside the file, from graph inputs that the function adds itself: what models need not be
   * trained through, such as resizing images of any size. Returns the name of the computed value.
   */
  readonly prepare?: ReadonlyMap<string, (graph: OnnxGraph) => string>;
  readonly outputs: ReadonlyMap<string, Value>;
  readonly nameOf: (variable: Variable) => string;
  /** `metadata_props` of the model. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly producerVersion?: string;
}

/**
 * Writes values as a self-contained ONNX model of standard operators: variables become initializers, batch
 * normalisation is folded into the convolution before it, and an axis of `SYMBOLIC_SIZE` becomes the free size `N`.
 *
 * @throws UnsupportedError when the model computes with the free size and no input has it first
 */
export function exportValues(options: ExportValuesOptions): Uint8Array {
  const { inputs, prepare, outputs, nameOf, metadata, producerVersion } = options;
  const frozen = simplify(freezeVariables([...outputs.values()], nameOf));
  const values = simplify(foldChannelAffine(frozen));
  const graph = new OnnxGraph('model');
  const dims = ({ shape }: Value): OnnxDim[] => shape.map((dim) => (dim === SYMBOLIC_SIZE ? 'N' : dim));
  const bound = new Map<string, string>();
  for (const [name, value] of inputs) {
    const compute = prepare?.get(name);
    bound.set(name, compute?.(graph) ?? graph.input(name, value.dtype as OnnxDType, dims(value)));
  }
  const names = emitGraph(graph, values, {
    target: { device: 'cpu', threads: 0, blockSize: 1, portable: true },
    symbolicSize: SYMBOLIC_SIZE,
    bindInput: (name) => bound.get(name) ?? name,
  });
  [...outputs.keys()].forEach((name, i) => {
    graph.output(names[i], values[i].dtype as OnnxDType, dims(values[i]), name);
  });
  return graph.toModel({
    ...(metadata === undefined ? {} : { metadata }),
    ...(producerVersion === undefined ? {} : { producerVersion }),
  });
}
