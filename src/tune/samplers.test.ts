import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArmSearch } from './arm-search.ts';
import { Flow2Sampler } from './flow2-sampler.ts';
import { RandomSampler } from './random-sampler.ts';
import type { Sampler } from './sampler.ts';
import type { Parameters, SearchSpace } from './space.ts';
import { validateParameters } from './validate-space.ts';

const space: SearchSpace = {
  x: { type: 'float', low: -5, high: 5 },
  rate: { type: 'float', low: 0.001, high: 1, log: true },
  depth: { type: 'int', low: 1, high: 12 },
  kind: { type: 'choice', values: ['a', 'b', 'c'] },
};
const start: Parameters = { x: -4, rate: 0.9, depth: 2, kind: 'a' };

/** Minimum 0 at x = 2, rate = 0.03, depth = 7, kind = 'b'. */
function loss(point: Parameters): number {
  return (
    (Number(point.x) - 2) ** 2 / 10 +
    Math.log10(Number(point.rate) / 0.03) ** 2 +
    (Number(point.depth) - 7) ** 2 / 20 +
    (point.kind === 'b' ? 0 : 0.5)
  );
}

function run(sampler: Sampler, trials: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < trials; i++) {
    const { id, parameters } = sampler.suggest();
    const value = loss(parameters);
    best = Math.min(best, value);
    sampler.tell(id, { loss: value, cost: 1 });
  }
  return best;
}

const makers: Record<string, (seed: number) => Sampler> = {
  RandomSampler: (seed) => new RandomSampler(space, seed),
  Flow2Sampler: (seed) => new Flow2Sampler(space, start, seed),
};

describe.each(Object.entries(makers))('%s keeps the contract of samplers', (_, make) => {
  it('stays inside its space whatever the outcomes and their order', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.tuple(fc.nat(3), fc.double({ noNaN: false })), { maxLength: 80 }),
        (seed, moves) => {
          const sampler = make(seed);
          const open: number[] = [];
          for (const [kind, value] of moves) {
            if (kind <= 1 || open.length === 0) {
              const { id, parameters } = sampler.suggest();
              validateParameters(space, parameters);
              open.push(id);
            } else if (kind === 2) sampler.tell(open.pop()!, { loss: value, cost: 1 });
            else sampler.forget(open.shift()!);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('goes on from a saved state exactly as the one that was saved', () => {
    const first = make(11);
    run(first, 17);
    const second = make(11);
    second.restore(JSON.parse(JSON.stringify(first.state())));
    for (let i = 0; i < 25; i++) {
      const a = first.suggest();
      const b = second.suggest();
      expect(b).toEqual(a);
      first.tell(a.id, { loss: loss(a.parameters), cost: 1 });
      second.tell(b.id, { loss: loss(b.parameters), cost: 1 });
    }
  });

  it('chooses other points with another seed', () => {
    const points = (seed: number) => {
      const sampler = make(seed);
      return Array.from({ length: 4 }, () => {
        const { id, parameters } = sampler.suggest();
        sampler.tell(id, { loss: loss(parameters), cost: 1 });
        return parameters;
      });
    };
    expect(points(1)).toEqual(points(1));
    expect(points(1)).not.toEqual(points(2));
  });
});

describe('Flow2Sampler', () => {
  it('begins at its start and finds a better point than random search in the mean', () => {
    expect(new Flow2Sampler(space, start, 0).suggest().parameters).toEqual(start);
    let ours = 0;
    let random = 0;
    for (let seed = 0; seed < 20; seed++) {
      ours += run(makers.Flow2Sampler(seed), 80);
      random += run(makers.RandomSampler(seed), 80);
    }
    expect(ours).toBeLessThan(random);
  });

  it('moves to a good point it is told about', () => {
    const sampler = new Flow2Sampler(space, start, 5);
    sampler.learn({ x: 2, rate: 0.03, depth: 7, kind: 'b' }, { loss: 0, cost: 1 });
    const { parameters } = sampler.suggest();
    expect(loss(parameters)).toBeLessThan(loss(start));
    expect(sampler.bestLoss).toBe(0);
  });
});

describe('ArmSearch', () => {
  const arm = (cost: number) => ({ space, start, cost });

  it('tries cheap arms more often than dear ones before anything is known', () => {
    const counts = { cheap: 0, dear: 0 };
    for (let seed = 0; seed < 200; seed++) {
      counts[new ArmSearch({ cheap: arm(1), dear: arm(9) }, seed).suggest().arm as 'cheap' | 'dear']++;
    }
    expect(counts.cheap).toBeGreaterThan(150);
    expect(counts.dear).toBeGreaterThan(2);
  });

  it('spends most trials on the arm that keeps winning, and some on the others', () => {
    const search = new ArmSearch({ good: arm(1), bad: arm(1) }, 7);
    const counts = { good: 0, bad: 0 };
    for (let i = 0; i < 120; i++) {
      const { id, arm: name, parameters } = search.suggest();
      counts[name as 'good' | 'bad']++;
      search.tell(id, { loss: loss(parameters) + (name === 'bad' ? 20 : 0), cost: 1 });
    }
    expect(counts.good).toBeGreaterThan(counts.bad);
    expect(counts.bad).toBeGreaterThan(0);
  });

  it('goes on from a saved state exactly as the one that was saved', () => {
    const arms = { a: arm(1), b: arm(3) };
    const first = new ArmSearch(arms, 2);
    const step = (search: ArmSearch) => {
      const suggestion = search.suggest();
      search.tell(suggestion.id, { loss: loss(suggestion.parameters), cost: suggestion.arm === 'a' ? 1 : 3 });
      return suggestion;
    };
    for (let i = 0; i < 15; i++) step(first);
    const second = new ArmSearch(arms, 2);
    second.restore(JSON.parse(JSON.stringify(first.state())));
    for (let i = 0; i < 30; i++) expect(step(second)).toEqual(step(first));
  });

  it('needs an arm', () => {
    expect(() => new ArmSearch({}, 0)).toThrow(/Allow at least one learner/);
  });
});
