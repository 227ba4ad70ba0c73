import { describe, expect, it } from 'vitest';
import type { HostTensor } from '#core';
import { fromHost, OnnxSession } from '#engine';
import { AdamW, crossEntropy, exportOnnx } from '#nn';
import { compile } from '#train';
import { createModel } from './index.ts';

/** The smallest of every family, and images that are small for it. */
const samples = [
  ['tf_efficientnet_b0', 32],
  ['resnet18', 32],
  ['mobilenet_v3_small', 32],
  ['convnext_tiny', 32],
  ['vit_tiny_patch16_224', 32],
] as const;

/** Every second image is brighter. */
function images(count: number, size: number): HostTensor<'float32'> {
  const pixels = 3 * size * size;
  const data = Float32Array.from(
    { length: count * pixels },
    (_, i) => Math.sin(i * 0.37) + (Math.floor(i / pixels) % 2),
  );
  return { dtype: 'float32', shape: [count, 3, size, size], data };
}

describe('every family', () => {
  it.each(samples)(
    '%s learns to tell bright images from dark ones, with dropped paths',
    async (name, size) => {
      const model = createModel(name, {
        numClasses: 2,
        dropRate: 0.1,
        dropPathRate: 0.05,
        imageSize: size,
        seed: 0,
      });
      const optimizer = new AdamW({ learningRate: 1e-3 });
      const compiled = compile({ model, loss: crossEntropy, optimizer, seed: 0 });
      const labels: HostTensor = { dtype: 'int64', shape: [4], data: BigInt64Array.of(0n, 1n, 0n, 1n) };
      const losses: number[] = [];
      for (let i = 0; i < 6; i++) losses.push((await compiled.step([images(4, size), labels])).loss);
      await compiled.release();
      expect(losses.every(Number.isFinite)).toBe(true);
      expect(Math.min(...losses.slice(-3))).toBeLessThan(0.7 * losses[0]);
    },
  );

  // The conformance suite exports the other families.
  it('leaves as one ONNX file for any number of images', async () => {
    const [name, size] = ['resnet18', 32];
    const model = createModel(name, { numClasses: 5, imageSize: size, seed: 0 }).eval();
    const bytes = exportOnnx(model, {
      inputs: [{ name: 'image', shape: ['N', 3, size, size] }],
      output: 'logits',
    });
    const session = await OnnxSession.create(bytes);
    for (const count of [1, 3]) {
      const { logits } = await session.run({
        image: { dtype: 'float32', dims: [count, 3, size, size], data: images(count, size).data },
      });
      const expected = (await model.forward(fromHost(images(count, size))).data()) as Float32Array;
      expect(logits.data).toHaveLength(expected.length);
      expected.forEach((value, i) => {
        expect(Math.abs(value - Number(logits.data[i]))).toBeLessThan(1e-4);
      });
    }
    await session.release();
  });
});
