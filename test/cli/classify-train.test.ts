import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeShapes } from '#data';
import { readSafetensors } from '#train';
import { callTrainyard, runTrainyard, startTrainyard, temporaryFolder } from './run-trainyard.ts';

const folder = temporaryFolder();
const options = '--arch resnet8_cifar --image-size 24 --batch 8 --floor 0 --no-autotune'.split(' ');
const train = (out: string, ...more: string[]) => [
  'classify',
  'train',
  'shapes',
  ...options,
  '--out',
  out,
  ...more,
];
const epochDone = (epoch: number) => new RegExp(`^ +${epoch} +\\d\\.\\d{4}`, 'm');
const weightsOf = async (run: string) =>
  [...(await readSafetensors(join(folder, run, 'weights.safetensors'))).state].map(([name, { data }]) => [
    name,
    Array.from(data as Float32Array, Number),
  ]);

beforeAll(async () => {
  await writeShapes(join(folder, 'shapes'), { count: 120, seed: 1, size: 24 });
});

describe('trainyard classify train', () => {
  it('trains, writes model and report, and prints one JSON document', async () => {
    writeFileSync(join(folder, 'settings.json'), JSON.stringify({ epochs: 1, mixup: 0, fold: 1 }));
    const { code, stdout, stderr } = await callTrainyard(
      folder,
      train('a.onnx', '--config', 'settings.json', '--json'),
    );
    expect(stderr).toContain('120 pictures of 6 classes');
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      model: 'a.onnx',
      report: 'a.run/report.html',
      bestEpoch: 1,
      stopped: 'completed',
    });
    for (const name of ['a.onnx', 'a.run/report.html', 'a.run/result.json'])
      expect(existsSync(join(folder, name))).toBe(true);
    expect(JSON.parse(readFileSync(join(folder, 'a.run/run.json'), 'utf8')).settings).toMatchObject({
      mixup: 0,
      fold: 1,
    });
  }, 30_000);

  it('tells wrong flags, settings and configurations apart, with the way out and code 2', async () => {
    writeFileSync(join(folder, 'bad.json'), '{"epoch": 3}');
    writeFileSync(join(folder, 'list.json'), '[]');
    for (const [args, message] of [
      [['--loss', 'hinge'], /Allowed choices are cross-entropy/],
      [['--drop-out', '1'], /dropRate must be a number in \[0, 1\), not 1/],
      [['--config', 'bad.json'], /epoch is no setting \(did you mean epochs\?\)/],
      [['--config', 'list.json'], /must be a JSON file of settings/],
      [['--fold', 'x'], /Give a number from 0, or all/],
      [['--arch', 'resnet19'], /Did you mean "resnet18"/],
      [['--augment', 'photo'], /augment must be one of auto, none/],
    ] as const) {
      const { code, stderr } = await callTrainyard(folder, train('x.onnx', ...args));
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    }
    const { code, stderr } = await callTrainyard(folder, ['classify', 'train', 'nowhere', '--out', 'x.onnx']);
    expect(stderr).toContain('nowhere');
    expect(code).toBe(1);
  }, 30_000);

  it('interrupted by Ctrl-C in an epoch leaves the best model, and goes on bit for bit with --resume', async () => {
    const whole = await runTrainyard(folder, train('whole.onnx', '--epochs', '3'));
    expect(whole.code).toBe(0);
    const run = startTrainyard(folder, train('stopped.onnx', '--epochs', '3'));
    await run.waitFor(epochDone(1));
    run.kill('SIGINT');
    const { code, stdout, stderr } = await run.finished;
    expect(stderr).toContain('Stopping after this step');
    expect(code).toBe(130);
    expect(stdout).toContain('--resume goes on');
    expect(existsSync(join(folder, 'stopped.onnx'))).toBe(true);
    const again = await runTrainyard(folder, train('stopped.onnx', '--epochs', '3', '--resume'));
    expect(again.code).toBe(0);
    expect(await weightsOf('stopped.run')).toEqual(await weightsOf('whole.run'));
  }, 60_000);

  it('killed by kill -9 goes on from its last epoch, though its lock is still there', async () => {
    const run = startTrainyard(folder, train('killed.onnx', '--epochs', '3'));
    await run.waitFor(epochDone(1));
    // Held still, so that it is there when the second one looks.
    run.kill('SIGSTOP');
    const second = await runTrainyard(folder, train('killed.onnx', '--epochs', '3', '--resume'));
    expect(second.stderr).toContain(`process ${run.pid}`);
    expect(second.code).toBe(2);
    run.kill('SIGKILL');
    await run.finished;
    expect(existsSync(join(folder, 'killed.run', 'lock.json'))).toBe(true);
    const again = await runTrainyard(folder, train('killed.onnx', '--epochs', '3', '--resume', '--json'));
    expect(JSON.parse(again.stdout).epochs).toHaveLength(3);
    expect(await weightsOf('killed.run')).toEqual(await weightsOf('whole.run'));
  }, 60_000);

  it('trains on every fold with a run of the workspace for each', async () => {
    mkdirSync(join(folder, 'project'));
    const inside = join(folder, 'project');
    await callTrainyard(inside, ['init']);
    const args = [
      'classify',
      'train',
      '../shapes',
      ...options,
      '--out',
      'all.onnx',
      '--epochs',
      '1',
      '--folds',
      '2',
    ];
    const { code, stdout } = await callTrainyard(inside, [...args, '--fold', 'all', '--json']);
    expect(code).toBe(0);
    const { folds, mean } = JSON.parse(stdout);
    expect(folds).toHaveLength(2);
    expect(mean.accuracy).toBeCloseTo(
      (folds[0].judgement.metrics.accuracy + folds[1].judgement.metrics.accuracy) / 2,
      9,
    );
    const listed = await callTrainyard(inside, ['run', 'list', '--json']);
    const runs = JSON.parse(listed.stdout);
    const [parent] = Array.isArray(runs) ? runs : runs.runs;
    expect(parent).toMatchObject({ experimentName: 'classify', state: 'Completed' });
  }, 60_000);
});

