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
    elif task['kind'] == 'blur':
        out = cv2.blur(image, (5, 5))
    elif task['kind'] == 'hue':
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + 37) % 180
        out = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    elif task['kind'] == 'grey':
        out = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    elif task['kind'] == 'clahe':
        lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
        lab[..., 0] = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(np.ascontiguousarray(lab[..., 0]))
        out = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    else:
        m = np.array(task['matrix'], np.float64).reshape(3, 3)
        flags = modes[task['mode']] | cv2.WARP_INVERSE_MAP
        args = dict(flags=flags, borderMode=borders[task['border']], borderValue=task['fill'])
        affine = list(m[2]) == [0, 0, 1]
        out = cv2.warpAffine(image, m[:2], size, **args) if affine else cv2.warpPerspective(image, m, size, **args)
    out.tofile(folder + '/%d.out' % i)
`;

type Change = 'blur' | 'hue' | 'grey' | 'clahe';

interface Task {
  readonly kind: 'resize' | 'warp' | Change;
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

/** Soft colours, as in a photograph: L*a*b* leaves most of those of noise. */
function smooth(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return 120 + 60 * Math.sin(x / 9 + (i % 3) / 5) + 40 * Math.cos(y / 7);
  });
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
  const kinds: readonly Change[] = ['blur', 'hue', 'grey', 'clahe'];
  for (const kind of kinds) {
    for (const [width, height] of [
      [100, 90],
      [64, 64],
      [13, 5],
      [1, 1],
    ] as const) {
      const image = `${kind}-${width}.raw`;
      writeFileSync(
        join(folder, image),
        kind === 'clahe' ? smooth(width, height) : noise(width, height, width),
      );
      tasks.push({ kind, image, width, height, toWidth: width, toHeight: height, mode: 'linear' });
    }
  }
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

const changes: Readonly<Record<Change, (canvas: PixelCanvas) => void>> = {
  blur: (canvas) => canvas.boxBlur(5),
  hue: (canvas) => {
    const tables = Uint8Array.from({ length: 768 }, (_, i) => (i < 180 ? (i + 37) % 180 : i % 256));
    canvas.shiftHsv(tables);
  },
  grey: (canvas) => canvas.blendGrey(0),
  clahe: (canvas) => canvas.equalise(8, 3),
};

/** One level; two where all went through L*a*b*, one level of which may be two of a colour. */
const mostOf = ({ kind }: Task) => (kind === 'clahe' ? 2 : 1);

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
          mostOf(task),
          task,
          i,
        ] as const,
    ),
  )('%s agrees to %d grey level', (_name, _most, task, i) => {
    const canvas = new PixelCanvas();
    canvas.load(readFileSync(join(folder, task.image)), task.width, task.height);
    if (task.kind === 'resize') canvas.resize(task.toWidth, task.toHeight, task.mode);
    else if (task.kind !== 'warp') changes[task.kind](canvas);
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
    expect(differences.reduce((most, value) => Math.max(most, value), 0)).toBeLessThanOrEqual(mostOf(task));
  });
});
