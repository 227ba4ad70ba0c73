export type { Arm, ArmSuggestion } from './arm-search.ts';
export { ArmSearch } from './arm-search.ts';
export { Flow2Sampler } from './flow2-sampler.ts';
export { RandomSampler } from './random-sampler.ts';
export { sampleParameters } from './sample-parameters.ts';
export type { Outcome, Sampler, SamplerState, Suggestion } from './sampler.ts';
export type { Dimension, Parameters, ParameterValue, SearchSpace } from './space.ts';
export { decodeParameters, encodeParameters } from './unit-cube.ts';
export { contains, describeDimension, validateParameters, validateSpace } from './validate-space.ts';
