/**
 * Things of a workspace by name, as Azure ML's `ws.datasets`; asynchronous, because they are asked of the store each
 * time and another process may have added some.
 */
export interface Lookup<T> extends AsyncIterable<T> {
  /** Whether there is one of that name. */
  has(name: string): Promise<boolean>;
  /** @throws DataError that says what there is, when there is none of that name */
  get(name: string): Promise<T>;
  /** All names in order. */
  keys(): Promise<readonly string[]>;
}
