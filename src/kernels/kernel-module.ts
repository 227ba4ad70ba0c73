import { readFileSync } from 'node:fs';
import { distFile, RuntimeFailure } from '#core';

const compiled = new Map<string, WebAssembly.Module>();

/** Bytes of one WebAssembly page. */
export const pageBytes = 65536;

/**
 * The compiled module of `src/kernels/assembly/<name>.kernel.ts`, read once per thread from `dist/kernels/`.
 *
 * @throws RuntimeFailure when the package has not been built
 */
export function kernelModule(name: string): WebAssembly.Module {
  let module = compiled.get(name);
  if (module === undefined) {
    const file = distFile('kernels', `${name}.wasm`);
    try {
      module = new WebAssembly.Module(readFileSync(file));
    } catch (cause) {
      throw new RuntimeFailure(
        `kernels: ${name}.wasm must be there and be valid, but ${file} could not be loaded. Run npm run build.`,
        { file },
        { cause },
      );
    }
    compiled.set(name, module);
  }
  return module;
}

/**
 * A shared memory that kernels import. It only reserves address space up to `maximumBytes`; pages count once they
 * are touched.
 */
export function createKernelMemory(
  initialBytes: number,
  maximumBytes = 65536 * pageBytes,
): WebAssembly.Memory {
  return new WebAssembly.Memory({
    initial: Math.max(16, Math.ceil(initialBytes / pageBytes)),
    maximum: Math.ceil(maximumBytes / pageBytes),
    shared: true,
  });
}

/** Exports of kernel `name` working on `memory`. */
export function instantiateKernel<Exports extends object>(name: string, memory: WebAssembly.Memory): Exports {
  const instance = new WebAssembly.Instance(kernelModule(name), { env: { memory } });
  return instance.exports as unknown as Exports;
}
