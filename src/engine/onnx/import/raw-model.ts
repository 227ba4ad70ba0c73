import { DataError, UnsupportedError } from '#core';
import { modelMessage } from '../schema.ts';

/** `TensorProto` as decoded; absent fields have their protobuf default. */
export interface RawTensor {
  readonly dims?: readonly number[];
  readonly dataType?: number;
  readonly floatData?: readonly number[];
  readonly int32Data?: readonly number[];
  readonly int64Data?: readonly number[];
  readonly doubleData?: readonly number[];
  readonly name?: string;
  readonly rawData?: Uint8Array;
  /** 1: the contents lie in another file. */
  readonly dataLocation?: number;
}

export interface RawAttribute {
  readonly name?: string;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: RawTensor;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
}

export interface RawNode {
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly domain?: string;
  readonly attribute?: readonly RawAttribute[];
}

export interface RawValueInfo {
  readonly name?: string;
  readonly type?: {
    readonly tensorType?: {
      readonly elemType?: number;
      readonly shape?: {
        readonly dim?: readonly { readonly dimValue?: number; readonly dimParam?: string }[];
      };
    };
  };
}

export interface RawGraph {
  readonly node: readonly RawNode[];
  readonly initializer?: readonly RawTensor[];
  readonly input?: readonly RawValueInfo[];
  readonly output?: readonly RawValueInfo[];
}

export interface RawModel {
  readonly graph: RawGraph;
  /** Version of the standard operator set. */
  readonly opset: number;
  readonly metadata: ReadonlyMap<string, string>;
}

interface Decoded {
  readonly graph?: Partial<RawGraph>;
  readonly opsetImport?: readonly { readonly domain?: string; readonly version?: number }[];
  readonly metadataProps?: readonly { readonly key?: string; readonly value?: string }[];
}

/** Operator sets whose operators are known in every version. */
const OPSETS = [7, 25] as const;

/** The standard domain has two spellings. */
export const isStandard = (domain: string | undefined): boolean =>
  domain === undefined || domain === '' || domain === 'ai.onnx';

/**
 * Decodes a model file.
 * @throws DataError when the bytes are no ONNX model
 * @throws UnsupportedError for an operator set that is too old or too new
 */
export function decodeModel(bytes: Uint8Array): RawModel {
  const { graph, opsetImport = [], metadataProps = [] } = decode(bytes);
  if (graph?.node === undefined || graph.node.length === 0) {
    throw new DataError(
      'importOnnx: the file must hold an ONNX graph, but it has no nodes. Pass a model.onnx file.',
    );
  }
  const version = opsetImport.find(({ domain }) => isStandard(domain))?.version;
  if (version === undefined) {
    throw new DataError(
      'importOnnx: the model must name its operator set, but it imports none of ai.onnx. Export it again.',
    );
  }
  if (version < OPSETS[0] || version > OPSETS[1]) {
    throw new UnsupportedError(
      `importOnnx: the operator set must be ${OPSETS[0]} to ${OPSETS[1]}, but the model's is ${version}. Export it with another opset_version.`,
      { version },
    );
  }
  return {
    graph: { ...graph, node: graph.node },
    opset: version,
    metadata: new Map(metadataProps.map(({ key = '', value = '' }) => [key, value])),
  };
}

function decode(bytes: Uint8Array): Decoded {
  try {
    // Lengths are checked against the bytes that are left before anything is allocated.
    return modelMessage.toObject(modelMessage.decode(bytes), { longs: Number }) as Decoded;
  } catch (error) {
    throw new DataError(
      `importOnnx: the file must be an ONNX model, but its ${bytes.length} bytes cannot be read as one. Pass a model.onnx file.`,
      { bytes: bytes.length },
      { cause: error },
    );
  }
}
