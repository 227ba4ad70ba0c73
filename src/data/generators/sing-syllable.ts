import type { Syllable } from './bird-species.ts';

/** How an individual bird differs from its species. */
export interface Voice {
  /** Factor on every frequency. */
  readonly pitch: number;
  /** Factor on every duration. */
  readonly stretch: number;
}

const ATTACK_SECONDS = 0.012;
const RELEASE_SECONDS = 0.025;

/**
 * Adds a syllable to `target` from sample `start` on, as far as it fits: the phase of the fundamental follows the pitch,
 * overtones are its multiples, and those above 95 % of half the sample rate are left out.
 *
 * @returns samples that the syllable lasts
 */
export function singSyllable(
  target: Float32Array,
  start: number,
  syllable: Syllable,
  { pitch, stretch }: Voice,
  sampleRate: number,
): number {
  const { kind, hz, sweepOctaves, rateHz, depthOctaves, partials } = syllable;
  const seconds = syllable.seconds * stretch;
  const length = Math.round(seconds * sampleRate);
  const ceiling = 0.95 * (sampleRate / 2);
  const end = Math.min(length, target.length - start);
  let phase = 0;
  for (let i = 0; i < end; i++) {
    const time = i / sampleRate;
    const beat = 2 * Math.PI * rateHz * time;
    const octaves = sweepOctaves * (time / seconds - 0.5) + depthOctaves * Math.sin(beat);
    const frequency = hz * pitch * 2 ** octaves;
    phase += (2 * Math.PI * frequency) / sampleRate;
    let sum = 0;
    for (let k = 0; k < partials.length && (k + 1) * frequency < ceiling; k++) {
      sum += partials[k] * Math.sin((k + 1) * phase);
    }
    const pulse = kind === 'trill' ? 0.55 - 0.45 * Math.cos(beat) : 1;
    target[start + i] += sum * pulse * fade(time, ATTACK_SECONDS) * fade(seconds - time, RELEASE_SECONDS);
  }
  return length;
}

/** Half a cosine from 0 to 1 over a span of seconds. */
function fade(time: number, span: number): number {
  return time >= span ? 1 : 0.5 - 0.5 * Math.cos((Math.PI * Math.max(0, time)) / span);
}
