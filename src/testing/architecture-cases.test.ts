import { describe, it } from 'vitest';
import { type ArchitectureConformanceOptions, architectureCases } from '#testing';

/** The smallest of families with few parameters, and images that are small for it. */
const samples: Readonly<Record<string, ArchitectureConformanceOptions>> = {
  tf_efficientnet_b0: { imageSize: 32 },
  resnet8_cifar: { imageSize: 16 },
  mobilenet_v3_small: { imageSize: 32 },
};

describe.each(Object.entries(samples))('%s', (name, options) => {
  for (const { name: title, run } of architectureCases(name, options)) it(title, run);
});
