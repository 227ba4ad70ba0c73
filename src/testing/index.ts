export type { ConformanceCase, ConformanceOptions } from './learner-conformance.ts';
export { conformanceCases } from './learner-conformance.ts';
export type { LearnerDataOptions } from './learner-data.ts';
export { learnerData } from './learner-data.ts';
