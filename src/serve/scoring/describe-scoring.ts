import { version as trainyardVersion } from '#core';
import type { Scorer, ScorerInput } from './scorer.ts';

type Schema = Readonly<Record<string, unknown>>;

/** A column in JSON Schema; a missing value is null. */
const columnSchema = ({ type, description, example }: ScorerInput): Schema => ({
  type,
  description,
  example,
});

function schemas({ inputs, isClassifier, labels }: Scorer): Record<string, Schema> {
  const example = Object.fromEntries(inputs.map((input) => [input.name, input.example]));
  const isText = isClassifier && (labels === null || typeof labels[0] === 'string');
  const result = isText
    ? { type: 'string', ...(labels === null ? {} : { enum: labels }) }
    : { type: 'number', ...(labels === null ? {} : { enum: labels }) };
  return {
    Row: {
      type: 'object',
      properties: Object.fromEntries(inputs.map((input) => [input.name, columnSchema(input)])),
      required: inputs.map(({ name }) => name),
      example,
    },
    ServiceInput: {
      type: 'object',
      properties: {
        Inputs: {
          type: 'object',
          properties: { data: { type: 'array', items: { $ref: '#/definitions/Row' }, minItems: 1 } },
          required: ['data'],
        },
        GlobalParameters: {
          type: 'object',
          properties: {
            method: {
              type: 'string',
              enum: isClassifier ? ['predict', 'predict_proba'] : ['predict'],
              default: 'predict',
            },
          },
        },
      },
      required: ['Inputs'],
      example: { Inputs: { data: [example] }, GlobalParameters: { method: 'predict' } },
    },
    ServiceOutput: {
      type: 'object',
      properties: {
        Results: {
          type: 'array',
          description: isClassifier
            ? `labels, or with predict_proba the probabilities of ${labels?.join(', ') ?? 'the classes'} for each row`
            : 'predicted values',
          items: result,
        },
      },
    },
    ErrorResponse: { type: 'object', properties: { message: { type: 'string' } } },
  };
}

/** The description as Swagger 2.0, in the form of Azure ML's endpoints. */
export function swaggerDocument(scorer: Scorer, host: string): Schema {
  return {
    swagger: '2.0',
    info: { title: scorer.version, description: `Served by Trainyard ${trainyardVersion}`, version: '1.0' },
    host,
    schemes: ['http'],
    consumes: ['application/json'],
    produces: ['application/json'],
    securityDefinitions: {
      Bearer: { type: 'apiKey', name: 'Authorization', in: 'header', description: 'Bearer TOKEN' },
    },
    paths: {
      '/': {
        get: {
          operationId: 'ServiceHealthCheck',
          description: 'Says that the service is there.',
          responses: {
            200: {
              description: 'Healthy',
              schema: { type: 'string' },
              examples: { 'text/plain': 'Healthy' },
            },
          },
        },
      },
      '/score': {
        post: {
          operationId: 'RunMLService',
          description: 'Scores rows.',
          security: [{ Bearer: [] }],
          parameters: [
            {
              in: 'body',
              name: 'serviceInputPayload',
              description: 'rows, and what to do with them',
              schema: { $ref: '#/definitions/ServiceInput' },
            },
          ],
          responses: {
            200: {
              description: 'scores in the order of the rows',
              schema: { $ref: '#/definitions/ServiceOutput' },
            },
            default: { description: 'what was wrong', schema: { $ref: '#/definitions/ErrorResponse' } },
          },
        },
      },
    },
    definitions: schemas(scorer),
  };
}

/** The same as OpenAPI 3.0. */
export function openApiDocument(scorer: Scorer, host: string): Schema {
  const json = (name: string) => ({
    'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
  });
  const text = JSON.stringify(schemas(scorer)).replaceAll('#/definitions/', '#/components/schemas/');
  return {
    openapi: '3.0.3',
    info: { title: scorer.version, description: `Served by Trainyard ${trainyardVersion}`, version: '1.0' },
    servers: [{ url: `http://${host}` }],
    paths: {
      '/': {
        get: {
          operationId: 'ServiceHealthCheck',
          responses: {
            200: { description: 'Healthy', content: { 'text/plain': { schema: { type: 'string' } } } },
          },
        },
      },
      '/score': {
        post: {
          operationId: 'RunMLService',
          security: [{ Bearer: [] }],
          requestBody: { required: true, content: json('ServiceInput') },
          responses: {
            200: { description: 'scores in the order of the rows', content: json('ServiceOutput') },
            default: { description: 'what was wrong', content: json('ErrorResponse') },
          },
        },
      },
    },
    components: {
      schemas: JSON.parse(text) as Schema,
      securitySchemes: { Bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}
