export type { Batch, CompileOptions, StepResult, TrainingPosition } from './compile/compiled-model.ts';
export { CompiledModel, compile } from './compile/compiled-model.ts';
export {
  encodeSafetensors,
  parseSafetensors,
  readSafetensors,
  writeSafetensors,
} from './weights/safetensors.ts';
export type { ReadOptions, StateDict, TensorSpec, WeightFile } from './weights/state-dict.ts';
