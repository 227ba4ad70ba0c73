/** Sound in memory: one row of samples per channel, all of the same length, full scale at ±1. */
export interface AudioSignal {
  /** Samples per second and channel. */
  readonly sampleRate: number;
  readonly channels: readonly Float32Array[];
}

/** The mean of all channels; a single channel is returned as it is. */
export function mixDown({ channels }: AudioSignal): Float32Array {
  if (channels.length === 1) return channels[0];
  const mono = new Float32Array(channels[0]?.length ?? 0);
  for (let i = 0; i < mono.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i];
    mono[i] = sum / channels.length;
  }
  return mono;
}
