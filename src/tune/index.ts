export type { Dimension, Parameters, ParameterValue, SearchSpace } from './space.ts';
