import protobuf from 'protobufjs';

/**
 * The part of the ONNX protobuf messages that Trainyard reads and writes.
 * @source https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers)
 */
type FieldDescription = readonly [id: number, type: string, rule?: 'repeated'];

const messages: Readonly<Record<string, Readonly<Record<string, FieldDescription>>>> = {
  StringStringEntry: { key: [1, 'string'], value: [2, 'string'] },
  OperatorSetId: { domain: [1, 'string'], version: [2, 'int64'] },
  Dimension: { dimValue: [1, 'int64'], dimParam: [2, 'string'] },
  TensorShape: { dim: [1, 'Dimension', 'repeated'] },
  TensorType: { elemType: [1, 'int32'], shape: [2, 'TensorShape'] },
  SequenceType: { elemType: [1, 'Type'] },
  Type: { tensorType: [1, 'TensorType'], sequenceType: [4, 'SequenceType'] },
  ValueInfo: { name: [1, 'string'], type: [2, 'Type'], docString: [3, 'string'] },
  Tensor: {
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    floatData: [4, 'float', 'repeated'],
    int32Data: [5, 'int32', 'repeated'],
    stringData: [6, 'bytes', 'repeated'],
    int64Data: [7, 'int64', 'repeated'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
    dataLocation: [14, 'int32'],
    doubleData: [10, 'double', 'repeated'],
  },
  Attribute: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'Tensor'],
    g: [6, 'Graph'],
    floats: [7, 'float', 'repeated'],
    ints: [8, 'int64', 'repeated'],
    strings: [9, 'bytes', 'repeated'],
    type: [20, 'int32'],
  },
  Node: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'Attribute', 'repeated'],
    domain: [7, 'string'],
  },
  Graph: {
    node: [1, 'Node', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'Tensor', 'repeated'],
    docString: [10, 'string'],
    input: [11, 'ValueInfo', 'repeated'],
    output: [12, 'ValueInfo', 'repeated'],
    valueInfo: [13, 'ValueInfo', 'repeated'],
  },
  Model: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    domain: [4, 'string'],
    modelVersion: [5, 'int64'],
    docString: [6, 'string'],
    graph: [7, 'Graph'],
    opsetImport: [8, 'OperatorSetId', 'repeated'],
    metadataProps: [14, 'StringStringEntry', 'repeated'],
  },
};

/** The messages without weights and node attributes: decoding skips what it has no field for. */
const outline: typeof messages = {
  ...messages,
  Tensor: { name: [8, 'string'] },
  Node: { opType: [4, 'string'], domain: [7, 'string'] },
};

function createRoot(described: typeof messages): protobuf.Root {
  const nested: Record<string, protobuf.IType> = {};
  for (const [message, fields] of Object.entries(described)) {
    nested[message] = {
      fields: Object.fromEntries(
        Object.entries(fields).map(([name, [id, type, rule]]) => [
          name,
          rule ? { id, type, rule } : { id, type },
        ]),
      ),
    };
  }
  return protobuf.Root.fromJSON({ nested: { onnx: { nested } } });
}

/** Codec of the `Model` message. */
export const modelMessage: protobuf.Type = createRoot(messages).lookupType('onnx.Model');

/** Reads what a model says about itself, however large it is; not for writing. */
export const modelOutline: protobuf.Type = createRoot(outline).lookupType('onnx.Model');
