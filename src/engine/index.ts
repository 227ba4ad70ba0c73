export type { OnnxDType } from './onnx/dtype.ts';
export type {
  ModelOptions,
  NodeOptions,
  OnnxArray,
  OnnxAttribute,
  OnnxDim,
  OnnxDomain,
  OnnxTensor,
} from './onnx/graph.ts';
export { OnnxGraph, opsetVersions } from './onnx/graph.ts';
export type { OnnxModelInfo, OnnxValue } from './onnx/read-model.ts';
export { readOnnxModel } from './onnx/read-model.ts';
export type { RuntimeTensor, SessionOptions, TensorData } from './runtime/session.ts';
export { OnnxSession } from './runtime/session.ts';
