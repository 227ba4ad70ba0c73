export { ArtifactFiles, type ByteRange, type ExpectedContent } from './artifact-files.ts';
export { LogFiles } from './log-files.ts';
export { openStore, type StoreOptions } from './open-store.ts';
export type {
  ArtifactRecord,
  DatasetRecord,
  ExperimentRecord,
  Json,
  MetricPoint,
  ModelRecord,
  NewRun,
  Page,
  PageQuery,
  PromotionRecord,
  PublishedPipelineRecord,
  PublishedStatus,
  ReuseRecord,
  RunEvent,
  RunKind,
  RunOwner,
  RunQuery,
  RunRecord,
  RunSummary,
  StoredPoint,
  Tags,
  TokenRecord,
  TokenScope,
} from './records.ts';
export type { RunState } from './run-state.ts';
export { assertTransition, canTransition, isFinal, runStates } from './run-state.ts';
export { safeRelativePath } from './safe-path.ts';
export type {
  ArtifactStore,
  DatasetStore,
  EventStore,
  ExperimentStore,
  MetricStore,
  ModelStore,
  PublishedPipelineStore,
  ReuseStore,
  RunStore,
  Store,
  TokenStore,
} from './store.ts';
