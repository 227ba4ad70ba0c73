import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canTransition, isFinal, openStore, type RunState, runStates, type Store } from '#tracking';
import { PostgresServer, postgresBin } from './postgres-server.ts';

const root = mkdtempSync(join(tmpdir(), 'trainyard-store-model-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Operation =
  | { readonly type: 'create'; readonly experiment: number; readonly parent: number | null }
  | { readonly type: 'transition'; readonly run: number; readonly to: RunState }
  | { readonly type: 'tag'; readonly run: number; readonly key: string; readonly value: string | null }
  | { readonly type: 'param'; readonly run: number; readonly key: string; readonly value: number }
  | {
      readonly type: 'log';
      readonly run: number;
      readonly key: string;
      readonly step: number;
      readonly value: number;
    }
  | { readonly type: 'artifact'; readonly run: number; readonly path: string; readonly size: number }
  | { readonly type: 'remove'; readonly run: number; readonly path: string }
  | { readonly type: 'delete'; readonly run: number }
  | { readonly type: 'alias'; readonly alias: string; readonly version: number }
  | { readonly type: 'register' };

const run = fc.nat(30);
const key = fc.constantFrom('loss', 'Größe', `q'"uote`, '__proto__');
const path = fc.constantFrom('a', 'b/c', 'b/ü');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('create' as const),
      experiment: fc.nat(2),
      parent: fc.option(run),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('transition' as const),
      run,
      to: fc.constantFrom(...runStates),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('tag' as const),
      run,
      key,
      value: fc.option(fc.constantFrom('x', '')),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('param' as const), run, key, value: fc.nat(2) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('log' as const),
      run,
      key,
      step: fc.nat(5),
      value: fc.double(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('artifact' as const), run, path, size: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), run, path }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), run }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('alias' as const), alias: key, version: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('register' as const) }) },
);

interface ModelRun {
  readonly id: string;
  readonly experiment: string;
  readonly parent: ModelRun | undefined;
  state: RunState;
  readonly tags: Map<string, string>;
  readonly params: Map<string, number>;
  readonly points: Map<string, Map<number, number>>;
  readonly artifacts: Map<string, number>;
}

/** What a store should remember, as plainly as can be. */
class Model {
  runs: ModelRun[] = [];
  versions = 0;
  readonly aliases = new Map<string, number>();

  at(index: number): ModelRun | undefined {
    return this.runs.length === 0 ? undefined : this.runs[index % this.runs.length];
  }

  familyOf(top: ModelRun): ModelRun[] {
    return this.runs.filter((each) => {
      for (let above: ModelRun | undefined = each; above; above = above.parent)
        if (above === top) return true;
      return false;
    });
  }
}

let names = 0;

async function apply(store: Store, model: Model, prefix: string, step: Operation): Promise<void> {
  const target = 'run' in step ? model.at(step.run) : undefined;
  switch (step.type) {
    case 'create': {
      const parent = step.parent === null ? undefined : model.at(step.parent);
      const experiment = parent?.experiment ?? `${prefix} ${step.experiment}`;
      const id = `${prefix}_${names++}`;
      await store.createRun({ id, experimentName: experiment, ...(parent && { parentId: parent.id }) });
      const empty = { tags: new Map(), params: new Map(), points: new Map(), artifacts: new Map() };
      model.runs.push({ id, experiment, parent, state: 'NotStarted', ...empty });
      return;
    }
    case 'register':
      model.versions++;
      await store.registerModel({ name: prefix }, new Uint8Array(model.versions));
      return;
    case 'alias': {
      const pointing = store.setModelAlias(prefix, step.alias, step.version);
      if (step.version < 1 || step.version > model.versions)
        return expect(pointing).rejects.toThrow(/registered/);
      await pointing;
      model.aliases.set(step.alias, step.version);
      return;
    }
  }
  if (target === undefined) return;
  switch (step.type) {
    case 'transition': {
      const moving = store.transition(target.id, step.to);
      if (!canTransition(target.state, step.to)) return expect(moving).rejects.toThrow(/its state may go/);
      await moving;
      target.state = step.to;
      return;
    }
    case 'tag':
      await store.setTags(target.id, { [step.key]: step.value });
      if (step.value === null) target.tags.delete(step.key);
      else target.tags.set(step.key, step.value);
      return;
    case 'param':
      await store.setParams(target.id, { [step.key]: step.value });
      target.params.set(step.key, step.value);
      return;
    case 'log': {
      await store.logMetrics(target.id, [step]);
      const points = target.points.get(step.key) ?? new Map<number, number>();
      target.points.set(step.key, points.set(step.step, step.value));
      return;
    }
    case 'artifact':
      await store.putArtifact(target.id, step.path, new Uint8Array(step.size));
      target.artifacts.set(step.path, step.size);
      return;
    case 'remove': {
      const removing = store.deleteArtifact(target.id, step.path);
      if (!target.artifacts.delete(step.path))
        return expect(removing).rejects.toThrow(/artifact: must be one of/);
      return removing;
    }
    case 'delete': {
      const family = model.familyOf(target);
      const driven = family.some(
        ({ state }) => !isFinal(state) && state !== 'NotStarted' && state !== 'NotResponding',
      );
      const deleting = store.deleteRun(target.id);
      if (driven) return expect(deleting).rejects.toThrow(/must have ended/);
      await deleting;
      model.runs = model.runs.filter((each) => !family.includes(each));
    }
  }
}

