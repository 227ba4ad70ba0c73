import { describe, expect, it } from 'vitest';
import { CancelledError, Deadline } from '#core';
import { minimizeLbfgs, type Objective } from './lbfgs.ts';
import { Pacer } from './pacer.ts';

const pacer = () => new Pacer('test', Deadline.none);

/** Σ (1 − x₂ᵢ)² + 100·(x₂ᵢ₊₁ − x₂ᵢ²)²: a curved valley with its minimum 0 at (1, …, 1). */
const rosenbrock: Objective = (x, gradient) => {
  let value = 0;
  for (let i = 0; i < x.length; i += 2) {
    const a = 1 - x[i];
    const b = x[i + 1] - x[i] * x[i];
    value += a * a + 100 * b * b;
    gradient[i] = -2 * a - 400 * b * x[i];
    gradient[i + 1] = 200 * b;
  }
  return value;
};

describe('minimizeLbfgs', () => {
  it('follows the valley of Rosenbrock to its end', async () => {
    const start = new Float64Array(10).map((_, i) => (i % 2 === 0 ? -1.2 : 1));
    const result = await minimizeLbfgs(rosenbrock, start, {
      pacer: pacer(),
      maxIterations: 200,
      tolerance: 1e-9,
    });
    expect(result.converged).toBe(true);
    for (const value of result.x) expect(value).toBeCloseTo(1, 8);
    expect(result.iterations).toBeLessThan(80);
    expect(start[0]).toBe(-1.2);
  });

  it('solves a badly scaled quadratic: x = b / a', async () => {
    const a = [1e-3, 1, 1e4];
    const quadratic: Objective = (x, gradient) => {
      let value = 0;
      for (let i = 0; i < 3; i++) {
        gradient[i] = a[i] * x[i] - (i + 1);
        value += 0.5 * a[i] * x[i] * x[i] - (i + 1) * x[i];
      }
      return value;
    };
    const result = await minimizeLbfgs(quadratic, new Float64Array(3), {
      pacer: pacer(),
      maxIterations: 200,
      tolerance: 1e-10,
    });
    expect(result.x[0]).toBeCloseTo(1000, 4);
    expect(result.x[1]).toBeCloseTo(2, 8);
    expect(result.x[2]).toBeCloseTo(3e-4, 10);
  });

  it('stops after maxIterations and says that it has not converged', async () => {
    const options = { pacer: pacer(), maxIterations: 3, tolerance: 1e-9 };
    const result = await minimizeLbfgs(rosenbrock, new Float64Array([-1.2, 1]), options);
    expect(result).toMatchObject({ iterations: 3, converged: false });
  });

  it('stops when the time is over', async () => {
    const soon = new Pacer('fit', new Deadline(0.02));
    const endless: Objective = (x, gradient) => {
      gradient[0] = -1;
      return -x[0];
    };
    const fit = minimizeLbfgs(endless, new Float64Array(1), {
      pacer: soon,
      maxIterations: 1e9,
      tolerance: 0,
    });
    await expect(fit).rejects.toThrow(CancelledError);
  });
});
