import assert from 'node:assert/strict';
import type { RunEvent, Store } from '#tracking';
import type { StoreCase } from './store-conformance.ts';
import { assertConfigError, assertDataError, freshName, newRunId, readAll } from './store-samples.ts';

export const eventCases: readonly StoreCase[] = [
  [
    'events of a run and all below it come in order, each once, from where a reader was',
    async (store, other) => {
      const experimentName = freshName('experiment');
      const top = await store.createRun({ experimentName });
      const child = await other.createRun({ experimentName, parentId: top.id });
      const below = await store.createRun({ experimentName, parentId: child.id });
      const stranger = await newRunId(other);
      await store.transition(child.id, 'Running');
      const own = await other.appendEvent(below.id, 'epoch', { epoch: 1, of: [1, 2] });
      await store.appendEvent(stranger, 'epoch', null);
      const all = await store.readEvents(top.id);
      assert.deepEqual(
        all.map(({ runId, type }) => [runId, type]),
        [
          [top.id, 'created'],
          [child.id, 'created'],
          [below.id, 'created'],
          [child.id, 'state'],
          [below.id, 'epoch'],
        ],
      );
      assert.deepEqual(all.at(-1), own);
      assert.ok(all.every((event, i) => i === 0 || event.seq > all[i - 1]!.seq));
      assert.ok(all.every((event) => event.rootId === top.id));
      assert.deepEqual(await store.readEvents(top.id, { after: all[1]!.seq, limit: 2 }), all.slice(2, 4));
      const ofChild = await store.readEvents(child.id);
      assert.deepEqual(
        ofChild.map(({ runId }) => runId),
        [child.id, below.id, child.id, below.id],
      );
    },
  ],
  [
    'a reader that follows two processes misses no event',
    async (store, other) => {
      const id = await newRunId(store);
      const seen: RunEvent[] = [];
      const each = 60;
      const write = async (process: Store, from: string) => {
        await Promise.all(Array.from({ length: each }, (_, i) => process.appendEvent(id, from, i)));
      };
      let isDone = false;
      const follow = async () => {
        for (;;) {
          const wasDone = isDone;
          const events = await store.readEvents(id, { after: seen.at(-1)?.seq ?? 0, limit: 10 });
          seen.push(...events);
          if (wasDone && events.length === 0) return;
        }
      };
      const following = follow();
      await Promise.all([write(store, 'one'), write(other, 'two')]);
      isDone = true;
      await following;
      const count = (type: string) => seen.filter((event) => event.type === type).length;
      assert.deepEqual([count('one'), count('two')], [each, each]);
    },
  ],
  [
    'metrics are announced before the run ends, in few events',
    async (store) => {
      const id = await newRunId(store);
      for (let step = 0; step < 50; step++) {
        await store.logMetrics(id, [{ key: 'loss', value: step === 49 ? Number.NaN : step, step }]);
      }
      await store.transition(id, 'Completed');
      const events = await store.readEvents(id);
      assert.equal(events.at(-1)?.type, 'state');
      const told = events.filter((event) => event.type === 'metrics');
      assert.ok(told.length > 0 && told.length < 25, `${told.length} events`);
      assert.deepEqual(told.at(-1)?.data, { loss: { step: 49, value: 'NaN' } });
    },
  ],
  [
    'what an event holds must be JSON',
    async (store) => {
      const id = await newRunId(store);
      await assertConfigError(store.appendEvent(id, 'x', { a: Number.NaN }), /event data\.a/);
      await assertConfigError(store.appendEvent(id, '', null), /event type/);
      await assertConfigError(store.readEvents(id, { after: -1 }), /after/);
    },
  ],
  [
    'a log grows at its end and is read in parts',
    async (store, other) => {
      const id = await newRunId(store);
      assert.deepEqual(await store.readLog(id), { text: '', next: 0 });
      await store.appendLog(id, 'first line\n');
      await other.appendLog(id, 'größer 🚂\n');
      const whole = await store.readLog(id);
      assert.equal(whole.text, 'first line\ngrößer 🚂\n');
      const rest = await other.readLog(id, { offset: 11 });
      assert.equal(rest.text, 'größer 🚂\n');
      assert.equal(rest.next, whole.next);
      assert.deepEqual(await store.readLog(id, { offset: whole.next }), { text: '', next: whole.next });
      let text = '';
      for (let offset = 0; offset < whole.next; ) {
        const part = await store.readLog(id, { offset, maxBytes: 5 });
        assert.ok(part.next > offset, 'goes on');
        text += part.text;
        offset = part.next;
      }
      assert.equal(text, whole.text, 'no character is cut');
    },
  ],
];

