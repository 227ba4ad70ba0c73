export * as treeLayout from './assembly/layout.ts';
export { createKernelMemory, instantiateKernel, kernelModule, pageBytes } from './kernel-module.ts';
export type { PredictColumn } from './predict.ts';
export { TreeSummer } from './predict.ts';
export type { TreeArrays } from './tree-program.ts';
export type { TreeKernelExports } from './tree-team.ts';
export { TreeTeam } from './tree-team.ts';
