import assert from 'node:assert/strict';
import { currentOwner, RuntimeFailure } from '#core';
import type { RunOwner, RunRecord } from '#tracking';
import type { StoreCase } from './store-conformance.ts';
import { freshName, newRunId } from './store-samples.ts';

const here = currentOwner();
/** A process of this host that is gone: the same number, started at another time. */
const gone: RunOwner = { ...here, startTime: '1' };
const elsewhere: RunOwner = { host: 'another-host.invalid', pid: 1, startTime: '1' };

export const leaseCases: readonly StoreCase[] = [
  [
    'a run belongs to one living process at a time',
    async (store, other) => {
      const id = await newRunId(store);
      assert.equal(await store.claimRun(id, gone), true);
      assert.equal(await other.claimRun(id, here), true, 'the process before is gone');
      assert.equal(await store.claimRun(id, here), true, 'again by the same process');
      assert.equal(await store.claimRun(id, elsewhere), false);
      assert.deepEqual((await other.getRun(id)).owner, here);
    },
  ],
  [
    'a run of another host is given up only when it no longer responds',
    async (store, other) => {
      const id = await newRunId(store);
      await store.claimRun(id, elsewhere);
      assert.equal(await store.claimRun(id, here), false);
      assert.deepEqual(await ofRun(other.markNotResponding({ timeoutSeconds: 3600 }), id), []);
      const [lost] = await ofRun(other.markNotResponding({ timeoutSeconds: 0 }), id);
      assert.equal(lost?.state, 'NotResponding');
      assert.equal(await store.claimRun(id, here), true);
    },
  ],
  [
    'a heartbeat counts, answers the state, and brings a cancel request',
    async (store, other) => {
      const id = await newRunId(store);
      await store.claimRun(id, here);
      const before = (await store.getRun(id)).heartbeat;
      assert.equal(await store.heartbeat(id, here), 'Running');
      assert.ok((await store.getRun(id)).heartbeat > before);
      await other.transition(id, 'CancelRequested');
      assert.equal(await store.heartbeat(id, here), 'CancelRequested');
      await other.transition(id, 'Canceled');
      assert.equal(await store.heartbeat(id, here), 'Canceled');
    },
  ],
  [
    'a process that lost its run to another is told so',
    async (store) => {
      const id = await newRunId(store);
      await store.claimRun(id, here);
      await assert.rejects(store.heartbeat(id, gone), RuntimeFailure);
    },
  ],
  [
    'the run of a process that is gone goes to NotResponding with the children that nobody claimed',
    async (store, other) => {
      const experimentName = freshName('experiment');
      const top = await store.createRun({ experimentName, state: 'Running' });
      const step = await store.createRun({ experimentName, state: 'Running', parentId: top.id });
      const done = await store.createRun({ experimentName, state: 'Completed', parentId: top.id });
      const claimed = await store.createRun({ experimentName, state: 'Running', parentId: top.id });
      await store.claimRun(top.id, gone);
      await store.claimRun(claimed.id, here);
      const found = await other.markNotResponding();
      assert.deepEqual(
        found.map((run) => run.id).filter((id) => [top.id, step.id, done.id, claimed.id].includes(id)),
        [top.id, step.id],
      );
      assert.equal((await store.getRun(top.id)).state, 'NotResponding');
      assert.match((await store.getRun(top.id)).error ?? '', new RegExp(String(gone.pid)));
      assert.equal((await store.getRun(step.id)).state, 'NotResponding');
      assert.equal((await store.getRun(done.id)).state, 'Completed');
      assert.equal((await store.getRun(claimed.id)).state, 'Running');
      assert.deepEqual(await ofRun(other.markNotResponding(), top.id), [], 'found once');
    },
  ],
  [
    'an owner that comes back goes on with what it did',
    async (store, other) => {
      for (const state of ['Running', 'CancelRequested', 'Preparing'] as const) {
        const { id } = await store.createRun({ experimentName: 'leases', state });
        await store.claimRun(id, elsewhere);
        await other.markNotResponding({ timeoutSeconds: 0 });
        assert.equal((await store.getRun(id)).state, 'NotResponding');
        const back = await store.heartbeat(id, elsewhere);
        assert.equal(back, state === 'Preparing' ? 'Running' : state);
        assert.equal((await store.getRun(id)).error, null);
        await store.transition(id, 'Canceled');
      }
    },
  ],
  [
    'runs that nobody drives are left alone',
    async (store) => {
      const waiting = await newRunId(store, 'NotStarted');
      await store.claimRun(waiting, gone);
      const free = await newRunId(store);
      const found = (await store.markNotResponding({ timeoutSeconds: 0 })).map((run) => run.id);
      assert.ok(!found.includes(waiting) && !found.includes(free));
    },
  ],
];

async function ofRun(found: Promise<readonly RunRecord[]>, id: string): Promise<readonly RunRecord[]> {
  return (await found).filter((run) => run.id === id);
}
