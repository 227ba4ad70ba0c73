import { describe, expect, it } from 'vitest';
import { grad, interpret, type Tensor, tensor } from '#engine';
import { sigmoidFocalLoss } from './binary.ts';
import { focalCosineLoss, focalLoss } from './focal.ts';

/** Value and gradient, by the reference and by ONNX Runtime, which must agree. */
async function measure(loss: (x: Tensor) => Tensor, logits: number[][]) {
  const x = tensor(logits);
  const value = loss(x);
  const [dx] = grad(value, [x]);
  const [exact, exactGradient] = interpret([value.value, dx.value], {}).map(({ data }) => Array.from(data));
  expectClose([await value.item()], exact, 1e-6);
  expectClose(Array.from((await dx.data()) as Float32Array), exactGradient, 1e-6);
  return { value: exact[0], gradient: exactGradient };
}

function expectClose(got: readonly number[], wanted: readonly number[], tolerance: number): void {
  const scale = Math.max(1, ...wanted.map(Math.abs));
  expect(got).toHaveLength(wanted.length);
  wanted.forEach((each, i) => {
    expect(Math.abs(got[i] - each) / scale, `${got} is not ${wanted}`).toBeLessThan(tolerance);
  });
}

describe('focalCosineLoss of logits that are all 0', () => {
  it('is 1 with a gradient of −1/ε for the own class, without the focal term', async () => {
    const { value, gradient } = await measure(
      (x) => focalCosineLoss(x, tensor([1], 'int64'), { crossEntropyWeight: 0 }),
      [[0, 0, 0]],
    );
    expect(value).toBe(1);
    // The length counts as ε = 1e-8 and does not change: d(1 − z_y/ε) = −dz_y/ε.
    expectClose(gradient, [0, -1e8, 0], 1e-6);
  });

  it('has the gradient of the focal term through z/1e-12', async () => {
    const { value, gradient } = await measure((x) => focalCosineLoss(x, tensor([1], 'int64')), [[0, 0, 0]]);
    // p = 1/3 and CE = ln 3: (2/3)²·ln 3 = 0.48827
    expect(value).toBeCloseTo(1 + 0.1 * (4 / 9) * Math.log(3), 6);
    // d((1 − p)²·CE)/dCE = 2(1 − p)p·CE + (1 − p)² = 4/9·(1 + ln 3) = 0.93272, dCE/dz = (p − one-hot)/1e-12, and a
    // tenth of it counts. PyTorch's numbers: 3.1091e10, −6.2181e10, 3.1091e10
    const slope = (0.1 * (4 / 9) * (1 + Math.log(3))) / 1e-12;
    expectClose(gradient, [slope / 3, (-2 / 3) * slope - 1e8, slope / 3], 1e-6);
    expectClose(gradient, [3.1091e10, -6.2181e10 - 1e8, 3.1091e10], 1e-4);
  });

  it('does not disturb the other samples', async () => {
    const both = await measure(
      (x) => focalCosineLoss(x, tensor([1, 0], 'int64'), { reduction: 'sum' }),
      [
        [0, 0, 0],
        [1, 2, 3],
      ],
    );
    // PyTorch's gradients of the two terms at [1, 2, 3]: cosine and a tenth of the focal one
    const cosine = [-0.24817, 0.03818, 0.05727];
    const focal = [-0.24178, 0.045622, 0.050179];
    expectClose(
      both.gradient.slice(3),
      cosine.map((each, i) => each + 0.1 * focal[i]),
      1e-5,
    );
  });
});

describe('with gamma 0', () => {
  it('focalLoss is the cross-entropy, also where the own probability is 1', async () => {
    const { value, gradient } = await measure(
      (x) => focalLoss(x, tensor([0, 0], 'int64'), { gamma: 0, reduction: 'sum' }),
      [
        [200, 0],
        [0, 0],
      ],
    );
    expect(value).toBeCloseTo(Math.LN2, 6);
    // softmax − one-hot: [1, 0] − [1, 0] and [½, ½] − [1, 0]
    expectClose(gradient, [0, 0, -0.5, 0.5], 1e-6);
  });

  it('sigmoidFocalLoss is the binary cross-entropy, also where nothing is missed', async () => {
    const { value, gradient } = await measure(
      (x) => sigmoidFocalLoss(x, tensor([[1, 1]]), { gamma: 0, alpha: -1, reduction: 'sum' }),
      [[200, 0]],
    );
    expect(value).toBeCloseTo(Math.LN2, 6);
    // σ(z) − t: 1 − 1 and ½ − 1
    expectClose(gradient, [0, -0.5], 1e-6);
  });
});
