/**
 * The weights rounded to multiples of 2⁻⁵¹ of the power of two above their sum. Sums and differences of such numbers
 * are exact, so that counts from which every row was taken away again are 0 and not a rounding residue, which would
 * make ratios of two counts arbitrary. Whole weights stay as they are.
 *
 * @param weights [N] numbers ≥ 0, or none
 */
export function exactWeights(weights: ArrayLike<number> | undefined): Float64Array | undefined {
  if (weights === undefined) return undefined;
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  const step = 2 ** (Math.ceil(Math.log2(total)) - 51);
  return Float64Array.from(weights, (weight) => Math.round(weight / step) * step);
}
