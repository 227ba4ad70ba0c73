// A worker of a tree team: enters the kernel's job loop and stays there until the team is closed.
import { workerData } from 'node:worker_threads';
import { CONTROL, CONTROL_FAILED, CONTROL_INSIDE } from './assembly/layout.ts';

const { module, memory, thread } = workerData as {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  thread: number;
};
const instance = new WebAssembly.Instance(module, { env: { memory } });
try {
  (instance.exports as { workerLoop(thread: number): void }).workerLoop(thread);
} catch (error) {
  const words = new Int32Array(memory.buffer, CONTROL, 1024);
  Atomics.store(words, CONTROL_FAILED >> 2, 1);
  Atomics.sub(words, CONTROL_INSIDE >> 2, 1);
  Atomics.notify(words, CONTROL_INSIDE >> 2);
  throw error;
}
