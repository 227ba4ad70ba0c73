import { DataError } from '#core';
import type { JsonRow, ScoringMethod } from './scorer.ts';

export interface ScoreRequest {
  readonly rows: readonly JsonRow[];
  readonly method: ScoringMethod;
  /** Azure's newer form names its answer `Results`, the older one `result`; plain records are answered by a plain array. */
  readonly answer: 'Results' | 'result' | 'plain';
}

/** @throws DataError that says which field is wrong */
export function parseScoreRequest(body: unknown): ScoreRequest {
  if (Array.isArray(body)) return { rows: rowsOf(body, 'the body'), method: 'predict', answer: 'plain' };
  if (!isObject(body))
    throw new DataError(
      'score: the body must be a JSON object or an array of rows, but is neither. See /swagger.json.',
    );
  const method = methodOf(body['GlobalParameters']);
  if (isObject(body['Inputs']))
    return { rows: rowsOf(body['Inputs']['data'], 'Inputs.data'), method, answer: 'Results' };
  if (Array.isArray(body['data'])) return { rows: rowsOf(body['data'], 'data'), method, answer: 'result' };
  return { rows: [body], method: 'predict', answer: 'plain' };
}

function methodOf(parameters: unknown): ScoringMethod {
  const method = isObject(parameters) ? (parameters['method'] ?? 'predict') : 'predict';
  if (method === 'predict' || method === 'predict_proba') return method;
  throw new DataError(
    `score: GlobalParameters.method must be "predict" or "predict_proba", but got ${JSON.stringify(method)?.slice(0, 100)}. Leave it out for "predict".`,
    { field: 'GlobalParameters.method' },
  );
}

function rowsOf(value: unknown, field: string): readonly JsonRow[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new DataError(
      `score: ${field} must be an array with at least one row, but is not. See /swagger.json.`,
      { field },
    );
  const at = value.findIndex((row) => !isObject(row));
  if (at < 0) return value as readonly JsonRow[];
  throw new DataError(
    `score: row ${at + 1} of ${field} must be an object of columns, but is not. See /swagger.json.`,
    { field },
  );
}

function isObject(value: unknown): value is JsonRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
