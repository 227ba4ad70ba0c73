export type { Checkpoint, StoredCheckpoint } from './checkpoint/checkpoint.ts';
export { listCheckpoints, readCheckpoint, writeCheckpoint } from './checkpoint/checkpoint.ts';
export type { StateValue } from './checkpoint/state-json.ts';
export type { Batch, CompileOptions, StepResult, TrainingPosition } from './compile/compiled-model.ts';
export { CompiledModel, compile } from './compile/compiled-model.ts';
export type { PytorchOptions } from './weights/pytorch.ts';
export { readPytorch } from './weights/pytorch.ts';
export { readWeights } from './weights/read-weights.ts';
export {
  encodeSafetensors,
  parseSafetensors,
  readSafetensors,
  writeSafetensors,
} from './weights/safetensors.ts';
export type { ReadOptions, TensorSpec, WeightFile } from './weights/state-dict.ts';
