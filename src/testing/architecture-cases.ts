import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostTensor } from '#core';
import { OnnxSession, placeholder, State } from '#engine';
import { crossEntropy, exportOnnx, Module, matchesName, SGD, type StateDict } from '#nn';
import { compile, readSafetensors, writeSafetensors } from '#train';
import { countMultiplyAdds, createModel, findArchitecture, type VisionModel } from '#vision';
import { type ArchitectureConformanceOptions, ArchitectureSuite } from './architecture-suite.ts';
import type { ConformanceCase } from './learner-conformance.ts';

type Checks = Readonly<Record<string, (suite: ArchitectureSuite) => Promise<void>>>;

const facts: Checks = {
  'has the parameters and the multiply-adds that it is listed with': async ({ name }) => {
    const { parameters, multiplyAdds, inputSize } = findArchitecture(name);
    const model = createModel(name, { seed: 3 });
    assert.equal(model.parameterCount(), parameters);
    assert.equal(countMultiplyAdds(model, [1, 3, inputSize, inputSize]), multiplyAdds);
  },
  'gives logits for any number of images, classes and channels': async (suite) => {
    for (const [model, numClasses, channels] of [
      [suite.model, suite.numClasses, 3],
      [suite.create({ numClasses: 1, inChannels: 1 }), 1, 1],
    ] as const) {
      assert.equal(model.numClasses, numClasses);
      assert.equal(model.namedParameters().get(model.stemWeight)?.shape[1], channels);
      for (const count of [1, 3]) {
        const images = placeholder('images', 'float32', [count, channels, suite.size, suite.size]);
        assert.deepEqual([...model.eval().forward(images).shape], [count, numClasses]);
        assert.equal(model.forwardFeatures(images).shape[0], count);
      }
    }
  },
  'gives finite logits that depend on the image': async (suite) => {
    const logits = await suite.logits();
    assert.ok(logits.every(Number.isFinite), `logits are ${logits.join(', ')}`);
    const [one, other] = [logits.slice(0, suite.numClasses), logits.slice(suite.numClasses)];
    assert.notDeepEqual(one, other, 'two images have the same logits');
  },
  'has the same weights for the same seed, others for another': async (suite) => {
    const state = suite.model.stateDict();
    assert.deepEqual(differences(suite.create().stateDict(), state), [], 'the same seed');
    assert.notDeepEqual(differences(suite.other.stateDict(), state), [], 'another seed');
  },
  "names every weight once, with PyTorch's spelling": async ({ model }) => {
    const names = [...model.stateDict().keys()];
    assert.equal(names.length, countStates(model), 'two weights have one name');
    for (const name of names) assert.match(name, /^[a-z_][a-z0-9_]*(\.[a-z0-9_]+)*$/);
  },
};

const stages: Checks = {
  'has every weight in exactly one stage, the stem in the first and the head in the last': async ({
    model,
  }) => {
    const found = model.stages();
    assert.equal(new Set(found.map(({ name }) => name)).size, found.length, 'two stages have one name');
    for (const name of model.stateDict().keys()) {
      const owners = found.filter(({ pattern }) => pattern.test(name)).map((stage) => stage.name);
      assert.equal(owners.length, 1, `${name} is in ${owners.join(' and ') || 'no stage'}`);
    }
    assert.match(model.stemWeight, found[0].pattern);
    assert.match(`${model.headName}.weight`, found[found.length - 1].pattern);
  },
  'swaps its head and keeps the rest': async ({ model, numClasses, size }) => {
    const before = model.stateDict();
    model.swapHead(numClasses + 2, { seed: 5 });
    const after = model.stateDict();
    const swapped = model.numClasses;
    const images = placeholder('images', 'float32', [2, 3, size, size]);
    const { shape } = model.eval().forward(images);
    model.swapHead(numClasses);
    model.loadStateDict(before);
    assert.deepEqual([swapped, ...shape], [numClasses + 2, 2, numClasses + 2]);
    assert.deepEqual([...after.keys()], [...before.keys()]);
    const changed = differences(after, before);
    assert.ok(changed.includes(`${model.headName}.weight`), 'the head is the same');
    for (const name of changed) assert.ok(name.startsWith(`${model.headName}.`), `${name} changed too`);
  },
  'trains its head alone when all other stages are frozen': async ({ model }) => {
    const found = model.stages();
    const names = [...model.namedParameters().keys()];
    const others = found.slice(0, -1).filter(({ pattern }) => names.some((name) => pattern.test(name)));
    try {
      for (const { pattern } of others) model.freeze(pattern);
      const trainable = [...model.namedParameters()].filter(([, { requiresGrad }]) => requiresGrad);
      assert.ok(trainable.some(([name]) => name === `${model.headName}.weight`));
      for (const [name] of trainable) assert.match(name, found[found.length - 1].pattern);
    } finally {
      model.unfreeze();
    }
  },
};

