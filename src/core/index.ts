export type { ArrayDType, EncodedArray, TypedArray } from './array-codec.ts';
export { decodeArray, encodeArray } from './array-codec.ts';
export { Deadline, now, timestamp, yieldToEventLoop } from './clock.ts';
export {
  CancelledError,
  ConfigError,
  DataError,
  DTypeError,
  GraphError,
  RuntimeFailure,
  ShapeError,
  TrainyardError,
  UnsupportedError,
} from './errors.ts';
export type { DType, HostTensor, NumericArray, Shape } from './host-tensor.ts';
export { bytesPerElement, createArray, hostTensor, sizeOf, stridesOf } from './host-tensor.ts';
export type { FileLock } from './lock-file.ts';
export { isLock, lockFile } from './lock-file.ts';
export type { Logger, LogLevel, Progress } from './logger.ts';
export { silentLogger } from './logger.ts';
export { makeFolder } from './make-folder.ts';
export { columnHint, nearestName } from './near-name.ts';
export { distFile, packageRoot, version } from './package-root.ts';
export type { ProcessOwner } from './process-owner.ts';
export { currentOwner, isOwnerAlive, isSameOwner } from './process-owner.ts';
export { hashString, Rng } from './rng.ts';
