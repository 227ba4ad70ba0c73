import { ConfigError, RuntimeFailure } from '#core';
import type { Device, Target } from '../ir/op-rule.ts';
import { OnnxGraph } from '../onnx/graph.ts';
import { firstLine, loadRuntime } from './load-runtime.ts';

const devices: readonly Device[] = ['cpu', 'webgpu', 'cuda', 'coreml', 'dml'];

/** Devices whose execution provider this installation of ONNX Runtime can load, without trying them. */
export async function availableDevices(): Promise<Device[]> {
  const runtime = await loadRuntime();
  const backends = runtime.listSupportedBackends();
  return devices.filter(
    (device) => device === 'cpu' || backends.some((each) => each.name === device && each.bundled),
  );
}

/**
 * @throws ConfigError for a name that is no device
 */
export function parseDevice(name: string): Device {
  const device = devices.find((each) => each === name);
  if (device !== undefined) return device;
  throw new ConfigError(
    `device: must be one of ${devices.join(', ')}, but got "${name}". Pass one of them.`,
    { name },
  );
}

/** The error for a device on which no session can be made. */
export async function missingDevice(device: Device, cause: unknown): Promise<RuntimeFailure> {
  const present = await availableDevices();
  return new RuntimeFailure(
    `device: ${device} must be present, but ONNX Runtime answered: ${firstLine(cause)}. Present: ${present.join(', ')}.`,
    { device, present },
    { cause },
  );
}

let blockSize: Promise<number> | undefined;

/**
 * Channels per block of ONNX Runtime's blocked layout on this processor (16 with AVX-512, 8 with AVX2, 1 where it has
 * none), found by reordering one channel and looking at the padded shape.
 */
function probeBlockSize(): Promise<number> {
  blockSize ??= reorderOneChannel().catch(() => 1);
  return blockSize;
}

async function reorderOneChannel(): Promise<number> {
  const runtime = await loadRuntime();
  const graph = new OnnxGraph('blockSize');
  const x = graph.input('x', 'float32', [1, 4, 1, 1]);
  const reordered = graph.node('ReorderInput', [x], { domain: 'com.microsoft.nchwc' });
  graph.output(graph.node('Shape', [reordered]), 'int64', [4], 'shape');
  const session = await runtime.InferenceSession.create(graph.toModel(), { logSeverityLevel: 4 });
  const { shape } = await session.run({
    x: new runtime.Tensor('float32', new Float32Array(4), [1, 4, 1, 1]),
  });
  await session.release();
  return Number(shape.data[1]);
}

/**
 * What emission needs to know about where a graph will run.
 * @throws RuntimeFailure for a device that this installation of ONNX Runtime does not know: asked for it, the runtime
 * would take the CPU without a word
 */
export async function createTarget(device: Device, threads: number): Promise<Target> {
  const runtime = await loadRuntime();
  const isKnown = device === 'cpu' || runtime.listSupportedBackends().some(({ name }) => name === device);
  if (!isKnown) throw await missingDevice(device, `no ${device} in this build`);
  return { device, threads, blockSize: device === 'cpu' ? await probeBlockSize() : 1 };
}
