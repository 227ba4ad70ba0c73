import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { nearestName } from '#core';
import { RequestError } from './request-error.ts';

const parts: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

interface Fault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/**
 * Checks a part of a request against its schema. Text of addresses is read as numbers and booleans where those are
 * wanted; a body must have the JSON types that the schema says.
 */
export const validateRequest: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body' }) => {
  const validator = Compile(schema);
  return (given: unknown) => {
    const value = readValue(schema, httpPart, given);
    if (validator.Check(value)) return { value };
    return { error: describeFaults(parts[httpPart] ?? httpPart, schema, value, validator.Errors(value)) };
  };
};

function readValue(schema: TSchema, httpPart: string, given: unknown): unknown {
  if (httpPart === 'body') return given ?? {};
  // Parts of a path are text. (The name of a wildcard, `*`, would be taken for a pattern here.)
  return httpPart === 'params' ? given : Value.Convert(schema, given);
}

function describeFaults(
  where: string,
  schema: TSchema,
  value: unknown,
  faults: readonly Fault[],
): RequestError {
  // The last fault of a place is the outermost: "one of these" instead of each of them.
  const last = faults.at(-1);
  if (last === undefined) return new RequestError(400, `${where}: is not what the schema says.`);
  const path = last.instancePath;
  const names = path.split('/').slice(1).map(unescapePointer);
  if (last.keyword === 'additionalProperties') return describeUnknown(where, schema, last, names);
  if (last.keyword === 'required') {
    const missing = listOf(last.params, 'requiredProperties');
    const field = [...names, missing[0]].join('.');
    return new RequestError(400, `${where}: ${field} must be given, but is missing. Add it.`, field);
  }
  const field = names.join('.') || where;
  const found = Value.Pointer.Get(value, path);
  const rule = ruleOf(faults.filter((fault) => fault.instancePath === path));
  const place = names.length > 0 ? `${where}: ${field}` : where;
  return new RequestError(400, `${place} ${rule}, but got ${describeValue(found)}. Correct it.`, field);
}

function describeUnknown(where: string, schema: TSchema, fault: Fault, names: string[]): RequestError {
  const [unknown = ''] = listOf(fault.params, 'additionalProperties');
  const known = 'properties' in schema ? Object.keys(schema.properties as object) : [];
  const near = names.length === 0 ? nearestName(unknown, known) : undefined;
  const wayOut =
    near !== undefined
      ? `Did you mean "${near}"?`
      : known.length > 0
        ? `There are: ${known.join(', ')}.`
        : '';
  const field = [...names, unknown].join('.');
  return new RequestError(400, `${where}: has no field ${JSON.stringify(field)}. ${wayOut}`.trim(), field);
}

function ruleOf(faults: readonly Fault[]): string {
  const allowed = faults.flatMap((fault) =>
    fault.keyword === 'const' && 'allowedValue' in fault.params
      ? [JSON.stringify(fault.params.allowedValue)]
      : fault.keyword === 'enum'
        ? listOf(fault.params, 'allowedValues').map((value) => JSON.stringify(value))
        : fault.keyword === 'type' && 'type' in fault.params
          ? [String(fault.params.type)]
          : [],
  );
  const isChoice = faults.some((fault) => ['anyOf', 'enum', 'const', 'type'].includes(fault.keyword));
  if (isChoice && allowed.length > 0) return `must be ${[...new Set(allowed)].join(', ')}`;
  return faults.at(-1)?.message ?? 'must be what the schema says';
}

function listOf(params: object, name: string): readonly string[] {
  const list: unknown = (params as Record<string, unknown>)[name];
  return Array.isArray(list) ? list.map(String) : [];
}

function unescapePointer(text: string): string {
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The value in a sentence: short ones as they are, long ones by their type. */
function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  if (text.length <= 60) return text;
  return Array.isArray(value)
    ? 'an array'
    : typeof value === 'object'
      ? 'an object'
      : `a long ${typeof value}`;
}
