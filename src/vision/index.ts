export * from './architectures/index.ts';
export * from './augment/index.ts';
export * from './classify/index.ts';