const mount = join(folder, 'full');
const isMounted = (() => {
  mkdirSync(mount);
  try {
    execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', mount], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
afterAll(() => {
  if (isMounted) execFileSync('/usr/bin/umount', [mount]);
});

describe.skipIf(!isMounted)('a disk of 512 KiB (needs the right to mount a tmpfs)', () => {
  it('full at the first checkpoint, the training says so and leaves no torn file', async () => {
    const { code, stderr } = await runTrainyard(
      folder,
      train('full.onnx', '--epochs', '1', '--run', 'full', '--cache', 'cache'),
    );
    expect(stderr).toMatch(/the disk of .* needs room for \d+ bytes.*full/);
    expect(code).toBe(1);
    expect(existsSync(join(mount, 'checkpoints', 'last.safetensors'))).toBe(false);
  }, 30_000);
});

describe('trainyard classify inspect', () => {
  it('counts classes and folds, and lists broken pictures with code 1', async () => {
    const whole = await callTrainyard(folder, ['classify', 'inspect', 'shapes', '--folds', '3', '--json']);
    expect(whole.code).toBe(0);
    const report = JSON.parse(whole.stdout);
    expect(report).toMatchObject({ images: 120, imbalance: 1, broken: [] });
    expect(report.classes[0].perFold).toHaveLength(3);
    mkdirSync(join(folder, 'torn', 'a'), { recursive: true });
    mkdirSync(join(folder, 'torn', 'b'));
    copyFileSync(join(folder, 'shapes', 'circle', '00000.png'), join(folder, 'torn', 'a', '1.png'));
    writeFileSync(join(folder, 'torn', 'b', '1.png'), 'no picture');
    const torn = await callTrainyard(folder, ['classify', 'inspect', 'torn']);
    expect(torn.stdout).toMatch(/1 of 2 pictures cannot be read:\n {2}torn\/b\/1\.png: /);
    expect(torn.code).toBe(1);
    process.exitCode = undefined;
  });

  it('takes a dataset of the workspace by its name, and says so when there is none', async () => {
    const inside = join(folder, 'registered');
    mkdirSync(inside);
    await callTrainyard(inside, ['init']);
    await callTrainyard(inside, ['dataset', 'register', '../shapes/shapes.csv', '--name', 'shapes']);
    const { code, stdout } = await callTrainyard(inside, ['classify', 'inspect', 'shapes', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ images: 120, broken: [] });
    const none = await callTrainyard(inside, ['classify', 'inspect', 'birds']);
    expect(none.stderr).toContain('or the name of a dataset of the workspace, but there is no "birds"');
    expect(none.code).toBe(1);
  });
});
