import assert from 'node:assert/strict';
import { canTransition, type RunState, runStates } from '#tracking';
import type { StoreCase } from './store-conformance.ts';
import {
  assertConfigError,
  assertDataError,
  freshName,
  impossibleNames,
  newRunId,
  readAll,
  strangeNames,
} from './store-samples.ts';

export const experimentCases: readonly StoreCase[] = [
  [
    'an experiment is made once, and the other process finds it',
    async (store, other) => {
      const name = freshName('experiment');
      assert.equal(await store.findExperiment(name), undefined);
      const made = await store.ensureExperiment(name, { description: 'first', tags: { team: 'bank' } });
      assert.deepEqual(await other.ensureExperiment(name, { description: 'second' }), made);
      assert.deepEqual(await other.findExperiment(name), made);
      assert.equal(made.description, 'first');
      assert.deepEqual(made.tags, { team: 'bank' });
      assert.match(made.createdAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    },
  ],
  [
    'eight calls at once from two processes make one experiment',
    async (store, other) => {
      const name = freshName('experiment');
      const made = await Promise.all(
        Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? store : other).ensureExperiment(name)),
      );
      assert.equal(new Set(made.map((experiment) => experiment.id)).size, 1);
    },
  ],
  [
    'names of any script, with quotes, SQL and HTML, are kept as they are',
    async (store, other) => {
      for (const strange of strangeNames) {
        const name = `${strange}${freshName('')}`;
        const run = await store.createRun({
          experimentName: name,
          name: strange,
          description: strange,
          tags: { [strange]: strange },
          params: { [strange]: [strange, { [strange]: 'a\0b' }] },
        });
        assert.deepEqual(await other.getRun(run.id), run);
        assert.equal(run.experimentName, name);
        assert.equal(run.name, strange);
        assert.deepEqual(Object.entries(run.tags), [[strange, strange]]);
        assert.deepEqual(Object.entries(run.params), [[strange, [strange, { [strange]: 'a\0b' }]]]);
        const { items } = await other.listRuns({ experimentName: name, tags: { [strange]: strange } });
        assert.deepEqual(
          items.map((item) => item.id),
          [run.id],
        );
        await store.logMetrics(run.id, [{ key: strange, value: 1 }]);
        assert.deepEqual(Object.entries(await other.latestMetrics(run.id)), [[strange, 1]]);
      }
    },
  ],
  [
    'names that are empty, too long, or no UTF-8 are refused',
    async (store) => {
      for (const name of impossibleNames) {
        await assertConfigError(store.ensureExperiment(name), /experiment name/);
        await assertConfigError(store.createRun({ experimentName: name }), /experiment name/);
      }
      const run = await newRunId(store);
      await assertConfigError(store.setTags(run, { 'nul\0': 'x' }), /tags/);
      await assertConfigError(store.setTags(run, { x: 'nul\0' }), /tags/);
      await assertConfigError(store.createRun({ experimentName: 'x', name: 'nul\0' }), /run name/);
    },
  ],
  [
    'a list of experiments goes on where it was, whatever is added meanwhile',
    async (store, other) => {
      const names = Array.from({ length: 5 }, () => freshName('experiment'));
      for (const name of names) await store.ensureExperiment(name);
      const first = await store.listExperiments({ limit: 2 });
      await other.ensureExperiment(freshName('experiment'));
      assert.ok(first.next !== undefined);
      const second = await store.listExperiments({ limit: 3, cursor: first.next });
      assert.deepEqual(
        [...first.items, ...second.items].map((experiment) => experiment.name),
        names.toReversed(),
      );
    },
  ],
  [
    'a deleted experiment takes its runs along, and its name is free again',
    async (store, other) => {
      const name = freshName('experiment');
      const run = await store.createRun({ experimentName: name, state: 'Running' });
      await store.logMetrics(run.id, [{ key: 'loss', value: 1 }]);
      await store.putArtifact(run.id, 'model.onnx', new Uint8Array([1]));
      await assertConfigError(store.deleteExperiment(name), new RegExp(run.id));
      await store.transition(run.id, 'Completed');
      const before = await store.findExperiment(name);
      await other.deleteExperiment(name);
      assert.equal(await store.findExperiment(name), undefined);
      assert.equal(await store.findRun(run.id), undefined);
      const again = await store.createRun({ id: run.id, experimentName: name });
      assert.notEqual(again.experimentId, before?.id);
      assert.deepEqual(await store.latestMetrics(run.id), {});
      assert.equal(await store.findArtifact(run.id, 'model.onnx'), undefined);
      assert.deepEqual(await store.listMetricKeys(name), []);
    },
  ],
  [
    'an unknown experiment is an error that says which is near',
    async (store) => {
      const name = freshName('experiment');
      await store.ensureExperiment(name);
      await assertDataError(store.deleteExperiment(`${name}x`), /Did you mean/);
      await assertDataError(store.listRuns({ experimentName: `${name}x` }), /Did you mean/);
      await assertDataError(store.listMetricKeys(`${name}x`), /Did you mean/);
    },
  ],
];

