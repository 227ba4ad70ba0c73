import type { OpTable } from '../op-rule.ts';
import { binaryGradient, elementwise } from './elementwise.ts';

/** Remainder with the divisor's sign. */
const modulo = (x: number, z: number): number => x - z * Math.floor(x / z);

/** Binary arithmetic. In the rules y = x ∘ z and dy is the gradient of y. */
export const arithmeticRules: Pick<
  OpTable,
  'add' | 'sub' | 'mul' | 'div' | 'pow' | 'maximum' | 'minimum' | 'mod'
> = {
  add: elementwise({
    kernel: (x, z) => x + z,
    gradient: binaryGradient((dy) => [() => dy, () => dy]),
    lowering: 'Add',
  }),
  sub: elementwise({
    kernel: (x, z) => x - z,
    gradient: binaryGradient((dy, { build }) => [() => dy, () => build.neg(dy)]),
    lowering: 'Sub',
  }),
  mul: elementwise({
    kernel: (x, z) => x * z,
    gradient: binaryGradient((dy, { build, x, z }) => [() => build.mul(dy, z), () => build.mul(dy, x)]),
    lowering: 'Mul',
  }),
  // d(x/z)/dz = −x/z² = −y/z
  div: elementwise({
    kernel: (x, z) => x / z,
    gradient: binaryGradient((dy, { build, y, z }) => [
      () => build.div(dy, z),
      () => build.neg(build.div(build.mul(dy, y), z)),
    ]),
    lowering: 'Div',
  }),
  // d(x^z)/dx = z·x^(z−1), 0 for z = 0 even where x is 0; d(x^z)/dz = x^z·log x, 0 where x is 0: both as in PyTorch
  pow: elementwise({
    kernel: (x, z) => x ** z,
    gradient: binaryGradient((dy, { build, x, y, z }) => [
      () => {
        const exponent = build.constantValue(z);
        if (exponent === 0) return undefined;
        // 0^(0−1) is infinite: with 0⁰ instead the product with z is 0.
        const isZeroToZero = () => build.and(build.equal(x, 0), build.equal(z, 0));
        const safe = exponent === undefined ? build.where(isZeroToZero(), 1, z) : z;
        return build.mul(dy, build.mul(z, build.pow(x, build.sub(safe, 1))));
      },
      () => {
        const isZero = build.equal(x, 0);
        const log = build.log(build.where(isZero, build.constantLike(x, 1), x));
        return build.mul(dy, build.mul(y, log));
      },
    ]),
    lowering: 'Pow',
    operands: 'float',
  }),
  // Equal operands share the gradient, as in PyTorch
  maximum: elementwise({
    kernel: (x, z) => (Number.isNaN(x) || Number.isNaN(z) ? Number.NaN : Math.max(x, z)),
    gradient: binaryGradient((dy, { build, x, z }) => [
      () => build.mul(dy, build.share(x, z)),
      () => build.mul(dy, build.share(z, x)),
    ]),
    lowering: 'Max',
  }),
  minimum: elementwise({
    kernel: (x, z) => (Number.isNaN(x) || Number.isNaN(z) ? Number.NaN : Math.min(x, z)),
    gradient: binaryGradient((dy, { build, x, z }) => [
      () => build.mul(dy, build.share(z, x)),
      () => build.mul(dy, build.share(x, z)),
    ]),
    lowering: 'Min',
  }),
  mod: elementwise({
    kernel: modulo,
    gradient: binaryGradient((dy, { build, x, z }) => [
      () => dy,
      () => build.neg(build.mul(dy, build.floor(build.div(x, z)))),
    ]),
    lowering: {
      name: 'Mod',
      emit: (e, { inputs }) => {
        const [x, z] = inputs.map((input) => e.plain(input));
        if (inputs[0].dtype !== 'float32') return [e.node('Mod', [x, z])];
        return [e.node('Sub', [x, e.node('Mul', [z, e.node('Floor', [e.node('Div', [x, z])])])])];
      },
    },
  }),
};
