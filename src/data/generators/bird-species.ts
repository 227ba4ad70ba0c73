import { ConfigError, Rng } from '#core';

/** How a syllable sounds: a steady tone, a sweep, a fast alternation, or a buzz with overtones. */
export type SyllableKind = 'whistle' | 'chirp' | 'trill' | 'harmonic';

export interface Syllable {
  readonly kind: SyllableKind;
  /** Fundamental frequency in the middle, in Hz. */
  readonly hz: number;
  readonly seconds: number;
  /** Octaves that the pitch rises from beginning to end; falls where negative. */
  readonly sweepOctaves: number;
  /** Beats of a trill, or of a whistle's vibrato, per second. */
  readonly rateHz: number;
  /** Octaves that the pitch swings to each side with those beats. */
  readonly depthOctaves: number;
  /** Amplitudes of the fundamental and its overtones. */
  readonly partials: readonly number[];
}

/** A bird that does not exist; the song is what its recordings vary. */
export interface BirdSpecies {
  readonly name: string;
  /** Sung one after another. */
  readonly motif: readonly Syllable[];
  /** Silence between two syllables, in seconds. */
  readonly gapSeconds: number;
  /** Times the motif is sung in a phrase. */
  readonly repeats: number;
  /** Silence between two phrases, in seconds. */
  readonly pauseSeconds: number;
}

const colours = 'amber ashen azure bronze cobalt copper coral dusky ebony emerald gilded hazel indigo ivory jade opal pearl russet sable scarlet silver umber'.split(' '); // biome-ignore format: a list
const birds =
  'brackling fluter glimmer hopper lilter piper quaver reedling skimmer tinker trillard whistler'.split(' ');
const kinds: readonly SyllableKind[] = ['whistle', 'chirp', 'trill', 'harmonic'];

/** Species that have a name. */
const MAX_SPECIES = 264;

/**
 * The first `count` of 264 species, always the same ones. Pitch, pace and shape are spread evenly over their ranges
 * (additive recurrences with irrational steps), so neighbours in number differ clearly and all 264 do somewhere.
 *
 * @throws ConfigError unless count is a whole number from 1 to 264
 */
export function birdSpecies(count: number): BirdSpecies[] {
  if (!Number.isInteger(count) || count < 1 || count > MAX_SPECIES) {
    throw new ConfigError(
      `birdSpecies: species must be a whole number from 1 to ${MAX_SPECIES}, but got ${count}. Ask for fewer or more.`,
      { species: count },
    );
  }
  return Array.from({ length: count }, (_, index) => createSpecies(index));
}

function createSpecies(index: number): BirdSpecies {
  const rng = new Rng(0x5ca1ab1e).fork(index);
  /** Evenly spread over [low, high) as the index grows; `step` is irrational. */
  const spread = (step: number, low: number, high: number) =>
    low + (high - low) * ((0.5 + (index + 1) * step) % 1);
  const between = (low: number, high: number) => low + (high - low) * rng.uniform();
  const baseHz = 1300 * (5600 / 1300) ** spread((Math.sqrt(5) - 1) / 2, 0, 1);
  const seconds = spread(Math.SQRT2 - 1, 0.07, 0.34);
  const sweep = spread(Math.sqrt(3) - 1, -0.7, 0.7);
  const first = kinds[index % kinds.length];
  const motif = [createSyllable(rng, first, baseHz, seconds, sweep)];
  const more = rng.integer(3);
  for (let i = 0; i < more; i++) {
    const kind = kinds[rng.integer(kinds.length)];
    const hz = Math.min(6000, Math.max(1200, baseHz * 2 ** between(-0.6, 0.6)));
    motif.push(createSyllable(rng, kind, hz, seconds * between(0.6, 1.4), between(-0.7, 0.7)));
  }
  return {
    name: `${colours[(index * 5 + Math.floor(index / 132)) % colours.length]}-${birds[index % birds.length]}`,
    motif,
    gapSeconds: spread(Math.sqrt(7) - 2, 0.03, 0.2),
    repeats: 1 + rng.integer(seconds * motif.length > 0.4 ? 3 : 7),
    pauseSeconds: between(0.35, 0.9),
  };
}

function createSyllable(rng: Rng, kind: SyllableKind, hz: number, seconds: number, sweep: number): Syllable {
  const between = (low: number, high: number) => low + (high - low) * rng.uniform();
  const decay = between(0.1, 0.35);
  // A sweep that is hardly one would be a whistle.
  const clearSweep = Math.sign(sweep || 1) * Math.max(0.25, Math.abs(sweep));
  switch (kind) {
    case 'whistle':
      return { kind, hz, seconds: seconds * 1.5, sweepOctaves: sweep * 0.12, rateHz: between(4, 9), depthOctaves: between(0, 0.02), partials: [1, decay * 0.3] }; // biome-ignore format: one kind a line
    case 'chirp':
      return {
        kind,
        hz,
        seconds,
        sweepOctaves: clearSweep,
        rateHz: 0,
        depthOctaves: 0,
        partials: [1, decay],
      };
    case 'trill':
      return { kind, hz, seconds: seconds * 2, sweepOctaves: sweep * 0.2, rateHz: between(14, 42), depthOctaves: between(0.06, 0.22), partials: [1, decay] }; // biome-ignore format: one kind a line
    case 'harmonic': {
      const overtones = 3 + rng.integer(4);
      const partials = Array.from({ length: overtones }, (_, k) => (0.4 + 2 * decay) ** k);
      return { kind, hz: hz / 2.5, seconds, sweepOctaves: sweep * 0.4, rateHz: 0, depthOctaves: 0, partials };
    }
  }
}
