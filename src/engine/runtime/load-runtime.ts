import type * as Ort from 'onnxruntime-node';

// It would send what it runs on and with to its maker; read when the library is loaded.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';

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
