import { Type } from 'typebox';
import type { RunRecord } from '#tracking';
import type { ApiApp, ApiContext } from './api-app.ts';
import { present } from './page-schemas.ts';
import { submitPipeline } from './pipeline-routes.ts';
import { jsonObjectSchema, tagsSchema } from './record-schemas.ts';
import { RequestError } from './request-error.ts';
import { findRun } from './run-routes.ts';

const tags = ['azure'];

/** What Azure ML's clients send (the fields of its REST reference and its data factory's activity); others are ignored. */
const submitSchema = Type.Object({
  ExperimentName: Type.Optional(Type.String()),
  DisplayName: Type.Optional(Type.String()),
  Description: Type.Optional(Type.String()),
  Tags: Type.Optional(tagsSchema),
  RunSource: Type.Optional(Type.String()),
  ParentRunId: Type.Optional(Type.String()),
  ContinueOnStepFailure: Type.Optional(Type.Boolean()),
  ParameterAssignments: Type.Optional(jsonObjectSchema),
  DataPathAssignments: Type.Optional(jsonObjectSchema),
  DataSetDefinitionValueAssignments: Type.Optional(jsonObjectSchema),
});

const runSchema = Type.Object({
  Id: Type.String(),
  Status: Type.String(),
  ExperimentName: Type.String(),
  Description: Type.String(),
  DisplayName: Type.String(),
  Tags: tagsSchema,
  ParentRunId: Type.Union([Type.String(), Type.Null()]),
  PipelineId: Type.Union([Type.String(), Type.Null()]),
  CreatedAt: Type.String(),
  StartTimeUtc: Type.Union([Type.String(), Type.Null()]),
  EndTimeUtc: Type.Union([Type.String(), Type.Null()]),
  Error: Type.Union([Type.Object({ Message: Type.String() }), Type.Null()]),
});

/**
 * Azure ML's published pipelines: `…/PipelineRuns/PipelineSubmit/{id}`, whatever subscription, resource group and
 * workspace the path names, so that a notebook's call works with another host name.
 */
export function azureRoutes(app: ApiApp, context: ApiContext): void {
  // The router has no wildcard in the middle of a path.
  const anyPath = Type.Object({ '*': Type.String() });
  const split = (path: string): { verb: string; id: string } => {
    const match = /^(?:.*\/)?PipelineRuns(?:\/(PipelineSubmit))?\/([^/]+)$/.exec(path);
    if (match !== null) return { verb: match[1] ?? '', id: match[2] ?? '' };
    throw new RequestError(
      404,
      `pipelines/v1.0: the path must end in PipelineRuns/PipelineSubmit/{id} or PipelineRuns/{runId}, but got ${JSON.stringify(path)}. See /docs.`,
    );
  };

  app.post(
    '/pipelines/v1.0/*',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'Starts a run of a published pipeline: …/PipelineRuns/PipelineSubmit/{id}',
        params: anyPath,
        body: submitSchema,
        response: { 200: runSchema },
      },
    },
    async ({ params, body }, reply) => {
      const { verb, id } = split(params['*']);
      if (verb !== 'PipelineSubmit')
        throw new RequestError(404, 'pipelines/v1.0: POST goes to PipelineSubmit/{id}.');
      const request = {
        experimentName: body.ExperimentName,
        displayName: body.DisplayName,
        description: body.Description,
        parentRunId: body.ParentRunId,
        continueOnStepFailure: body.ContinueOnStepFailure,
        tags: body.RunSource === undefined ? body.Tags : { ...body.Tags, runSource: body.RunSource },
        parameters: {
          ...body.ParameterAssignments,
          ...body.DataPathAssignments,
          ...body.DataSetDefinitionValueAssignments,
        },
      };
      const { runId } = await submitPipeline(context, id, present(request), 'ParameterAssignments');
      return reply.send(encodeRun(await findRun(context.store, runId)));
    },
  );

  app.get(
    '/pipelines/v1.0/*',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A run: …/PipelineRuns/{runId}',
        params: anyPath,
        response: { 200: runSchema },
      },
    },
    async ({ params }, reply) => {
      const { verb, id } = split(params['*']);
      if (verb !== '') throw new RequestError(404, 'pipelines/v1.0: GET goes to PipelineRuns/{runId}.');
      return reply.send(encodeRun(await findRun(context.store, id)));
    },
  );
}

function encodeRun(run: RunRecord) {
  const pipelineId = run.properties['pipelineId'];
  return {
    Id: run.id,
    Status: run.state,
    ExperimentName: run.experimentName,
    Description: run.description,
    DisplayName: run.name,
    Tags: run.tags,
    ParentRunId: run.parentId,
    PipelineId: typeof pipelineId === 'string' ? pipelineId : null,
    CreatedAt: run.createdAt,
    StartTimeUtc: run.startedAt,
    EndTimeUtc: run.endedAt,
    Error: run.error === null ? null : { Message: run.error },
  };
}
