import type { Json } from '#tracking';

/** A trial of a search, as the step's process tells of it. */
export interface ChildMessage {
  readonly iteration: number;
  readonly name: string;
  readonly state: 'Running' | 'Completed' | 'Failed' | 'Canceled';
  readonly params: Readonly<Record<string, Json>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly reason: string | null;
}

/** What a step's process may say while it runs; anything else becomes an event of type `message`. */
export type StepMessage =
  | { readonly metric: string; readonly value: number; readonly step?: number }
  | { readonly progress: number; readonly total?: number; readonly note?: string }
  | { readonly child: ChildMessage }
  | { readonly tags: Readonly<Record<string, string>> };

const has = (value: Json, field: string, type: string): boolean =>
  typeof value === 'object' && value !== null && typeof (value as Record<string, Json>)[field] === type;

/** The message as one that the runner knows, `undefined` for another. */
export function parseStepMessage(value: Json): StepMessage | undefined {
  if (has(value, 'metric', 'string') && has(value, 'value', 'number')) return value as unknown as StepMessage;
  if (has(value, 'progress', 'number')) return value as unknown as StepMessage;
  if (has(value, 'child', 'object') || has(value, 'tags', 'object')) return value as unknown as StepMessage;
  return undefined;
}
