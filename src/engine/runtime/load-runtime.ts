import type * as Ort from 'onnxruntime-node';

let library: Promise<typeof Ort> | undefined;

/** Loads ONNX Runtime at the first session: workers that train trees never need it. */
export function loadRuntime(): Promise<typeof Ort> {
  library ??= import('onnxruntime-node');
  return library;
}

/** The first line of an error of ONNX Runtime, which may have many. */
export function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0];
}
