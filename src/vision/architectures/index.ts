export type { Architecture, KeyDialect, ModelSettings } from './architecture.ts';
export type { CreateModelOptions, ModelFacts } from './registry.ts';
export { createModel, findArchitecture, listModels, registerArchitecture } from './registry.ts';
export type { Stage, StageStep } from './vision-model.ts';
export { VisionModel } from './vision-model.ts';