async function compare(store: Store, model: Model, prefix: string): Promise<void> {
  for (const experiment of [0, 1, 2].map((i) => `${prefix} ${i}`)) {
    if ((await store.findExperiment(experiment)) === undefined) continue;
    const expected = model.runs.filter((each) => each.experiment === experiment).toReversed();
    const { items } = await store.listRuns({ experimentName: experiment, limit: 1000, withMetrics: true });
    expect(items.map(({ id, state, parentId }) => [id, state, parentId])).toEqual(
      expected.map(({ id, state, parent }) => [id, state, parent?.id ?? null]),
    );
    for (const [i, { id, tags, params, points, artifacts }] of expected.entries()) {
      expect(sorted(Object.entries(items[i]!.tags))).toEqual(sorted(tags));
      expect(sorted(Object.entries(items[i]!.params))).toEqual(sorted(params));
      const latest = [...points].map(([name, all]) => [name, all.get(Math.max(...all.keys()))! + 0] as const);
      expect(sorted(Object.entries(items[i]!.metrics ?? {}))).toEqual(sorted(latest));
      for (const [name, all] of points) {
        const history = await store.metricHistory(id, name);
        const wanted = [...all].sort(([a], [b]) => a - b).map(([at, value]) => [at, value + 0]);
        expect(history.map((point) => [point.step, point.value])).toEqual(wanted);
      }
      const files = (await store.listArtifacts(id)).items.map((item) => [item.path, item.size] as const);
      expect(files).toEqual(sorted(artifacts));
    }
    const keys = new Set(expected.flatMap(({ points }) => [...points.keys()]));
    expect(await store.listMetricKeys(experiment)).toEqual([...keys].sort());
  }
  for (const [alias, version] of model.aliases) {
    expect((await store.findModel(prefix, alias))?.version).toBe(version);
  }
  expect((await store.findModel(prefix))?.version).toBe(model.versions === 0 ? undefined : model.versions);
}

function sorted<V>(entries: Iterable<readonly [string, V]>): (readonly [string, V])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `sequences` × 100 operations, by two stores that take turns. */
async function check(open: () => Promise<Store>, sequences: number): Promise<void> {
  const stores = [await open(), await open()];
  const sequence = fc.array(operation, { minLength: 100, maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(sequence, async (operations) => {
      const prefix = `model${names++}`;
      const model = new Model();
      for (const [i, step] of operations.entries()) await apply(stores[i % 2]!, model, prefix, step);
      await compare(stores[0]!, model, prefix);
    }),
    { numRuns: sequences, seed: 4 },
  );
  for (const store of stores) await store.close();
}

describe('random operations leave what a plain model remembers', () => {
  it('1,000 on SQLite', () => check(() => openStore({ root: join(root, 'sqlite'), url: '' }), 10));

  describe.skipIf(postgresBin === undefined)('on PostgreSQL', () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await PostgresServer.start();
    });
    afterAll(() => server.stop());

    it('300', async () => {
      const url = await server.database('model');
      await check(() => openStore({ root: join(root, 'postgresql'), url }), 3);
    });
  });
});
