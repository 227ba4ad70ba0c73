import { ConfigError, type HostTensor } from '#core';

export interface PowerToDbOptions {
  /** The power at 0 dB, or `max` for the largest of the spectrogram; default 1. */
  readonly ref?: number | 'max';
  /** Powers below count as this one, above 0; default 1e-10. */
  readonly amin?: number;
  /** Values more than this many dB below the largest are raised to that line; null for none; default 80. */
  readonly topDb?: number | null;
}

/**
 * Decibels of powers: 10 log₁₀(max(amin, S)) − 10 log₁₀(max(amin, ref)), then at least max − topDb; as
 * `librosa.power_to_db`.
 *
 * @returns float32 of the same shape
 * @throws ConfigError for amin not above 0 or topDb below 0
 */
export function powerToDb(
  power: HostTensor<'float32'>,
  { ref = 1, amin = 1e-10, topDb = 80 }: PowerToDbOptions = {},
): HostTensor<'float32'> {
  if (!(amin > 0) || (topDb !== null && !(topDb >= 0))) {
    throw new ConfigError(
      `powerToDb: amin must be above 0 and topDb at least 0, but got ${amin} and ${topDb}. Try 1e-10 and 80.`,
      { amin, topDb },
    );
  }
  const reference = ref === 'max' ? power.data.reduce((a, b) => Math.max(a, b), 0) : Math.abs(ref);
  const shift = 10 * Math.log10(Math.max(amin, reference));
  const data = power.data.map((value) => 10 * Math.log10(Math.max(amin, value)) - shift);
  if (topDb !== null) {
    const floor = data.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - topDb;
    for (let i = 0; i < data.length; i++) if (data[i] < floor) data[i] = floor;
  }
  return { dtype: 'float32', shape: power.shape, data };
}