export const runCases: readonly StoreCase[] = [
  [
    'a run comes back as it was made',
    async (store, other) => {
      const experimentName = freshName('experiment');
      const made = await store.createRun({
        experimentName,
        kind: 'pipeline',
        name: 'train',
        description: 'all of it',
        tags: { a: '1' },
        params: { rate: 0.1, layers: [1, 2], nothing: null },
        properties: { graph: { steps: [] } },
      });
      assert.deepEqual(await other.getRun(made.id), made);
      assert.deepEqual(await other.findRun(made.id), made);
      assert.equal(made.state, 'NotStarted');
      assert.equal(made.rootId, made.id);
      assert.equal(made.parentId, null);
      assert.equal(made.owner, null);
      assert.equal(made.startedAt, null);
      assert.deepEqual(made.params, { rate: 0.1, layers: [1, 2], nothing: null });
    },
  ],
  [
    'children know their parent and the topmost run',
    async (store) => {
      const experimentName = freshName('experiment');
      const top = await store.createRun({ experimentName });
      const child = await store.createRun({ experimentName, parentId: top.id, kind: 'automl' });
      const trial = await store.createRun({
        id: `${child.id}_0`,
        experimentName,
        parentId: child.id,
        kind: 'trial',
      });
      assert.deepEqual([trial.parentId, trial.rootId, trial.kind], [child.id, top.id, 'trial']);
      const children = await store.listRuns({ parentId: top.id });
      assert.deepEqual(
        children.items.map((run) => run.id),
        [child.id],
      );
      const tops = await store.listRuns({ parentId: null, experimentName });
      assert.deepEqual(
        tops.items.map((run) => run.id),
        [top.id],
      );
      await assertConfigError(
        store.createRun({ experimentName: freshName('other'), parentId: top.id }),
        /parent's experiment/,
      );
      await assertDataError(store.createRun({ experimentName, parentId: 'nobody' }), /"nobody"/);
    },
  ],
  [
    'an id is used once, and is a safe name of a folder',
    async (store, other) => {
      const experimentName = freshName('experiment');
      const { id } = await store.createRun({ experimentName });
      await assertConfigError(other.createRun({ id, experimentName }), /unique/);
      for (const bad of ['', '../up', 'a/b', '.hidden', 'nul\0', 'ü', 'x'.repeat(201)]) {
        await assertConfigError(store.createRun({ id: bad, experimentName }), /run id/);
      }
    },
  ],
  [
    'values that JSON cannot hold are refused by their name',
    async (store) => {
      const experimentName = freshName('experiment');
      const params = { fine: 1, broken: Number.NaN };
      await assertConfigError(store.createRun({ experimentName, params }), /params\.broken/);
      assert.equal(await store.findExperiment(experimentName), undefined);
      const id = await newRunId(store);
      const circle: Record<string, never> = {};
      Object.assign(circle, { circle });
      await assertConfigError(store.setParams(id, circle), /nested/);
      await assertConfigError(store.setProperties(id, { deep: [{ far: Infinity }] }), /deep\[0\]\.far/);
    },
  ],
  [
    'a run goes only where its state allows, and says when',
    async (store) => {
      for (const from of runStates) {
        for (const to of runStates) {
          const { id } = await store.createRun({ experimentName: 'transitions', state: from });
          if (canTransition(from, to)) {
            const run = await store.transition(id, to);
            assert.equal(run?.state, to);
          } else {
            await assertConfigError(store.transition(id, to), new RegExp(`from ${from} to`));
            assert.equal((await store.getRun(id)).state, from);
          }
        }
      }
      const { id } = await store.createRun({ experimentName: 'transitions' });
      const running = await store.transition(id, 'Running');
      assert.ok(running?.startedAt);
      const failed = await store.transition(id, 'Failed', { error: 'It broke.' });
      assert.equal(failed?.error, 'It broke.');
      assert.ok(failed?.endedAt);
      const again = await store.transition(id, 'Queued');
      assert.deepEqual([again?.endedAt, again?.error], [null, null]);
      assert.equal(again?.startedAt, running?.startedAt);
    },
  ],
  [
    'of two processes that narrow a transition by the state before, one wins',
    async (store, other) => {
      const id = await newRunId(store, 'NotStarted');
      const answers = await Promise.all(
        [store, other, store, other].map((process) =>
          process.transition(id, 'Queued', { from: ['NotStarted'] }),
        ),
      );
      assert.equal(answers.filter((run) => run !== undefined).length, 1);
    },
  ],
  [
    'tags are added, replaced and removed, and found',
    async (store, other) => {
      const experimentName = freshName('experiment');
      const { id } = await store.createRun({ experimentName, tags: { a: '1', b: '2' } });
      await other.setTags(id, { b: '3', c: '4', a: null });
      assert.deepEqual((await store.getRun(id)).tags, { b: '3', c: '4' });
      const found = async (tags: Record<string, string>) =>
        (await store.listRuns({ experimentName, tags })).items.length;
      assert.deepEqual(
        [await found({ b: '3', c: '4' }), await found({ b: '2' }), await found({ a: '1' })],
        [1, 0, 0],
      );
      assert.equal(await found({ b: '3', c: '5' }), 0);
    },
  ],
  [
    'the same parameter again is no change, another value is amended and told',
    async (store) => {
      const id = await newRunId(store);
      await store.setParams(id, { rate: 0.1, depth: 3 });
      await store.setParams(id, { rate: 0.1 });
      await store.setParams(id, { depth: 4 });
      assert.deepEqual((await store.getRun(id)).params, { rate: 0.1, depth: 4 });
      const amended = (await store.readEvents(id)).filter((event) => event.type === 'amended');
      assert.deepEqual(
        amended.map((event) => event.data),
        [{ param: 'depth', from: 3, to: 4 }],
      );
    },
  ],
  [
    'properties are merged, and null removes one',
    async (store, other) => {
      const id = await newRunId(store);
      await store.setProperties(id, { a: 1, b: { c: 2 } });
      await other.setProperties(id, { a: null, d: [3] });
      assert.deepEqual((await store.getRun(id)).properties, { b: { c: 2 }, d: [3] });
    },
  ],
  [
    'two processes that set different tags and properties at once lose none',
    async (store, other) => {
      const id = await newRunId(store);
      const keys = Array.from({ length: 20 }, (_, i) => `key${i}`);
      await Promise.all(
        keys.flatMap((key, i) => {
          const process = i % 2 === 0 ? store : other;
          return [process.setTags(id, { [key]: key }), process.setProperties(id, { [key]: i })];
        }),
      );
      const run = await store.getRun(id);
      assert.deepEqual(Object.keys(run.tags).sort(), keys.toSorted());
      assert.deepEqual(Object.keys(run.properties).sort(), keys.toSorted());
    },
  ],
  [
    'runs are listed newest or oldest first, by state and kind, and pages survive inserts',
    async (store, other) => {
      const experimentName = freshName('experiment');
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        const state: RunState = i % 2 === 0 ? 'Running' : 'Completed';
        ids.push((await store.createRun({ experimentName, state, kind: i < 2 ? 'step' : 'run' })).id);
      }
      const first = await store.listRuns({ experimentName, limit: 3 });
      await other.createRun({ experimentName });
      const rest = await store.listRuns({ experimentName, limit: 100, cursor: first.next ?? '' });
      assert.deepEqual(
        [...first.items, ...rest.items].map((run) => run.id),
        ids.toReversed(),
      );
      assert.equal(rest.next, undefined);
      const oldest = await readAll((page) => store.listRuns({ experimentName, order: 'oldest', ...page }), 2);
      assert.deepEqual(oldest.map((run) => run.id).slice(0, 7), ids);
      const completed = await store.listRuns({ experimentName, states: ['Completed', 'Failed'] });
      assert.deepEqual(
        completed.items.map((run) => run.id),
        [ids[5], ids[3], ids[1]],
      );
      const steps = await store.listRuns({ experimentName, kinds: ['step'] });
      assert.deepEqual(
        steps.items.map((run) => run.id),
        [ids[1], ids[0]],
      );
      assert.deepEqual((await store.listRuns({ experimentName, states: [] })).items, []);
    },
  ],
  [
    'a wrong limit or cursor is refused',
    async (store) => {
      for (const limit of [0, 1001, 1.5, Number.NaN]) {
        await assertConfigError(store.listRuns({ limit }), /limit/);
      }
      for (const cursor of ['', 'x', 'bm9uZQ', Buffer.from('"a"').toString('base64url')]) {
        await assertConfigError(store.listRuns({ cursor }), /cursor/);
      }
    },
  ],
  [
    'a deleted run takes its descendants along and leaves its siblings',
    async (store, other) => {
      const experimentName = freshName('experiment');
      const top = await store.createRun({ experimentName });
      const gone = await store.createRun({ experimentName, parentId: top.id });
      const below = await store.createRun({ experimentName, parentId: gone.id, state: 'Running' });
      const stays = await store.createRun({ experimentName, parentId: top.id });
      await assertConfigError(store.deleteRun(gone.id), new RegExp(below.id));
      await store.transition(below.id, 'Failed');
      await other.deleteRun(gone.id);
      assert.equal(await store.findRun(gone.id), undefined);
      assert.equal(await store.findRun(below.id), undefined);
      assert.ok(await store.findRun(stays.id));
      assert.ok((await store.readEvents(top.id)).every((event) => event.runId !== below.id));
      await assertDataError(store.deleteRun(gone.id), new RegExp(gone.id));
    },
  ],
  [
    'a run that is not there is an error wherever it is named',
    async (store) => {
      const calls: readonly (() => Promise<unknown>)[] = [
        () => store.getRun('nobody'),
        () => store.transition('nobody', 'Running'),
        () => store.setTags('nobody', { a: 'b' }),
        () => store.setParams('nobody', { a: 1 }),
        () => store.setProperties('nobody', { a: 1 }),
        () => store.logMetrics('nobody', [{ key: 'a', value: 1 }]),
        () => store.latestMetrics('nobody'),
        () => store.metricHistory('nobody', 'a'),
        () => store.appendEvent('nobody', 'x', null),
        () => store.readEvents('nobody'),
        () => store.appendLog('nobody', 'x'),
        () => store.readLog('nobody'),
        () => store.putArtifact('nobody', 'a', new Uint8Array(1)),
        () => store.listArtifacts('nobody'),
      ];
      for (const call of calls) await assertDataError(call(), /"nobody"/);
      assert.equal(await store.findRun('nobody'), undefined);
    },
  ],
];
