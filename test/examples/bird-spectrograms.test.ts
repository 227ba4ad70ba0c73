import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '#core';
import { ImageClassifier, type TrainedClassifier } from '#vision';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-bird-spectrograms-'));
const recordings = join(process.env['TRAINYARD_DATA'] ?? '../shared/data', 'birdcalls-10');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = [join(packageRoot, 'scripts', 'example.js'), 'bird-spectrograms', ...args];
  const env = { ...process.env, INIT_CWD: packageRoot };
  return spawnSync(process.execPath, command, { env, encoding: 'utf8', timeout: 110_000 });
}

/** Train loss and cmap of every epoch, as the notebook prints them and as the calls do. */
function epochsOf(stdout: string): { readonly byHand: string[]; readonly byCall: string[] } {
  const hand = /^cmap: ([\d.]+)\ntrain loss: ([\d.]+)$/gm;
  const call = /^ep \d+: train loss ([\d.]+), cmap ([\d.]+)$/gm;
  return {
    byHand: [...stdout.matchAll(hand)].map(([, cmap, loss]) => `${loss} ${Number(cmap).toFixed(5)}`),
    byCall: [...stdout.matchAll(call)].map(([, loss, cmap]) => `${loss} ${cmap}`),
  };
}

describe('bird-spectrograms', () => {
  it('follows the notebook on generated songs, and two calls give the same losses and scores', async () => {
    const place = join(folder, 'songs');
    const { status, stdout, stderr } = run('--epochs', '2', '--image-size', '32', '--run', place);
    expect(`${status}${stderr}`).toBe('0');
    expect(stdout.match(/^== .*$/gm)).toEqual([
      '== In [8] Models',
      '== In [10] Prepare dataset',
      '== In [11] Train',
      '== In [11] again: fine-tune the best epoch',
      '== The same in two calls',
    ]);
    // 6 species × 20 recordings in five folds; classes of 16 filled up to 50.
    expect(stdout).toContain('train dataset: 300\nvalid dataset: 24\n');
    const { byHand, byCall } = epochsOf(stdout);
    expect(byHand).toHaveLength(4);
    expect(byCall).toEqual(byHand);

    const weights = readdirSync(join(place, 'train_model')).sort();
    const phases = ['cv0', 'finetune'];
    expect(weights).toEqual(
      phases.flatMap((phase) => ['best', 'ep1', 'ep2'].map((name) => `${phase}_${name}.safetensors`)),
    );
    const [, bestByHand] = /fine-tune the best epoch[\s\S]*?^best epoch (\d), /m.exec(stdout) ?? [];
    expect(stdout).toContain(`best epoch ${bestByHand} by cmAP\n`);
    const trained = JSON.parse(
      readFileSync(join(place, 'finetune.run', 'result.json'), 'utf8'),
    ) as TrainedClassifier;
    expect(trained.bestEpoch).toBe(Number(bestByHand));
    expect(existsSync(join(place, 'finetune.run', 'report.html'))).toBe(true);

    const classifier = await ImageClassifier.load(join(place, 'bird.onnx'));
    expect(classifier.classes).toHaveLength(6);
    expect(classifier.imageSize).toEqual([32, 48]);
    expect(classifier.metrics).toEqual(trained.judgement?.metrics);
    for (const [name, value] of Object.entries(classifier.metrics)) {
      expect(stdout).toContain(`  ${name} ${value.toFixed(4)}\n`);
    }
    expect(stdout).toMatch(/^R\d{6}_0\.png: ([a-z-]+ [01]\.\d{3}(, )?){3}$/m);
    // The table says how its pictures were drawn.
    expect(classifier.sound).toMatchObject({ sampleRate: 32_000, windowSeconds: 3 });
    await classifier.release();
  }, 120_000);

  it.skipIf(!existsSync(recordings))(
    'runs on real recordings in one folder per class',
    () => {
      const place = join(folder, 'calls');
      const { status, stdout, stderr } = run(
        '--data',
        recordings,
        '--epochs',
        '1',
        '--image-size',
        '24',
        '--run',
        place,
      );
      expect(`${status}${stderr}`).toBe('0');
      expect(stdout).toMatch(/^\d+ spectrograms of \d+ recordings$/m);
      const { byHand, byCall } = epochsOf(stdout);
      expect(byHand).toHaveLength(2);
      expect(byCall).toEqual(byHand);
      expect(existsSync(join(place, 'bird.onnx'))).toBe(true);
    },
    120_000,
  );
});
