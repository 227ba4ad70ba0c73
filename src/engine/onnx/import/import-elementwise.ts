import * as build from '../../ir/build.ts';
import { isFloat } from '../../ir/shapes.ts';
import type { Value } from '../../ir/value.ts';
import { importedDType } from './decode-tensor.ts';
import type { ImportNode, ImportTable, NodeReader } from './node-reader.ts';

const unary =
  (make: (x: Value) => Value): ImportNode =>
  (node) =>
    make(node.input(0));

const binary =
  (make: (x: Value, z: Value) => Value): ImportNode =>
  (node) =>
    make(node.input(0), node.input(1));

const variadic =
  (make: (x: Value, z: Value) => Value): ImportNode =>
  (node) =>
    node.inputs().reduce((joined, each) => make(joined, each));

/** min(max(x, low), high), bounds that are absent left out. */
function clip(x: Value, low: number | undefined, high: number | undefined): Value {
  const raised = low === undefined || low <= -3.4028234e38 ? x : build.maximum(x, low);
  return high === undefined || high >= 3.4028234e38 ? raised : build.minimum(raised, high);
}

/** max(0, min(1, alpha·x + beta)). */
const hardSigmoid = (x: Value, alpha: number, beta: number): Value =>
  clip(build.add(build.mul(x, alpha), beta), 0, 1);

/** x where x > 0, alpha·(eˣ − 1) below. */
function elu(x: Value, alpha: number): Value {
  const negative = build.mul(build.sub(build.exp(build.minimum(x, 0)), 1), alpha);
  return build.where(build.greater(x, 0), x, negative);
}

/** log(1 + eˣ) without overflow. */
const softplus = (x: Value): Value =>
  build.add(build.maximum(x, 0), build.log(build.add(build.exp(build.neg(build.abs(x))), 1)));

/** x·Φ(x), or its approximation by a hyperbolic tangent. */
function gelu(x: Value, approximate: string): Value {
  const gate =
    approximate === 'tanh'
      ? build.tanh(
          build.mul(build.add(x, build.mul(build.mul(build.mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI)),
        )
      : build.erf(build.mul(x, Math.SQRT1_2));
  return build.mul(build.mul(x, build.add(gate, 1)), 0.5);
}

/** The slope holds for whole channels where it has the form [C, 1, …]. */
function prelu(node: NodeReader): Value {
  const [x, slope] = [node.input(0), node.input(1)];
  return build.where(build.greaterEqual(x, 0), x, build.mul(x, slope));
}

function pow(node: NodeReader): Value {
  const [x, exponent] = [node.input(0), node.input(1)];
  const known = exponent.node.op === 'constant' ? build.constantValue(exponent) : undefined;
  return build.pow(
    x,
    known !== undefined && exponent.shape.length <= x.shape.length ? known : build.cast(exponent, x.dtype),
  );
}

/** Truncated towards zero for whole numbers, as ONNX says; exact for the rest. */
const importDivision: ImportNode = (node) => build.div(node.input(0), node.input(1));

function modulo(node: NodeReader): Value {
  const [x, z] = [node.input(0), node.input(1)];
  if (node.int('fmod', 0) === 0) return build.mod(x, z);
  // The dividend's sign: x − z·trunc(x/z).
  if (!isFloat(x.dtype)) throw node.unsupported('fmod must be 0 for whole numbers, but got 1');
  const quotient = build.div(x, z);
  return build.sub(x, build.mul(z, build.mul(build.sign(quotient), build.floor(build.abs(quotient)))));
}

/** Operators that work element by element. */
export const elementwiseImports: ImportTable = {
  Identity: unary((x) => x),
  Add: binary(build.add),
  Sub: binary(build.sub),
  Mul: binary(build.mul),
  Div: importDivision,
  Pow: pow,
  Mod: modulo,
  Min: variadic(build.minimum),
  Max: variadic(build.maximum),
  Sum: variadic(build.add),
  Mean: (node) =>
    build.mul(
      node.inputs().reduce((a, b) => build.add(a, b)),
      1 / node.inputNames.length,
    ),
  Equal: binary(build.equal),
  Less: binary(build.less),
  LessOrEqual: binary(build.lessEqual),
  Greater: binary(build.greater),
  GreaterOrEqual: binary(build.greaterEqual),
  And: binary(build.and),
  Or: binary(build.or),
  Not: unary(build.not),
  Where: (node) => build.where(node.input(0), node.input(1), node.input(2)),
  Neg: unary(build.neg),
  Abs: unary(build.abs),
  Sign: unary(build.sign),
  Exp: unary(build.exp),
  Log: unary(build.log),
  Sqrt: unary(build.sqrt),
  Reciprocal: unary(build.reciprocal),
  Erf: unary(build.erf),
  Sigmoid: unary(build.sigmoid),
  Tanh: unary(build.tanh),
  Sin: unary(build.sin),
  Cos: unary(build.cos),
  Floor: unary(build.floor),
  Ceil: unary(build.ceil),
  Round: unary(build.round),
  Relu: unary(build.relu),
  Softplus: unary(softplus),
  Softsign: unary((x) => build.div(x, build.add(build.abs(x), 1))),
  Mish: unary((x) => build.mul(x, build.tanh(softplus(x)))),
  HardSwish: unary((x) => build.mul(x, hardSigmoid(x, 1 / 6, 0.5))),
  LeakyRelu: (node) => {
    const x = node.input(0);
    return build.where(build.greaterEqual(x, 0), x, build.mul(x, node.float('alpha', 0.01)));
  },
  PRelu: prelu,
  Elu: (node) => elu(node.input(0), node.float('alpha', 1)),
  Selu: (node) =>
    build.mul(elu(node.input(0), node.float('alpha', 1.6732632)), node.float('gamma', 1.050701)),
  HardSigmoid: (node) => hardSigmoid(node.input(0), node.float('alpha', 0.2), node.float('beta', 0.5)),
  Gelu: (node) => gelu(node.input(0), node.string('approximate', 'none')),
  Clip: (node) => clip(node.input(0), node.numberOf('min', 1), node.numberOf('max', 2)),
  Cast: (node) => build.cast(node.input(0), importedDType(node.int('to', 0), node.where)),
  CastLike: (node) => build.cast(node.input(0), node.input(1).dtype),
  Dropout: (node) => {
    const x = node.input(0);
    const { training, dropout } = node.hooks;
    if (!training || dropout === undefined) return x;
    return dropout(x, node.numberOf('ratio', 1) ?? 0.5);
  },
};
