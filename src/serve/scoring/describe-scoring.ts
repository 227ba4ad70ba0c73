import { version as trainyardVersion } from '#core';

export type Schema = Readonly<Record<string, unknown>>;

/** What a model takes and answers. */
export interface ScoringDescription {
  readonly title: string;
  /** A sentence. */
  readonly operation: string;
  /** Of the JSON body. */
  readonly payload: string;
  readonly answer: string;
  /** `ServiceInput`, `ServiceOutput` and what they refer to as `#/definitions/NAME`. */
  readonly schemas: Readonly<Record<string, Schema>>;
  /** Media types of files that it takes as forms and as whole bodies. */
  readonly files: readonly string[];
}

const FORM = 'multipart/form-data';

const about = ({ title }: ScoringDescription) => ({
  title,
  description: `Served by Trainyard ${trainyardVersion}`,
  version: '1.0',
});

const withErrors = ({ schemas }: ScoringDescription): Record<string, Schema> => ({
  ...schemas,
  ErrorResponse: { type: 'object', properties: { message: { type: 'string' } } },
});

/** The description as Swagger 2.0, in the form of Azure ML's endpoints. */
export function swaggerDocument(description: ScoringDescription, host: string): Schema {
  const { operation, payload, answer, files } = description;
  // An operation of Swagger 2.0 describes one form of body: here the one that every client can send.
  const also =
    files.length === 0 ? '' : ` Also takes ${FORM} with one or more files, or one file as the body.`;
  return {
    swagger: '2.0',
    info: about(description),
    host,
    schemes: ['http'],
    consumes: ['application/json', ...(files.length > 0 ? [FORM, ...files] : [])],
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
          description: `${operation}${also}`,
          security: [{ Bearer: [] }],
          parameters: [
            {
              in: 'body',
              name: 'serviceInputPayload',
              description: payload,
              schema: { $ref: '#/definitions/ServiceInput' },
            },
          ],
          responses: {
            200: { description: answer, schema: { $ref: '#/definitions/ServiceOutput' } },
            default: { description: 'what was wrong', schema: { $ref: '#/definitions/ErrorResponse' } },
          },
        },
      },
    },
    definitions: withErrors(description),
  };
}

/** The same as OpenAPI 3.0. */
export function openApiDocument(description: ScoringDescription, host: string): Schema {
  const { answer, files } = description;
  const json = (name: string) => ({
    'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
  });
  const text = JSON.stringify(withErrors(description)).replaceAll('#/definitions/', '#/components/schemas/');
  return {
    openapi: '3.0.3',
    info: about(description),
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
          requestBody: { required: true, content: { ...json('ServiceInput'), ...fileContents(files) } },
          responses: {
            200: { description: answer, content: json('ServiceOutput') },
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

function fileContents(files: readonly string[]): Record<string, Schema> {
  if (files.length === 0) return {};
  const binary = { type: 'string', format: 'binary' };
  const form = {
    type: 'object',
    properties: { image: { type: 'array', items: binary } },
    additionalProperties: binary,
  };
  return { [FORM]: { schema: form }, ...Object.fromEntries(files.map((type) => [type, { schema: binary }])) };
}
