/** Element types of ONNX tensors that Trainyard uses. */
export type OnnxDType = 'float32' | 'float16' | 'uint8' | 'int32' | 'int64' | 'string' | 'bool' | 'float64';

/** `TensorProto.DataType` numbers. */
export const dtypeCode: Readonly<Record<OnnxDType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
};

/** The name of a `TensorProto.DataType` number, `undefined` for one that Trainyard does not use. */
export function dtypeOfCode(code: number): OnnxDType | undefined {
  return (Object.keys(dtypeCode) as OnnxDType[]).find((dtype) => dtypeCode[dtype] === code);
}