export const artifactCases: readonly StoreCase[] = [
  [
    'an artefact comes back with its size and digest, whole or in part',
    async (store, other) => {
      const id = await newRunId(store);
      const bytes = new TextEncoder().encode('0123456789');
      const put = await store.putArtifact(id, 'outputs/model.onnx', bytes);
      assert.deepEqual(put, await other.findArtifact(id, 'outputs/model.onnx'));
      assert.equal(put.size, 10);
      assert.equal(put.sha256, '84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882');
      const read = async (range?: { start?: number; end?: number }) => {
        const { record, content } = await other.openArtifact(id, 'outputs/model.onnx', range);
        assert.deepEqual(record, put);
        return textOf(content);
      };
      assert.equal(await read(), '0123456789');
      assert.equal(await read({ start: 2, end: 4 }), '234');
      assert.equal(await read({ start: 7 }), '789');
      const events = await store.readEvents(id);
      assert.deepEqual(events.at(-1)?.data, { path: put.path, size: put.size, sha256: put.sha256 });
    },
  ],
  [
    'an artefact put again replaces the first, unless its digest is not the expected one',
    async (store) => {
      const id = await newRunId(store);
      const encoder = new TextEncoder();
      await store.putArtifact(id, 'a', encoder.encode('old'));
      await assertConfigError(
        store.putArtifact(id, 'a', encoder.encode('torn'), { sha256: '0'.repeat(64) }),
        /sha256|digest|checksum/i,
      );
      await assertConfigError(store.putArtifact(id, 'a', encoder.encode('torn'), { size: 9 }), /size|bytes/);
      assert.equal(await textOf((await store.openArtifact(id, 'a')).content), 'old');
      await store.putArtifact(id, 'a', encoder.encode('newer'));
      assert.equal(await textOf((await store.openArtifact(id, 'a')).content), 'newer');
      assert.equal((await store.findArtifact(id, 'a'))?.size, 5);
    },
  ],
  [
    'artefacts are listed by path, by prefix, page by page',
    async (store, other) => {
      const id = await newRunId(store);
      const paths = ['a/1', 'a/2', 'a/ü', 'a%/x', 'a_b', 'b/1', 'b/2/3'];
      for (const path of paths) await store.putArtifact(id, path, new Uint8Array(1));
      const list = async (prefix: string) =>
        (await readAll((page) => other.listArtifacts(id, { prefix, ...page }), 2)).map((item) => item.path);
      assert.deepEqual(await list(''), paths.toSorted());
      assert.deepEqual(await list('a/'), ['a/1', 'a/2', 'a/ü']);
      assert.deepEqual(await list('a%'), ['a%/x']);
      assert.deepEqual(await list('a_'), ['a_b']);
      assert.deepEqual(await list('c'), []);
      await other.deleteArtifact(id, 'a/1');
      assert.deepEqual(await list('a/'), ['a/2', 'a/ü']);
      await assertDataError(store.openArtifact(id, 'a/1'), /"a\/1".*a\/2/s);
      await assertDataError(store.deleteArtifact(id, 'a/1'), /"a\/1"/);
    },
  ],
  [
    'a path that could leave the folder of its run is refused',
    async (store) => {
      const id = await newRunId(store);
      for (const path of [
        '',
        '.',
        '..',
        '../up',
        'a/../../b',
        '/etc/passwd',
        'a//b',
        'a\\b',
        'nul\0',
        'a/',
      ]) {
        await assertConfigError(store.putArtifact(id, path, new Uint8Array(1)), /path/);
        await assertConfigError(store.findArtifact(id, path), /path/);
      }
      assert.deepEqual((await store.listArtifacts(id)).items, []);
    },
  ],
];

export async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of content) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
