import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHost } from '#engine';
import { readWeights } from '#train';
import { loadPretrained } from './load-pretrained.ts';
import { createModel } from './registry.ts';

const python = process.env['TRAINYARD_PYTHON'] ?? '/usr/bin/python3';
const script = 'test/fixtures/vision/torchvision-logits.py';
// The system's numeric libraries choose their kernels themselves.
const { OPENBLAS_CORETYPE: _, ...env } = process.env;
const found = spawnSync(
  python,
  ['-c', 'import importlib.util as u, sys; sys.exit(u.find_spec("torchvision") is None)'],
  { env },
);
const hasTorchvision = found.status === 0;

/** Sizes that leave every stage a few pixels; one file is a module pickled whole, as notebooks save it. */
const cases: readonly { name: string; size: number; form?: 'whole' }[] = [
  { name: 'resnet18', size: 64 },
  { name: 'resnet50', size: 64 },
  { name: 'mobilenet_v3_large', size: 64 },
  { name: 'mobilenet_v3_small', size: 64, form: 'whole' },
  { name: 'efficientnet_b0', size: 64 },
  { name: 'convnext_tiny', size: 64 },
  { name: 'vit_b_16', size: 32 },
];

describe.skipIf(!hasTorchvision)(`models against torchvision (needs it in ${python})`, () => {
  it.each(cases)(
    '$name gives the logits of torchvision with its weights, within 1e-4',
    async ({ name, size, form }) => {
      const folder = mkdtempSync(join(tmpdir(), 'trainyard-torchvision-'));
      try {
        execFileSync(python, [script, name, String(size), folder, form ?? 'state'], { env, stdio: 'pipe' });
        const model = createModel(name, { numClasses: 10, imageSize: size, seed: 0 });
        const report = await loadPretrained(model, join(folder, 'weights.pth'), { headPolicy: 'strict' });
        expect(report).toMatchObject({ source: 'torchvision', missing: [], unexpected: [], share: 1 });
        const { state } = await readWeights(join(folder, 'case.pth'));
        const expected = state.get('logits')!.data as Float32Array;
        const logits = (await model
          .eval()
          .forward(fromHost(state.get('images')!))
          .data()) as Float32Array;
        // The two images must not give the same, as they do when only biases reach the head.
        const contrast = Array.from({ length: 10 }, (_, i) => Math.abs(expected[i] - expected[i + 10]));
        expect(Math.max(...contrast)).toBeGreaterThan(0.02);
        const difference = expected.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - logits[i])),
          0,
        );
        expect(difference).toBeLessThan(1e-4);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
