import { Rng, sizeOf } from '#core';
import { gradients } from '../autodiff/gradients.ts';
import * as build from '../ir/build.ts';
import type { ReferenceTensor } from '../ir/op-rule.ts';
import type { Value } from '../ir/value.ts';
import { type Bindings, interpret } from './interpret.ts';

export interface GradientCheck {
  /** Largest |numeric − analytic| / norm over the directions. */
  readonly error: number;
  readonly passed: boolean;
}

export interface CheckGradientOptions {
  /** Step of the central difference; 1e-5 by default. */
  readonly epsilon?: number;
  /** Largest allowed error relative to the gradient's norm; 1e-7 by default. */
  readonly tolerance?: number;
  /** Random directions per input; 3 by default. */
  readonly directions?: number;
  readonly seed?: number;
  /** Also check the gradient of the gradient; false by default. */
  readonly secondOrder?: boolean;
}

/**
 * Compares the traced gradient with central differences along random directions, all in float64 on the reference
 * interpreter: (f(x + εv) − f(x − εv)) / 2ε against ∇f·v, where f is Σ y·c for a fixed random c.
 *
 * @param outputs values of floating type, functions of `inputs`
 * @param inputs values of op `input` to differentiate in
 * @param bindings contents of all inputs
 */
export function checkGradient(
  outputs: Value | readonly Value[],
  inputs: readonly Value[],
  bindings: Bindings,
  options: CheckGradientOptions = {},
): GradientCheck {
  const { epsilon = 1e-5, tolerance = 1e-7, directions = 3, seed = 0, secondOrder = false } = options;
  const rng = new Rng(seed);
  const scalarOf = (values: readonly Value[]) =>
    values
      .map((value) => build.sum(build.mul(value, randomConstant(value, rng))))
      .reduce((a, b) => build.add(a, b));
  let objective = scalarOf('node' in outputs ? [outputs] : outputs);
  if (secondOrder) objective = scalarOf(gradients(objective, inputs));

  const analytic = interpret(gradients(objective, inputs), bindings);
  const norm = Math.sqrt(
    analytic.reduce((total, { data }) => total + data.reduce((s, g) => s + g * g, 0), 0),
  );
  let error = 0;
  inputs.forEach((input, i) => {
    const { name } = input.node.attributes as { name: string };
    for (let k = 0; k < directions; k++) {
      const direction = Float64Array.from({ length: sizeOf(input.shape) }, () => rng.normal());
      const at = (step: number) => interpret([objective], moved(bindings, name, direction, step))[0].data[0];
      const numeric = (at(epsilon) - at(-epsilon)) / (2 * epsilon);
      const exact = analytic[i].data.reduce((total, g, j) => total + g * direction[j], 0);
      const scale = Math.max(norm, 1e-3) * Math.sqrt(direction.length);
      error = Math.max(error, Math.abs(numeric - exact) / scale);
    }
  });
  return { error, passed: error <= tolerance };
}

function randomConstant(like: Value, rng: Rng): Value {
  const data = Float64Array.from({ length: sizeOf(like.shape) }, () => rng.normal());
  return build.cast(build.constant(Float32Array.from(data), like.shape, 'float32'), like.dtype);
}

function moved(bindings: Bindings, name: string, direction: Float64Array, step: number): Bindings {
  const { shape, data } = bindings[name] as ReferenceTensor;
  return { ...bindings, [name]: { shape, data: data.map((value, i) => value + step * direction[i]) } };
}
