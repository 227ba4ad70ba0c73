export * from './architectures/index.ts';
export * from './augment/index.ts';
