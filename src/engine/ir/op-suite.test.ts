import { describe, expect, it } from 'vitest';
import { createArray, type DType, type HostTensor } from '#core';
import { checkGradient, createTarget, interpret, Plan, referenceTensor, verifyGraph } from '#engine';
import { applicableLowerings } from '../onnx/select-lowering.ts';
import * as build from './build.ts';
import type { OpName } from './op-attributes.ts';
import { caseData, type OpCase, opCases } from './op-cases.ts';
import { opTable } from './op-table.ts';
import { sortNodes, type Value } from './value.ts';

const target = await createTarget('cpu', 2);

function prepare(op: OpName, each: OpCase) {
  const inputs = each.inputs.map(({ shape, dtype = 'float32' }, i) => build.input(`x${i}`, dtype, shape));
  const data = each.inputs.map((input, i) => caseData(input, op.length * 31 + i));
  const made = each.make(...inputs);
  const outputs: readonly Value[] = 'node' in made ? [made] : made;
  const bindings = Object.fromEntries(
    data.map((values, i) => [`x${i}`, referenceTensor(values, each.inputs[i].shape)]),
  );
  const feeds = Object.fromEntries(
    data.map((values, i) => [`x${i}`, host(values, each.inputs[i].dtype ?? 'float32', each.inputs[i].shape)]),
  );
  return { inputs, outputs, bindings, feeds };
}

function host(values: readonly number[], dtype: DType, shape: readonly number[]): HostTensor {
  const array = createArray(dtype, values.length);
  values.forEach((value, i) => {
    if (array instanceof BigInt64Array) array[i] = BigInt(value);
    else array[i] = value;
  });
  return { dtype, shape, data: array } as HostTensor;
}

function expectClose(got: ArrayLike<number | bigint>, wanted: ArrayLike<number>, tolerance: number) {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(Number(got[i]) - wanted[i]);
    const close = error <= tolerance * (1 + Math.abs(wanted[i])) || Object.is(Number(got[i]), wanted[i]);
    expect(close, `element ${i}: ${got[i]} is not ${wanted[i]}`).toBe(true);
  }
}

/** The operand through a 1×1 convolution that changes nothing, after which it lies in blocks. */
function asBlocked(x: Value): Value {
  const channels = x.shape[1];
  const identity = Float32Array.from({ length: channels * channels }, (_, i) =>
    Number(i % (channels + 1) === 0),
  );
  const weight = build.constant(identity, [channels, channels, 1, 1], 'float32');
  return build.conv2d(x, weight, { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 });
}

const isImage = (input: { shape: readonly number[]; dtype?: DType }) =>
  input.shape.length === 4 && input.shape[1] >= 16 && (input.dtype ?? 'float32') === 'float32';

const blockedCases = (Object.keys(opCases) as OpName[]).flatMap((op) =>
  opCases[op].filter(({ inputs }) => inputs.some(isImage)).map((each) => [op, each.name, each] as const),
);

describe.skipIf(target.blockSize === 1)('on blocked operands', () => {
  it.each(blockedCases)('%s, %s: ONNX Runtime agrees with the reference', async (op, _, each) => {
    const make = each.make;
    const blocked = {
      ...each,
      make: (...inputs: Value[]) => make(...inputs.map((x) => (isImage(x) ? asBlocked(x) : x))),
    };
    const { outputs, bindings, feeds } = prepare(op, blocked);
    const reference = interpret(outputs, bindings);
    const plan = await Plan.create(outputs, new Map(), {
      choose: (_node, names) => names.find((name) => name.startsWith('blocked')),
    });
    const results = await plan.run(feeds);
    results.forEach(({ data }, i) => {
      expectClose(data as Float32Array, reference[i].data, 3e-5);
    });
    await plan.release();
  });

  it('covers the ops that images go through', () => {
    const covered = new Set(blockedCases.map(([op]) => op));
    for (const op of [
      'conv2d',
      'conv2dInput',
      'conv2dWeight',
      'channelAffine',
      'channelDot',
      'channelMoments',
    ] as const)
      expect(covered).toContain(op);
  });
});

it.skipIf(target.blockSize === 1)('the cases of an op use each of its lowerings for this processor', () => {
  const unused = (Object.keys(opCases) as OpName[]).flatMap((op) => {
    const used = opCases[op].flatMap((each) => {
      const node = sortNodes(prepare(op, each).outputs).find((found) => found.op === op)!;
      return applicableLowerings(node, target).map(({ name }) => name);
    });
    return opTable[op].lowerings.map(({ name }) => name).filter((name) => !used.includes(name));
  });
  expect(unused).toEqual([]);
});

describe.each(Object.keys(opCases) as OpName[])('%s', (op) => {
  for (const each of opCases[op]) {
    const { name, expected, smooth = false, linear = false } = each;
    it(`${name}: ONNX Runtime agrees with the reference in every lowering`, async () => {
      const { outputs, bindings, feeds } = prepare(op, each);
      verifyGraph(outputs);
      const reference = interpret(outputs, bindings);
      expected?.forEach((values, i) => {
        expectClose(reference[i].data, values, 1e-6);
      });
      const node = sortNodes(outputs).find((found) => found.op === op)!;
      expect(node, `the case must use ${op}`).toBeDefined();
      const names = applicableLowerings(node, target).map((lowering) => lowering.name);
      for (const lowering of names.length > 0 ? names : ['']) {
        const plan = await Plan.create(outputs, new Map(), {
          choose: (found) => (found.op === op ? lowering : undefined),
        });
        const results = await plan.run(feeds);
        results.forEach(({ data }, i) => {
          expectClose(data as Float32Array, reference[i].data, op === 'randomUniform' ? 0 : 3e-5);
        });
        await plan.release();
      }
    });
    if (smooth || linear) {
      it(`${name}: the gradient is that of the reference`, () => {
        const { inputs, outputs, bindings } = prepare(op, each);
        const wanted = inputs.filter((input) => input.dtype === 'float32');
        expect(checkGradient(outputs, wanted, bindings)).toMatchObject({ passed: true });
        if (smooth)
          expect(
            checkGradient(outputs, wanted, bindings, { secondOrder: true, tolerance: 1e-6 }),
          ).toMatchObject({ passed: true });
      });
    }
  }
});