const training: Checks = {
  'has a finite gradient in every parameter, and none that is all zero': async (suite) => {
    const { zeroGradients } = suite.options;
    const { loss, byName } = await suite.gradients();
    assert.ok(Number.isFinite(loss), `the loss is ${loss}`);
    for (const [name, values] of byName) {
      const most = largest(values);
      assert.ok(Number.isFinite(most), `the gradient in ${name} is not finite`);
      const mayBeZero = zeroGradients !== undefined && matchesName(zeroGradients, name);
      assert.ok(most > 0 || mayBeZero, `the gradient in ${name} is zero`);
    }
  },
  'has the same loss and gradients with checkpointed stages': async (suite) => {
    const plain = await suite.gradients();
    suite.model.checkpointStages('all');
    const again = await suite.gradientsOf(suite.model).finally(() => suite.model.checkpointStages([]));
    assert.equal(again.updates, plain.updates, 'buffers are updated another number of times');
    assertClose([again.loss], [plain.loss], 1e-5, 'loss');
    for (const [name, values] of plain.byName) {
      // Sums are in another order: relative to the largest element, or to what float32 can tell from zero.
      assertClose(again.byName.get(name) ?? [], values, 1e-3 * largest(values) + 1e-7, name);
    }
  },
  'lowers the loss of a batch by a step against its gradient': async (suite) => {
    const { loss, byName } = await suite.gradients();
    const squares = [...byName.values()].reduce((total, values) => total + sumOfSquares(values), 0);
    // To first order the loss falls by a twentieth.
    const optimizer = new SGD({ learningRate: (0.05 * loss) / squares });
    const { model } = suite;
    const before = model.stateDict();
    const compiled = compile({ model, loss: crossEntropy, optimizer, seed: 0, threads: 1, autotune: false });
    const batch = [suite.images(4), suite.labels(4)];
    const losses = [(await compiled.step(batch)).loss, (await compiled.step(batch)).loss];
    await compiled.release();
    model.loadStateDict(before);
    assert.ok(losses[1] < losses[0], `the loss went from ${losses[0]} to ${losses[1]}`);
  },
  'computes the same in evaluation mode, whatever is dropped in training': async (suite) => {
    const plain = await suite.logits();
    await withState(suite.other, suite.model.stateDict(), async () => {
      assertClose(await suite.logitsOf(suite.other), plain, 1e-6 * largest(plain), 'logits');
    });
  },
};

const files: Checks = {
  'comes back from a safetensors file': async (suite) => {
    const folder = await mkdtemp(join(tmpdir(), 'architecture-'));
    try {
      const path = join(folder, 'weights.safetensors');
      const state = suite.model.stateDict();
      await writeSafetensors(path, state);
      await withState(suite.other, (await readSafetensors(path)).state, async () => {
        assert.deepEqual(differences(suite.other.stateDict(), state), []);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  'leaves as ONNX with the logits of evaluation mode, for any number of images': async (suite) => {
    const bytes = exportOnnx(suite.model, {
      inputs: [{ name: 'images', shape: ['N', 3, suite.size, suite.size] }],
      output: 'logits',
    });
    const session = await OnnxSession.create(bytes, { threads: 1 });
    const expected = await suite.logits();
    const { data, shape } = suite.images(2);
    for (const count of [2, 1]) {
      const dims = [count, ...shape.slice(1)];
      const some = data.slice(0, (count * data.length) / 2);
      const { logits } = await session.run({ images: { dtype: 'float32', data: some, dims } });
      const wanted = expected.slice(0, count * suite.numClasses);
      assertClose(logits.data as Float32Array, wanted, 1e-4 * Math.max(1, largest(wanted)), 'logits');
    }
    await session.release();
  },
};

/**
 * What every architecture that `registerArchitecture` made known must do, for any test runner.
 *
 * @param name of the architecture, or an alias
 * @throws ConfigError for an unknown name
 * @example
 * for (const { name, run } of architectureCases('my_net', { imageSize: 32 })) it(name, run);
 */
export function architectureCases(
  name: string,
  options: ArchitectureConformanceOptions = {},
): ConformanceCase[] {
  const suite = new ArchitectureSuite(name, options);
  const checks = { ...facts, ...stages, ...training, ...files };
  return Object.entries(checks).map(([title, check]) => ({ name: title, run: () => check(suite) }));
}

async function withState(model: VisionModel, state: StateDict, run: () => Promise<void>): Promise<void> {
  const before = model.stateDict();
  model.loadStateDict(state);
  try {
    await run();
  } finally {
    model.loadStateDict(before);
  }
}

/** Names of the tensors that are not the same in both. */
function differences(one: StateDict, other: StateDict): string[] {
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].filter((name) => {
    const [a, b] = [one.get(name), other.get(name)];
    if (a === undefined || b === undefined || String(a.shape) !== String(b.shape)) return true;
    return !bytesOf(a).equals(bytesOf(b));
  });
}

function bytesOf({ data }: HostTensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Parameters and buffers, however they are named. */
function countStates(model: Module): number {
  const states = new Set<State>();
  const visit = (member: unknown): void => {
    if (member instanceof State) states.add(member);
    else if (member instanceof Module) Object.values(member).forEach(visit);
    else if (Array.isArray(member)) member.forEach(visit);
    else if (member instanceof Map)
      for (const item of member.values()) if (item instanceof State) visit(item);
  };
  visit(model);
  return states.size;
}

/** NaN where one is. */
function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

function sumOfSquares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2;
  return sum;
}

function assertClose(
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  assert.equal(got.length, wanted.length, `${what} has another length`);
  for (let i = 0; i < wanted.length; i++) {
    if (Math.abs(got[i] - wanted[i]) <= tolerance) continue;
    assert.fail(`${what}, element ${i}: ${got[i]} is not ${wanted[i]}`);
  }
}
