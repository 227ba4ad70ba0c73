import {
  CancelledError,
  ConfigError,
  DataError,
  DTypeError,
  GraphError,
  RuntimeFailure,
  ShapeError,
  TrainyardError,
  UnsupportedError,
} from '#core';
import type { Json } from '#tracking';
import type { JobSpec } from './compute-target.ts';

/** From the target to a worker process. */
export interface StartMessage {
  readonly type: 'start';
  readonly job: JobSpec;
  readonly attempt: number;
}

/** From a worker process to the target. */
export type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'message'; readonly data: Json }
  | { readonly type: 'completed'; readonly output: Json | undefined }
  | { readonly type: 'failed'; readonly error: WireError };

/** An error as it crosses the border of a process. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly details?: Record<string, Json>;
  readonly stack?: string;
}

const classes = {
  CancelledError,
  ConfigError,
  DataError,
  DTypeError,
  GraphError,
  RuntimeFailure,
  ShapeError,
  UnsupportedError,
};

export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  return {
    name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(error instanceof TrainyardError
      ? { code: error.code, details: JSON.parse(JSON.stringify(error.details)) }
      : {}),
  };
}

/** The error again, of its own class where that is one of ours. */
export function fromWire({ name, message, code, details, stack }: WireError): Error {
  let error: Error;
  if (Object.hasOwn(classes, name)) error = new classes[name as keyof typeof classes](message, details);
  else if (code !== undefined) error = new TrainyardError(code, message, details);
  else error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
