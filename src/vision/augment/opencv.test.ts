import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '#core';
import { type BorderMode, type Interpolation, type Matrix3, PixelCanvas } from '#kernels';

const python = '/usr/bin/python3';
const hasOpenCv = spawnSync(python, ['-c', 'import cv2, numpy']).status === 0;

/** Runs the operations on the picture in one Python process and writes each result as raw bytes. */
const script = `
import json, sys, cv2, numpy as np
folder = sys.argv[1]
modes = dict(nearest=cv2.INTER_NEAREST, linear=cv2.INTER_LINEAR, cubic=cv2.INTER_CUBIC, area=cv2.INTER_AREA, lanczos4=cv2.INTER_LANCZOS4)
borders = dict(constant=cv2.BORDER_CONSTANT, replicate=cv2.BORDER_REPLICATE, reflect=cv2.BORDER_REFLECT, wrap=cv2.BORDER_WRAP, reflect101=cv2.BORDER_REFLECT_101)
for i, task in enumerate(json.load(open(folder + '/tasks.json'))):
    image = np.fromfile(folder + '/' + task['image'], np.uint8).reshape(task['height'], task['width'], 3)
    size = (task['toWidth'], task['toHeight'])
    if task['kind'] == 'resize':
        out = cv2.resize(image, size, interpolation=modes[task['mode']])
    else:
        m = np.array(task['matrix'], np.float64).reshape(3, 3)
        flags = modes[task['mode']] | cv2.WARP_INVERSE_MAP
        args = dict(flags=flags, borderMode=borders[task['border']], borderValue=task['fill'])
        affine = list(m[2]) == [0, 0, 1]
        out = cv2.warpAffine(image, m[:2], size, **args) if affine else cv2.warpPerspective(image, m, size, **args)
    out.tofile(folder + '/%d.out' % i)
`;

interface Task {
  readonly kind: 'resize' | 'warp';
  readonly image: string;
  readonly width: number;
  readonly height: number;
  readonly toWidth: number;
  readonly toHeight: number;
  readonly mode: Interpolation;
  readonly matrix?: Matrix3;
  readonly border?: BorderMode;
  readonly fill?: readonly [number, number, number];
}

/** Hard edges and noise: the worst case for interpolation. */
function noise(width: number, height: number, seed: number): Uint8Array {
  const rng = new Rng(seed);
  return Uint8Array.from({ length: width * height * 3 }, () =>
    rng.uniform() < 0.3 ? 255 * rng.integer(2) : rng.integer(256),
  );
}

const modes: readonly Interpolation[] = ['nearest', 'linear', 'cubic', 'area', 'lanczos4'];
const sizes = [
  [256, 256, 128, 128],
  [131, 97, 128, 128],
  [60, 40, 133, 91],
  [313, 128, 122, 50],
  [5, 7, 64, 3],
  [1, 1, 9, 8],
  [50, 1, 7, 20],
  [100, 100, 200, 300],
  [90, 60, 30, 20],
  [64, 48, 32, 96],
] as const;
const borders: readonly BorderMode[] = ['constant', 'replicate', 'reflect', 'wrap', 'reflect101'];
const matrices: readonly Matrix3[] = [
  [1.1, 0, -3.3, 0, 0.92, 5.7, 0, 0, 1],
  [0.87, 0, 30.2, 0, 1.31, -20.1, 0, 0, 1],
  [0.9, 0.3, -8.6, -0.28, 1.05, 4.2, 0, 0, 1],
  [-1.2, 0.5, 60, 0.7, 0.8, -14, 0, 0, 1],
  [1.05, 0.12, -4, 0.06, 0.94, 2, 0.0011, -0.0007, 1],
];

function listTasks(folder: string): Task[] {
  const tasks: Task[] = [];
  sizes.forEach(([width, height, toWidth, toHeight], at) => {
    const image = `${width}x${height}-${at}.raw`;
    writeFileSync(join(folder, image), noise(width, height, at));
    for (const mode of modes) tasks.push({ kind: 'resize', image, width, height, toWidth, toHeight, mode });
  });
  const [width, height] = [77, 61];
  writeFileSync(join(folder, 'warp.raw'), noise(width, height, 99));
  for (const matrix of matrices) {
    for (const border of borders) {
      for (const mode of modes) {
        const fill = [200, 30, 90] as const;
        const [toWidth, toHeight] = [83, 59];
        tasks.push({
          kind: 'warp',
          image: 'warp.raw',
          width,
          height,
          toWidth,
          toHeight,
          mode,
          matrix,
          border,
          fill,
        });
      }
    }
  }
  return tasks;
}

describe.skipIf(!hasOpenCv)('against OpenCV (needs python3-opencv)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opencv-'));
  const tasks = listTasks(folder);
  beforeAll(() => {
    writeFileSync(join(folder, 'tasks.json'), JSON.stringify(tasks));
    const run = spawnSync(python, ['-c', script, folder], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(
    tasks.map(
      (task, i) =>
        [
          `${task.kind} ${task.width}×${task.height} to ${task.toWidth}×${task.toHeight} ${task.mode} ${task.border ?? ''} ${task.matrix ?? ''}`,
          task,
          i,
        ] as const,
    ),
  )('%s agrees to one grey level', (_name, task, i) => {
    const canvas = new PixelCanvas();
    canvas.load(readFileSync(join(folder, task.image)), task.width, task.height);
    if (task.kind === 'resize') canvas.resize(task.toWidth, task.toHeight, task.mode);
    else
      canvas.warp(task.matrix as Matrix3, task.toWidth, task.toHeight, {
        interpolation: task.mode,
        border: task.border as BorderMode,
        fill: task.fill as [number, number, number],
      });
    const wanted = readFileSync(join(folder, `${i}.out`));
    const got = canvas.read();
    expect(got.length).toBe(wanted.length);
    const differences = got.map((value, at) => Math.abs(value - wanted[at]));
    expect(differences.reduce((most, value) => Math.max(most, value), 0)).toBeLessThanOrEqual(1);
  });
});
