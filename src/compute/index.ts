export type {
  ComputeSettings,
  ComputeStatus,
  ComputeTarget,
  JobContext,
  JobEvent,
  JobFunction,
  JobHandle,
  JobSpec,
} from './compute-target.ts';
export { importModule } from './import-module.ts';
export { LocalCompute } from './local-compute.ts';
