import type { Schema, ScoringDescription } from './describe-scoring.ts';
import type { Scorer, ScorerInput } from './scorer.ts';

/** A column in JSON Schema; a missing value is null. */
const columnSchema = ({ type, description, example }: ScorerInput): Schema => ({
  type,
  description,
  example,
});

/** A model of tables: rows in, labels, probabilities or values out. */
export function describeRows(scorer: Scorer): ScoringDescription {
  return {
    title: scorer.version,
    operation: 'Scores rows.',
    payload: 'rows, and what to do with them',
    answer: 'scores in the order of the rows',
    schemas: schemas(scorer),
    files: [],
  };
}

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
  };
}
