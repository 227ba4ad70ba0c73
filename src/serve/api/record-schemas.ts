import { Type } from 'typebox';
import { type Json, runStates } from '#tracking';

const nullableText = Type.Union([Type.String(), Type.Null()]);

/** Text by name. `additionalProperties` and not a pattern: names may hold line breaks. */
export const tagsSchema = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: { type: 'string' },
});

/** Anything JSON by name. */
export const jsonObjectSchema = Type.Unsafe<Record<string, Json>>({
  type: 'object',
  additionalProperties: {},
});

export const jsonSchema = Type.Unsafe<Json>({});

export const runStateSchema = Type.Enum([...runStates]);

export const runKindSchema = Type.Enum(['run', 'pipeline', 'step', 'automl', 'trial']);

/** JSON has no NaN and infinities: they are written as text, as protobuf's JSON does. */
export const metricValueSchema = Type.Union([
  Type.Number(),
  Type.Literal('NaN'),
  Type.Literal('Infinity'),
  Type.Literal('-Infinity'),
]);

export type MetricValue = number | 'NaN' | 'Infinity' | '-Infinity';

export const metricValuesSchema = Type.Unsafe<Record<string, MetricValue>>({
  type: 'object',
  additionalProperties: { anyOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity'] }] },
});

/** A metric's value as JSON can hold it. */
export function encodeMetric(value: number): MetricValue {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

/** The same for all of a run. */
export function encodeMetrics(values: Readonly<Record<string, number>>): Record<string, MetricValue> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, encodeMetric(value)]));
}

export const experimentSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  tags: tagsSchema,
  createdAt: Type.String(),
});

export const runSchema = Type.Object({
  id: Type.String(),
  experimentId: Type.String(),
  experimentName: Type.String(),
  parentId: nullableText,
  rootId: Type.String(),
  kind: runKindSchema,
  name: Type.String(),
  description: Type.String(),
  state: runStateSchema,
  tags: tagsSchema,
  params: jsonObjectSchema,
  properties: jsonObjectSchema,
  createdAt: Type.String(),
  startedAt: nullableText,
  endedAt: nullableText,
  error: nullableText,
  owner: Type.Union([
    Type.Object({ host: Type.String(), pid: Type.Integer(), startTime: Type.String() }),
    Type.Null(),
  ]),
  heartbeat: Type.Integer(),
});

export const artifactSchema = Type.Object({
  path: Type.String(),
  size: Type.Integer(),
  sha256: Type.String(),
  createdAt: Type.String(),
});

export const eventSchema = Type.Object({
  seq: Type.Integer(),
  runId: Type.String(),
  rootId: Type.String(),
  type: Type.String(),
  data: jsonSchema,
  time: Type.String(),
});

export const datasetSchema = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  description: Type.String(),
  tags: tagsSchema,
  fingerprint: Type.String(),
  source: jsonObjectSchema,
  createdAt: Type.String(),
});

export const modelSchema = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  description: Type.String(),
  tags: tagsSchema,
  runId: nullableText,
  metrics: metricValuesSchema,
  size: Type.Integer(),
  sha256: Type.String(),
  aliases: Type.Array(Type.String()),
  createdAt: Type.String(),
});

export const promotionSchema = Type.Object({
  seq: Type.Integer(),
  name: Type.String(),
  alias: Type.String(),
  fromVersion: Type.Union([Type.Integer(), Type.Null()]),
  toVersion: Type.Union([Type.Integer(), Type.Null()]),
  by: Type.String(),
  reason: Type.String(),
  time: Type.String(),
});

export const publishedPipelineSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  version: Type.String(),
  status: Type.Enum(['Active', 'Disabled']),
  runId: nullableText,
  createdAt: Type.String(),
  endpoint: Type.String(),
});
