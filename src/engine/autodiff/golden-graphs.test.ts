import { describe, expect, it } from 'vitest';
import { gradients, printGraph, simplify, type Variable, verifyGraph } from '#engine';
import * as build from '../ir/build.ts';

const parameter = (name: string, ...shape: number[]): Variable => ({
  name,
  dtype: 'float32',
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

describe('the graph of', () => {
  it('a step of a perceptron', () => {
    const x = build.input('x', 'float32', [4, 3]);
    const target = build.input('target', 'int64', [4, 1]);
    const [w1, b1, w2] = [parameter('w1', 5, 3), parameter('b1', 5), parameter('w2', 2, 5)].map(
      build.variable,
    );
    const hidden = build.relu(build.add(build.matmul(x, w1, { transposeB: true }), b1));
    const logits = build.matmul(hidden, w2, { transposeB: true });
    const loss = build.neg(build.mean(build.gatherElements(build.logSoftmax(logits, 1), target, 1)));
    const outputs = simplify([loss, ...gradients(loss, [w1, b1, w2])]);
    verifyGraph(outputs);
    expect(printGraph(outputs)).toMatchInlineSnapshot(`
      "%0 = input(name=x) : float32[4, 3]
      %1 = input(name=target) : int64[4, 1]
      %2 = variable(name=w1) : float32[5, 3]
      %3 = variable(name=b1) : float32[5]
      %4 = variable(name=w2) : float32[2, 5]
      %5 = matmul(%0, %2, transposeA=false, transposeB=true) : float32[4, 5]
      %6 = add(%5, %3) : float32[4, 5]
      %7 = relu(%6) : float32[4, 5]
      %8 = matmul(%7, %4, transposeA=false, transposeB=true) : float32[4, 2]
      %9 = logSoftmax(%8, axis=1) : float32[4, 2]
      %10 = gatherElements(%9, %1, axis=1) : float32[4, 1]
      %11 = sum(%10, axes=[0, 1], keepDims=false) : float32[]
      %12 = constant([0.25]) : float32[]
      %13 = mul(%11, %12) : float32[]
      %14 = neg(%13) : float32[]
      %15 = exp(%9) : float32[4, 2]
      %16 = constant([0]) : float32[]
      %17 = greater(%7, %16) : bool[4, 5]
      %18 = constant([-0.25, -0.25, -0.25, -0.25]) : float32[4, 1]
      %19 = scatterElementsAdd(%18, %1, axis=1) : float32[4, 2]
      %20 = sum(%19, axes=[1], keepDims=true) : float32[4, 1]
      %21 = mul(%15, %20) : float32[4, 2]
      %22 = sub(%19, %21) : float32[4, 2]
      %23 = matmul(%22, %4, transposeA=false, transposeB=false) : float32[4, 5]
      %24 = matmul(%22, %7, transposeA=true, transposeB=false) : float32[2, 5]
      %25 = where(%17, %23, %16) : float32[4, 5]
      %26 = sum(%25, axes=[0], keepDims=true) : float32[1, 5]
      %27 = reshape(%26) : float32[5]
      %28 = matmul(%25, %0, transposeA=true, transposeB=false) : float32[5, 3]
      return %14, %28, %27, %24"
    `);
  });

  it('a convolution block with batch normalisation', () => {
    const x = build.input('x', 'float32', [2, 3, 8, 8]);
    const [w, scale, shift] = [parameter('w', 4, 3, 3, 3), parameter('scale', 4), parameter('shift', 4)].map(
      build.variable,
    );
    const y = build.conv2d(x, w, { strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 });
    const [mean, variance] = build.channelMoments(y);
    const factor = build.mul(build.reciprocal(build.sqrt(build.add(variance, 1e-5))), scale);
    const normal = build.channelAffine(y, factor, build.sub(shift, build.mul(mean, factor)));
    const loss = build.mean(build.relu(normal));
    const outputs = simplify([loss, ...gradients(loss, [w, scale, shift])]);
    verifyGraph(outputs);
    expect(printGraph(outputs)).toMatchInlineSnapshot(`
      "%0 = input(name=x) : float32[2, 3, 8, 8]
      %1 = variable(name=w) : float32[4, 3, 3, 3]
      %2 = variable(name=scale) : float32[4]
      %3 = variable(name=shift) : float32[4]
      %4 = conv2d(%0, %1, strides=[2, 2], pads=[1, 1, 1, 1], dilations=[1, 1], groups=1) : float32[2, 4, 4, 4]
      %5, %6 = channelMoments(%4) : float32[4], float32[4]
      %7 = constant([0.000009999999747378752]) : float32[]
      %8 = add(%6, %7) : float32[4]
      %9 = sqrt(%8) : float32[4]
      %10 = reciprocal(%9) : float32[4]
      %11 = mul(%10, %2) : float32[4]
      %12 = mul(%5, %11) : float32[4]
      %13 = sub(%3, %12) : float32[4]
      %14 = channelAffine(%4, %11, %13, perSample=false) : float32[2, 4, 4, 4]
      %15 = relu(%14) : float32[2, 4, 4, 4]
      %16 = sum(%15, axes=[0, 1, 2, 3], keepDims=false) : float32[]
      %17 = constant([0.0078125]) : float32[]
      %18 = mul(%16, %17) : float32[]
      %19 = constant([0]) : float32[]
      %20 = greater(%15, %19) : bool[2, 4, 4, 4]
      %21 = mul(%10, %10) : float32[4]
      %22 = constant([0.5]) : float32[]
      %23 = constant([0.0625]) : float32[]
      %24 = constant([0.03125]) : float32[]
      %25 = constant([0.0078125, 0.0078125, 0.0078125, 0.0078125, 0.0078125, 0.0078125, …]) : float32[2, 4, 4, 4]
      %26 = where(%20, %25, %19) : float32[2, 4, 4, 4]
      %27 = channelAffine(%26, %11, perSample=false) : float32[2, 4, 4, 4]
      %28 = channelDot(%26, %4, perSample=false) : float32[4]
      %29 = channelSum(%26, perSample=false) : float32[4]
      %30 = neg(%29) : float32[4]
      %31 = mul(%30, %11) : float32[4]
      %32 = mul(%30, %5) : float32[4]
      %33 = add(%28, %32) : float32[4]
      %34 = mul(%33, %2) : float32[4]
      %35 = mul(%33, %10) : float32[4]
      %36 = mul(%34, %21) : float32[4]
      %37 = neg(%36) : float32[4]
      %38 = mul(%37, %22) : float32[4]
      %39 = div(%38, %9) : float32[4]
      %40 = mul(%39, %23) : float32[4]
      %41 = mul(%31, %24) : float32[4]
      %42 = mul(%40, %5) : float32[4]
      %43 = sub(%41, %42) : float32[4]
      %44 = channelAffine(%4, %40, %43, perSample=false) : float32[2, 4, 4, 4]
      %45 = add(%27, %44) : float32[2, 4, 4, 4]
      %46 = conv2dWeight(%0, %45, strides=[2, 2], pads=[1, 1, 1, 1], dilations=[1, 1], groups=1) : float32[4, 3, 3, 3]
      return %18, %46, %35, %29"
    `);
  });
});
