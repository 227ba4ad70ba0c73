import { flag, number, range } from './fields.ts';
import { drawFrom } from './random-draws.ts';
import { defineTransform } from './transform.ts';

/** Adds normal noise whose variance, in squared grey levels, is drawn anew for each picture. */
export const GaussNoise = defineTransform(
  'GaussNoise',
  0.5,
  { varLimit: range([10, 50], { min: 0, from: 0 }), mean: number(0), perChannel: flag(true) },
  ({ canvas }, rng, { varLimit, mean, perChannel }) => {
    const deviation = Math.sqrt(drawFrom(rng, varLimit));
    const quantiles = normalQuantiles();
    for (let i = 0; i < quantiles.length; i++) noise[i] = mean + deviation * quantiles[i];
    canvas.addNoise(noise, rng.nextUint32(), !perChannel);
  },
);

const noise = new Float32Array(4096);
let quantilesOfNormal: Float32Array | undefined;

/** 4096 equally likely values of a standard normal number; their variance is made to be 1. */
function normalQuantiles(): Float32Array {
  if (quantilesOfNormal === undefined) {
    const values = Float32Array.from({ length: 4096 }, (_, i) => normalQuantile((i + 0.5) / 4096));
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    quantilesOfNormal = values.map((value) => value / Math.sqrt(variance));
  }
  return quantilesOfNormal;
}

/** The value that a standard normal number stays below with probability `p`: bisection on its distribution. */
function normalQuantile(p: number): number {
  let low = -6;
  let high = 6;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (normalDistribution(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Φ(x) by its series around zero: ½ + φ(x) · (x + x³/3 + x⁵/15 + …). */
function normalDistribution(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 1; k < 200 && Math.abs(term) > 1e-16; k++) {
    term *= (x * x) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
