export type { ConformanceCase, ConformanceOptions } from './learner-conformance.ts';
export { conformanceCases } from './learner-conformance.ts';
export type { LearnerDataOptions } from './learner-data.ts';
export { learnerData } from './learner-data.ts';
export type { ScheduleConformanceOptions } from './schedule-conformance.ts';
export { scheduleConformanceCases } from './schedule-conformance.ts';
