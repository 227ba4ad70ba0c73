export type { Checkpoint, StoredCheckpoint } from './checkpoint/checkpoint.ts';
export { listCheckpoints, readCheckpoint, writeCheckpoint } from './checkpoint/checkpoint.ts';
export type { StateValue } from './checkpoint/state-json.ts';
export type { Batch, CompileOptions, StepResult, TrainingPosition } from './compile/compiled-model.ts';
export { CompiledModel, compile } from './compile/compiled-model.ts';
export type { DataSource } from './fit/data-source.ts';
export type { FitOptions } from './fit/fit.ts';
export { fit } from './fit/fit.ts';
export type { BatchProgress, Callbacks, EpochResult, FitResult, StopReason } from './fit/fit-event.ts';
export type { BatchMetric, Metric, SetMetric } from './fit/metrics.ts';
export { accuracy, argMaxRows } from './fit/metrics.ts';
export type { CheckpointOptions } from './fit/training-files.ts';
export type { KeyMapping } from './weights/map-keys.ts';
export { mapKeys } from './weights/map-keys.ts';
export type { MatchOptions, Mismatch, WeightReport } from './weights/match-state.ts';
export { formatWeightReport, matchState } from './weights/match-state.ts';
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
export { writeFileAtomically } from './weights/write-file-atomically.ts';
