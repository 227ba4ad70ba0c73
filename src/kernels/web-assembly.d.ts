/** What the kernels use of WebAssembly: TypeScript declares it only together with the browser's whole DOM. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    readonly buffer: ArrayBufferLike;
    constructor(descriptor: { initial: number; maximum: number; shared: boolean });
    /** @returns the size before, in pages of 64 KiB */
    grow(pages: number): number;
  }
  class Instance {
    readonly exports: Readonly<Record<string, unknown>>;
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
  }
}
