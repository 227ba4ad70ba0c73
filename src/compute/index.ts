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
