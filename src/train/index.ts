export {
  encodeSafetensors,
  parseSafetensors,
  readSafetensors,
  writeSafetensors,
} from './weights/safetensors.ts';
export type { ReadOptions, StateDict, TensorSpec, WeightFile } from './weights/state-dict.ts';
