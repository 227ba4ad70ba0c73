/**
 * Every error Trainyard throws on purpose carries a stable `code` and serialisable `details`, and a message of
 * the form **`where: rule, but got values. Way out.`**
 */
export class TrainyardError extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }
}

/** Shapes of tensors or matrices that do not fit together. */
export class ShapeError extends TrainyardError {
  constructor(message: string, details?: Record<string, unknown>) {
    super('SHAPE', message, details);
  }
}

/** An element type where another one is required. */
export class DTypeError extends TrainyardError {
  constructor(message: string, details?: Record<string, unknown>) {
    super('DTYPE', message, details);
  }
}

/** An option, flag or configuration value that is not allowed. */
export class ConfigError extends TrainyardError {
  constructor(message: string, details?: Record<string, unknown>) {
    super('CONFIG', message, details);
  }
}

/** Data that cannot be used; `details` names `file`, `row` (1-based, header excluded) and `column` where known. */
export class DataError extends TrainyardError {
  constructor(message: string, details?: Record<string, unknown>, options?: ErrorOptions) {
    super('DATA', message, details, options);
  }
}

/** A malformed graph; `details` names the op and node. */
export class GraphError extends TrainyardError {
  constructor(message: string, details?: Record<string, unknown>) {
    super('GRAPH', message, details);
  }
}

/** Something outside our code failed while running: a session, a worker, the file system. */
export class RuntimeFailure extends TrainyardError {
  constructor(message: string, details?: Record<string, unknown>, options?: ErrorOptions) {
    super('RUNTIME', message, details, options);
  }
}

/** A request that is well-formed but not supported. */
export class UnsupportedError extends TrainyardError {
  constructor(message: string, details?: Record<string, unknown>) {
    super('UNSUPPORTED', message, details);
  }
}

/** Work that was stopped by an `AbortSignal` or a deadline before it had a result. */
export class CancelledError extends TrainyardError {
  constructor(message: string, details?: Record<string, unknown>) {
    super('CANCELLED', message, details);
  }
}
