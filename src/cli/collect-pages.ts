import type { Page, PageQuery } from '#tracking';

/** The first records of a paged list, as many as asked for. */
export async function collectPages<T>(
  limit: number,
  list: (query: PageQuery) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const size = Math.min(1000, limit - items.length);
    const page: Page<T> = await list({ limit: size, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined && items.length < limit);
  return items;
}
