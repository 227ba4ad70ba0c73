export { gradients } from './autodiff/gradients.ts';
export * as build from './ir/build.ts';
export { atUserLine, CallSite } from './ir/call-site.ts';
export { withNodeContext, withRegion } from './ir/create-node.ts';
export { multiplyAdds } from './ir/multiply-adds.ts';
export type { OpAttributes, OpName } from './ir/op-attributes.ts';
export type {
  Device,
  Emitted,
  Emitter,
  Lowering,
  OpRule,
  OpTable,
  ReferenceTensor,
  Target as EmissionTarget,
} from './ir/op-rule.ts';
export { opTable } from './ir/op-table.ts';
export { autocast } from './ir/passes/autocast.ts';
export { poolByPhases } from './ir/passes/pool-by-phases.ts';
export { poolFirst } from './ir/passes/pool-first.ts';
export { recompute } from './ir/passes/recompute.ts';
export { simplify } from './ir/passes/simplify.ts';
export { printGraph } from './ir/print-graph.ts';
export type { Graph, GraphNode, TensorType, Value, Variable } from './ir/value.ts';
export { sortNodes } from './ir/value.ts';
export { verifyGraph } from './ir/verify-graph.ts';
export type { OnnxDType } from './onnx/dtype.ts';
export { emitGraph } from './onnx/emit-graph.ts';
export type { ExportValuesOptions } from './onnx/export-values.ts';
export { exportValues, SYMBOLIC_SIZE } from './onnx/export-values.ts';
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
export type {
  BuildOptions,
  ImportedGraph,
  ImportedInput,
  ImportedLayer,
  ImportGraphOptions,
} from './onnx/import-graph.ts';
export { importGraph } from './onnx/import-graph.ts';
export type { OnnxModelInfo, OnnxValue } from './onnx/read-model.ts';
export { readOnnxModel } from './onnx/read-model.ts';
export type { CheckGradientOptions, GradientCheck } from './reference/check-gradient.ts';
export { checkGradient } from './reference/check-gradient.ts';
export type { Bindings } from './reference/interpret.ts';
export { interpret, referenceTensor } from './reference/interpret.ts';
export { availableDevices, createTarget, parseDevice } from './runtime/devices.ts';
export type { PlanInput, Updates } from './runtime/emit-plan.ts';
export { evaluate } from './runtime/evaluate.ts';
export type { IndexRange } from './runtime/index-range.ts';
export type { PlanOptions } from './runtime/plan.ts';
export { Plan } from './runtime/plan.ts';
export type { Profile, ProfileEntry } from './runtime/profile.ts';
export { formatProfile, profileGraph } from './runtime/profile.ts';
export type { RuntimeTensor, SessionOptions, TensorData } from './runtime/session.ts';
export { OnnxSession } from './runtime/session.ts';
export {
  arange,
  concat,
  fromHost,
  full,
  ones,
  placeholder,
  randn,
  stack,
  tensor,
  zeros,
} from './tensor/create.ts';
export { requireIndices } from './tensor/require-indices.ts';
export { Buffer, Parameter, State, zerosHost } from './tensor/state.ts';
export type { NestedArray, TensorLike } from './tensor/tensor.ts';
export { broadcastShape, grad, Tensor } from './tensor/tensor.ts';
export type { Trace } from './tensor/trace.ts';
export { currentTrace, trace } from './tensor/trace.ts';
