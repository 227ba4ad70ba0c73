export { createKernelMemory, instantiateKernel, kernelModule, pageBytes } from './kernel-module.ts';
