/**
 * The op suite's first cases, a perceptron's and a convolution block's training steps on WebGPU.
 *
 * The Vulkan driver is chosen by environment variables that count when a process starts. So this file runs twice: as
 * found by the test run it starts Vitest on itself in a process that has them, and there the tests are defined.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createArray, type HostTensor, packageRoot, Rng } from '#core';
import { build, interpret, Plan, referenceTensor, type Tensor, type Value } from '#engine';
import { BatchNorm2d, Conv2d, crossEntropy, GlobalAvgPool2d, Linear, MaxPool2d, Module, SGD } from '#nn';
import { compile } from '#train';
import type { OpName } from '../../src/engine/ir/op-attributes.ts';
import { caseData, type OpCase, opCases } from '../../src/engine/ir/op-cases.ts';

/** Where Debian's chromium keeps a Vulkan driver that needs no GPU. */
const chromium = '/usr/lib/chromium';
const driver = join(chromium, 'vk_swiftshader_icd.json');
const isInside = process.env.TRAINYARD_WEBGPU === 'inside';

if (!isInside) {
  describe.skipIf(!existsSync(driver))("on SwiftShader of Debian's chromium", () => {
    it('WebGPU computes and trains as the CPU does', () => {
      const vitest = join(packageRoot, 'node_modules', 'vitest', 'vitest.mjs');
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [vitest, 'run', 'test/webgpu/webgpu.test.ts'],
        {
          cwd: packageRoot,
          encoding: 'utf8',
          timeout: 110_000,
          env: {
            ...process.env,
            TRAINYARD_WEBGPU: 'inside',
            VK_DRIVER_FILES: driver,
            LD_LIBRARY_PATH: [chromium, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
          },
        },
      );
      expect(status, `${stdout}${stderr}`).toBe(0);
    });
  });
}

function host(values: readonly number[], { shape, dtype = 'float32' }: OpCase['inputs'][number]): HostTensor {
  const data = createArray(dtype, values.length);
  values.forEach((value, i) => {
    if (data instanceof BigInt64Array) data[i] = BigInt(value);
    else data[i] = value;
  });
  return { dtype, shape, data } as HostTensor;
}

function expectClose(got: ArrayLike<number | bigint>, wanted: ArrayLike<number>, tolerance: number) {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [Number(got[i]), wanted[i]];
    const isClose = Object.is(a, b) || Math.abs(a - b) <= tolerance * (1 + Math.abs(b));
    expect(isClose, `element ${i}: ${a} is not ${b}`).toBe(true);
  }
}

class Mlp extends Module {
  l1 = new Linear(12, 16, { seed: 1 });
  l2 = new Linear(16, 4, { seed: 2 });
  override forward(x: Tensor): Tensor {
    return this.l2.forward(this.l1.forward(x).relu());
  }
}

class ConvBlock extends Module {
  conv = new Conv2d(3, 8, 3, { padding: 1, bias: false, seed: 1 });
  bn = new BatchNorm2d(8);
  pool = new MaxPool2d(2);
  depthwise = new Conv2d(8, 8, 3, { padding: 1, stride: 2, groups: 8, bias: false, seed: 2 });
  fc = new Linear(8, 4, { seed: 3 });
  override forward(x: Tensor): Tensor {
    const y = this.pool.forward(this.bn.forward(this.conv.forward(x)).relu());
    return this.fc.forward(new GlobalAvgPool2d().forward(this.depthwise.forward(y)));
  }
}

/** Losses of two training steps, and everything the model holds afterwards. */
async function train(model: Module, shape: readonly number[], device: 'cpu' | 'webgpu'): Promise<number[]> {
  const rng = new Rng(3);
  const size = shape.reduce((a, b) => a * b, 1);
  const x: HostTensor = {
    dtype: 'float32',
    shape,
    data: Float32Array.from({ length: size }, () => rng.normal()),
  };
  const y: HostTensor = {
    dtype: 'int64',
    shape: [shape[0]],
    data: BigInt64Array.from({ length: shape[0] }, (_, i) => BigInt(i % 4)),
  };
  const optimizer = new SGD({ learningRate: 0.1, momentum: 0.9 });
  const run = compile({ model, loss: crossEntropy, optimizer, device, autotune: false });
  const losses = [(await run.step([x, y])).loss, (await run.step([x, y])).loss];
  await run.release();
  return [
    ...losses,
    ...[...model.stateDict().values()].flatMap(({ data }) => Array.from(data as Float32Array, Number)),
  ];
}

if (isInside) {
  describe('on WebGPU', () => {
    it.each(Object.keys(opCases) as OpName[])('%s agrees with the reference', async (op) => {
      const each = opCases[op][0];
      const data = each.inputs.map((input, i) => caseData(input, op.length * 31 + i));
      const inputs = each.inputs.map(({ shape, dtype = 'float32' }, i) => build.input(`x${i}`, dtype, shape));
      const made = each.make(...inputs);
      const outputs: readonly Value[] = 'node' in made ? [made] : made;
      const wanted = interpret(
        outputs,
        Object.fromEntries(data.map((values, i) => [`x${i}`, referenceTensor(values, each.inputs[i].shape)])),
      );
      const plan = await Plan.create(outputs, new Map(), { device: 'webgpu' });
      const feeds = Object.fromEntries(data.map((values, i) => [`x${i}`, host(values, each.inputs[i])]));
      (await plan.run(feeds)).forEach((tensor, i) => {
        expectClose(tensor.data as Float32Array, wanted[i].data, 1e-4);
      });
      await plan.release();
    });

    it.each<[string, () => Module, number[]]>([
      ['a perceptron', () => new Mlp(), [8, 12]],
      ['convolution, batch normalisation and pooling', () => new ConvBlock(), [4, 3, 8, 8]],
    ])('%s: two training steps end where they do on the CPU', async (_, make, shape) => {
      expectClose(await train(make(), shape, 'webgpu'), await train(make(), shape, 'cpu'), 1e-4);
    });
  });
}
