import { DataError } from '#core';
import { dtypeOfCode, type OnnxDType } from './dtype.ts';
import { modelOutline } from './schema.ts';

export interface OnnxValue {
  readonly name: string;
  /** `undefined` for an element type or kind of value (sequence, map) that Trainyard does not use. */
  readonly dtype: OnnxDType | undefined;
  readonly shape: readonly (number | string)[];
  readonly doc: string;
}

/** What an ONNX file says about itself, without running it. */
export interface OnnxModelInfo {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  /** Domain (`''` is ai.onnx) → version. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Graph inputs that are not initializers. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** `domain.op` (or `op` for ai.onnx) of every node, in order. */
  readonly operators: readonly string[];
}

interface RawValueInfo {
  name?: string;
  docString?: string;
  type?: { tensorType?: { elemType?: number; shape?: { dim?: { dimValue?: number; dimParam?: string }[] } } };
}

interface RawModel {
  irVersion?: number;
  producerName?: string;
  producerVersion?: string;
  opsetImport?: { domain?: string; version?: number }[];
  metadataProps?: { key?: string; value?: string }[];
  graph?: {
    node?: { opType?: string; domain?: string }[];
    initializer?: { name?: string }[];
    input?: RawValueInfo[];
    output?: RawValueInfo[];
  };
}

/**
 * Reads the description of an ONNX model.
 * @throws DataError when the bytes are no ONNX model
 */
export function readOnnxModel(bytes: Uint8Array, where = 'readOnnxModel'): OnnxModelInfo {
  const model = decode(bytes, where);
  const graph = model.graph;
  if (graph === undefined || (graph.node ?? []).length === 0 || !model.irVersion) {
    throw new DataError(
      `${where}: the file must hold an ONNX graph, but it has none. Pass a model.onnx file.`,
    );
  }
  const initializers = new Set((graph.initializer ?? []).map((tensor) => tensor.name));
  return {
    irVersion: Number(model.irVersion),
    producerName: model.producerName ?? '',
    producerVersion: model.producerVersion ?? '',
    opsets: Object.fromEntries(
      (model.opsetImport ?? []).map((set) => [set.domain ?? '', Number(set.version)]),
    ),
    metadata: Object.fromEntries(
      (model.metadataProps ?? []).map((entry) => [entry.key ?? '', entry.value ?? '']),
    ),
    inputs: (graph.input ?? []).filter((value) => !initializers.has(value.name)).map(toValue),
    outputs: (graph.output ?? []).map(toValue),
    operators: (graph.node ?? []).map((node) =>
      node.domain ? `${node.domain}.${node.opType}` : (node.opType ?? ''),
    ),
  };
}

function decode(bytes: Uint8Array, where: string): RawModel {
  try {
    return modelOutline.toObject(modelOutline.decode(bytes), { longs: Number }) as RawModel;
  } catch (error) {
    throw new DataError(
      `${where}: the file must be an ONNX model, but its bytes cannot be read as one. Pass a model.onnx file.`,
      {},
      { cause: error },
    );
  }
}

function toValue(info: RawValueInfo): OnnxValue {
  const tensor = info.type?.tensorType;
  return {
    name: info.name ?? '',
    dtype: dtypeOfCode(tensor?.elemType ?? 0),
    shape: (tensor?.shape?.dim ?? []).map((dim) => dim.dimParam || Number(dim.dimValue ?? -1)),
    doc: info.docString ?? '',
  };
}
