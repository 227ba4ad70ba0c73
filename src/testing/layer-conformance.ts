import assert from 'node:assert/strict';
import { type HostTensor, Rng, type Shape, sizeOf } from '#core';
import { checkGradient, interpret, OnnxSession, placeholder, referenceTensor, trace } from '#engine';
import { exportOnnx, type Module, manualSeed } from '#nn';
import type { ConformanceCase } from './learner-conformance.ts';

export interface LayerConformanceOptions {
  /** Shape of one input, samples first, that the layer takes. */
  readonly input: Shape;
  /** The layer draws random numbers in training, so that its gradient is checked in evaluation mode. */
  readonly random?: boolean;
  /** Largest error of the gradient check, relative; 1e-6 by default. */
  readonly tolerance?: number;
}

/** The gradient check binds the input and leaves parameters at their values. */
function gradientError(
  layer: Module,
  { input, random = false, tolerance = 1e-6 }: LayerConformanceOptions,
): number {
  const x = placeholder('x', 'float32', input);
  const { result } = trace({ training: !random }, () => {
    layer.train(!random);
    return layer.forward(x);
  });
  return checkGradient(result.value, [x.value], { x: numbers(input) }, { tolerance }).error;
}

function numbers(shape: Shape) {
  const rng = new Rng(17);
  return referenceTensor(
    Array.from({ length: sizeOf(shape) }, () => Math.fround(rng.normal())),
    shape,
  );
}

/**
 * What every layer must do, for any test runner.
 *
 * @param create makes the layer, with weights that depend on `manualSeed` or its own seed
 * @example
 * for (const { name, run } of layerConformanceCases(() => new MyLayer(8), { input: [3, 8] })) it(name, run);
 */
export function layerConformanceCases(
  create: () => Module,
  options: LayerConformanceOptions,
): ConformanceCase[] {
  const make = (seed: number) => {
    manualSeed(seed);
    return create();
  };
  const evaluated = (layer: Module) => {
    const x = placeholder('x', 'float32', options.input);
    const { result } = trace({ training: false }, () => layer.eval().forward(x));
    return interpret([result.value], { x: numbers(options.input) })[0];
  };
  return [
    {
      name: 'the same seed gives the same weights',
      run: async () => assert.deepEqual(make(3).stateDict(), make(3).stateDict()),
    },
    {
      name: 'a state dict carries everything that evaluation depends on',
      run: async () => {
        const [one, other] = [make(3), make(4)];
        other.loadStateDict(one.stateDict());
        assert.deepEqual(evaluated(other), evaluated(one));
      },
    },
    {
      name: 'the gradient in the input is that of the forward pass',
      run: async () => {
        const error = gradientError(make(3), options);
        assert.ok(error <= (options.tolerance ?? 1e-6), `relative error ${error}`);
      },
    },
    {
      name: 'evaluation is a function of the input alone',
      run: async () => {
        const layer = make(3);
        assert.deepEqual(evaluated(layer), evaluated(layer));
      },
    },
    {
      name: 'the exported file gives what the layer gives in evaluation mode',
      run: async () => {
        const layer = make(3);
        const bytes = exportOnnx(layer, { inputs: [{ name: 'x', shape: options.input }], output: 'y' });
        const session = await OnnxSession.create(bytes);
        const data = Float32Array.from(numbers(options.input).data);
        const { y } = await session.run({ x: { dtype: 'float32', data, dims: options.input } });
        await session.release();
        closeTo(y.data as Float32Array, evaluated(layer).data, 1e-4);
      },
    },
  ];
}

/** @throws AssertionError when an element differs by more than the tolerance, relative to 1 and its size */
function closeTo(got: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  assert.equal(got.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(got[i] - wanted[i]);
    assert.ok(error <= tolerance * (1 + Math.abs(wanted[i])), `element ${i}: ${got[i]} is not ${wanted[i]}`);
  }
}

/** A batch of random numbers, for suites. */
export function randomBatch(shape: Shape, seed: number): HostTensor<'float32'> {
  const rng = new Rng(seed);
  return { dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, () => rng.normal()) };
}
