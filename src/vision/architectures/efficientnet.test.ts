import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '#core';
import { evaluate, fromHost, grad, type Tensor, tensor, trace } from '#engine';
import { crossEntropy } from '#nn';
import { loadPretrained } from './load-pretrained.ts';
import { createModel } from './registry.ts';

const shared = resolve(process.env['TRAINYARD_DATA'] ?? '../shared/data', '..', 'fixtures', 'effnet');

/** float32 arrays of NumPy's format 1.0: a header of ASCII, then the elements in row-major order. */
function readNpy(path: string): HostTensor<'float32'> {
  const bytes = readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  const shape = /'shape': \(([^)]*)\)/.exec(bytes.toString('latin1', 10, start))?.[1].match(/\d+/g) ?? [];
  const data = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length),
  );
  return { dtype: 'float32', shape: shape.map(Number), data };
}

async function createReference() {
  const model = createModel('tf_efficientnet_b0_ns', { numClasses: 264, seed: 0 });
  const options = { headPolicy: 'strict' } as const;
  const report = await loadPretrained(model, `${shared}/tf_efficientnet_b0_random_state.pth`, options);
  expect(report).toMatchObject({ source: 'timm', missing: [], unexpected: [], mismatched: [], share: 1 });
  expect(report.matched).toHaveLength(360);
  return { model, images: readNpy(`${shared}/input_2x3x128x128.npy`) };
}

interface TrainReference {
  readonly hard_ls025: { readonly loss_f64: number; readonly grad_norms_f64: Record<string, number> };
}

describe.skipIf(!existsSync(shared))(`tf_efficientnet_b0 against timm (needs ${shared})`, () => {
  it('gives the logits of timm in evaluation, within 1e-5', async () => {
    const { model, images } = await createReference();
    const logits = (await model.eval().forward(fromHost(images)).data()) as Float32Array;
    const expected = readNpy(`${shared}/eval_logits_2x264.npy`).data;
    expect(logits).toHaveLength(expected.length);
    const difference = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[i])), 0);
    expect(difference).toBeLessThan(1e-5);
  });

  it('gives the loss and gradient norms of timm in training, within 1e-6 and 1e-4', async () => {
    const { model, images } = await createReference();
    const reference = JSON.parse(readFileSync(`${shared}/train_reference.json`, 'utf8')) as TrainReference;
    const { loss_f64: expectedLoss, grad_norms_f64: expectedNorms } = reference.hard_ls025;
    const parameters = [...model.namedParameters()];
    const values = trace({ training: true }, () => {
      const target = tensor([5, 201], 'int64');
      const loss = crossEntropy(model.train().forward(fromHost(images)), target, { labelSmoothing: 0.25 });
      const gradients = grad(
        loss,
        parameters.map(([, parameter]) => parameter),
      );
      return [loss, ...gradients.map((gradient) => gradient.mul(gradient).sum().sqrt())];
    }).result;
    const [loss, ...norms] = await evaluateAll(values);
    expect(Math.abs(loss / expectedLoss - 1)).toBeLessThan(1e-6);
    expect(parameters.map(([name]) => name).sort()).toEqual(Object.keys(expectedNorms).sort());
    parameters.forEach(([name], i) => {
      const expected = expectedNorms[name];
      // A bias that only feeds batch normalisation has the gradient 0, and rounding noise instead of it.
      if (expected < 1e-9) expect(norms[i], name).toBeLessThan(1e-5);
      else expect(Math.abs(norms[i] / expected - 1), name).toBeLessThan(1e-4);
    });
  });
});

async function evaluateAll(values: readonly Tensor[]): Promise<number[]> {
  const results = await evaluate(values.map(({ value }) => value));
  return results.map(({ data }) => Number(data[0]));
}
