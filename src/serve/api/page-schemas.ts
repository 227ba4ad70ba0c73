import { type Static, type TSchema, Type } from 'typebox';
import type { Page, PageQuery } from '#tracking';

/** The part of a query that every list has. */
export const pageQuery = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, description: 'Records at most; default 50.' }),
  ),
  cursor: Type.Optional(Type.String({ description: '`next` of the page before.' })),
};

/** A query of a list without filters of its own. */
export const pageQuerySchema = Type.Object(pageQuery, { additionalProperties: false });

/** Answer of a list. */
export function pageSchema<T extends TSchema>(item: T) {
  const schema = Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });
  return Type.Unsafe<Page<Static<T>>>(schema);
}

/** The page of a query: what it leaves out is absent. */
export function pageOf({ limit, cursor }: { limit?: number; cursor?: string }): PageQuery {
  return { ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) };
}

/** An object without the fields that are `undefined`, which optional fields of the store do not take. */
export function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
