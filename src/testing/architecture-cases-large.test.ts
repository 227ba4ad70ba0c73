import { describe, it } from 'vitest';
import { architectureCases } from '#testing';

/** The smallest of families with many parameters, in a file of their own: it takes as long as the others together. */
describe.each(['convnext_tiny', 'vit_tiny_patch16_224'])('%s', (name) => {
  for (const { name: title, run } of architectureCases(name, { imageSize: 32 })) it(title, run);
});
