import assert from 'node:assert/strict';
import type { StoreCase } from './store-conformance.ts';
import { textOf } from './store-file-cases.ts';
import {
  assertConfigError,
  assertDataError,
  freshName,
  impossibleNames,
  newRunId,
  readAll,
  strangeNames,
} from './store-samples.ts';

export const registryCases: readonly StoreCase[] = [
  [
    'a dataset gets a version for every new content, and the old one for the same',
    async (store, other) => {
      const name = freshName('dataset');
      const one = await store.registerDataset({
        name,
        fingerprint: 'aa',
        source: { path: 'bank.csv', options: { separator: ';' } },
        description: 'calls',
        tags: { year: '2014' },
      });
      const two = await other.registerDataset({ name, fingerprint: 'bb', source: {} });
      const again = await other.registerDataset({ name, fingerprint: 'aa', source: {} });
      assert.deepEqual([one.version, two.version, again.version], [1, 2, 1]);
      assert.deepEqual(again, one);
      assert.deepEqual(await store.findDataset(name), two);
      assert.deepEqual(await store.findDataset(name, 1), one);
      assert.equal(await store.findDataset(name, 3), undefined);
      const versions = await readAll((page) => store.listDatasetVersions(name, page), 1);
      assert.deepEqual(
        versions.map((dataset) => dataset.version),
        [2, 1],
      );
      await store.deleteDataset(name, 2);
      const three = await other.registerDataset({ name, fingerprint: 'cc', source: {} });
      assert.equal(three.version, 3, 'a version is never given twice');
      await store.deleteDataset(name);
      assert.equal(await other.findDataset(name), undefined);
      await assertDataError(store.deleteDataset(name), /Registered are/);
      await assertDataError(store.listDatasetVersions(name), /Registered are/);
    },
  ],
  [
    'processes that register the same content at once get one version',
    async (store, other) => {
      const name = freshName('dataset');
      const made = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          (i % 2 === 0 ? store : other).registerDataset({
            name,
            fingerprint: i < 6 ? 'same' : `own ${i}`,
            source: {},
          }),
        ),
      );
      assert.equal(new Set(made.slice(0, 6).map((dataset) => dataset.version)).size, 1);
      assert.equal(new Set(made.map((dataset) => dataset.version)).size, 5);
    },
  ],
  [
    'the list of datasets has the newest version of every name, in order',
    async (store) => {
      const prefix = freshName('list');
      const names = ['b', 'a', 'c'].map((letter) => `${prefix} ${letter}`);
      for (const name of names) {
        await store.registerDataset({ name, fingerprint: '1', source: {} });
        await store.registerDataset({ name, fingerprint: '2', source: {} });
      }
      const all = await readAll((page) => store.listDatasets(page), 2);
      assert.deepEqual(
        all.filter(({ name }) => name.startsWith(prefix)).map(({ name, version }) => [name, version]),
        names.toSorted().map((name) => [name, 2]),
      );
    },
  ],
  [
    'a model is stored with its bytes, its run and its numbers',
    async (store, other) => {
      const runId = await newRunId(store);
      for (const strange of strangeNames) {
        const name = `${strange}${freshName('')}`;
        const made = await store.registerModel(
          {
            name,
            description: strange,
            tags: { kind: strange },
            runId,
            metrics: { auc: 0.9, loss: Number.NaN },
          },
          new TextEncoder().encode('onnx'),
        );
        assert.deepEqual([made.version, made.size, made.runId], [1, 4, runId]);
        assert.deepEqual(made.metrics, { auc: 0.9, loss: Number.NaN });
        assert.deepEqual(await other.findModel(name), made);
        const { record, content } = await other.openModel(name, 1);
        assert.deepEqual(record, made);
        assert.equal(await textOf(content), 'onnx');
        assert.equal(await textOf((await other.openModel(name, 1, { start: 1, end: 2 })).content), 'nn');
      }
      for (const name of impossibleNames) {
        await assertConfigError(store.registerModel({ name }, new Uint8Array(1)), /model name/);
      }
    },
  ],
  [
    'processes that register models at once get a version each',
    async (store, other) => {
      const name = freshName('model');
      const made = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          (i % 2 === 0 ? store : other).registerModel({ name }, new Uint8Array([i])),
        ),
      );
      assert.deepEqual(made.map((model) => model.version).sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
      const versions = await readAll((page) => store.listModelVersions(name, page));
      assert.deepEqual(
        versions.map((model) => model.version),
        [8, 7, 6, 5, 4, 3, 2, 1],
      );
      assert.equal((await store.findModel(name))?.version, 8);
    },
  ],
  [
    'an alias points at one version, and every change of it is written down',
    async (store, other) => {
      const name = freshName('model');
      for (let i = 0; i < 3; i++) await store.registerModel({ name }, new Uint8Array([i]));
      await store.setModelAlias(name, 'champion', 1, { by: 'ann', reason: 'first' });
      await other.setModelAlias(name, 'champion', 2, { by: 'bob', reason: "better: '<b>'" });
      await other.setModelAlias(name, 'champion', 2);
      await store.setModelAlias(name, 'old', 1);
      assert.equal((await store.findModel(name, 'champion'))?.version, 2);
      assert.deepEqual((await store.findModel(name, 2))?.aliases, ['champion']);
      assert.equal(await store.findModel(name, 'nobody'), undefined);
      await assertConfigError(store.deleteModel(name, 2), /"champion"/);
      await store.setModelAlias(name, 'champion', null, { reason: 'withdrawn' });
      assert.equal(await other.findModel(name, 'champion'), undefined);
      const log = await readAll((page) => other.listPromotions(name, page), 2);
      assert.deepEqual(
        log.map(({ alias, fromVersion, toVersion, by, reason }) => [
          alias,
          fromVersion,
          toVersion,
          by,
          reason,
        ]),
        [
          ['champion', 2, null, '', 'withdrawn'],
          ['old', null, 1, '', ''],
          ['champion', 1, 2, 'bob', "better: '<b>'"],
          ['champion', null, 1, 'ann', 'first'],
        ],
      );
      await assertDataError(store.setModelAlias(name, 'champion', 9), /1, 2, 3/);
      await store.deleteModel(name, 2);
      assert.equal((await other.registerModel({ name }, new Uint8Array([9]))).version, 4);
      await assertDataError(store.openModel(name, 2), /1, 3, 4/);
      await assertDataError(store.deleteModel(name, 2), /1, 3, 4/);
    },
  ],
  [
    'the list of models has the newest version of every name',
    async (store) => {
      const name = freshName('model');
      await store.registerModel({ name }, new Uint8Array([1]));
      await store.registerModel({ name }, new Uint8Array([2]));
      await store.setModelAlias(name, 'best', 2);
      const found = (await readAll((page) => store.listModels(page))).filter((model) => model.name === name);
      assert.deepEqual(
        found.map(({ version, aliases }) => [version, aliases]),
        [[2, ['best']]],
      );
    },
  ],
  [
    'a published pipeline is active until it is disabled',
    async (store, other) => {
      const name = freshName('pipeline');
      const definition = { steps: [{ name: 'train', script: "it's <b>" }], parameters: { rate: 0.1 } };
      const made = await store.publishPipeline({
        name,
        description: 'd',
        version: '1.0',
        definition,
        runId: null,
      });
      assert.equal(made.status, 'Active');
      assert.deepEqual(await other.findPublishedPipeline(made.id), made);
      const next = await store.publishPipeline({ ...made, version: '2.0' });
      assert.notEqual(next.id, made.id);
      await other.setPublishedStatus(made.id, 'Disabled');
      assert.equal((await store.findPublishedPipeline(made.id))?.status, 'Disabled');
      const all = await readAll((page) => store.listPublishedPipelines(page));
      assert.deepEqual(
        all.filter((pipeline) => pipeline.name === name).map((pipeline) => pipeline.version),
        ['2.0', '1.0'],
      );
      assert.equal(await store.findPublishedPipeline('nobody'), undefined);
      await assertDataError(store.setPublishedStatus('nobody', 'Active'), /"nobody"/);
    },
  ],
  [
    'a token is found by its hash, expired and revoked ones too',
    async (store, other) => {
      const hash = freshName('hash');
      const made = await store.createToken({
        name: 'ci <b>',
        hash,
        scopes: ['read', 'submit'],
        expiresAt: '2001-01-01T00:00:00.000Z',
      });
      assert.deepEqual(await other.findTokenByHash(hash), made);
      assert.ok(!JSON.stringify(made).includes(hash), 'the hash is not shown');
      await other.revokeToken(made.id);
      const revoked = await store.findTokenByHash(hash);
      assert.ok(revoked?.revokedAt);
      await store.revokeToken(made.id);
      assert.deepEqual(await store.findTokenByHash(hash), revoked);
      assert.deepEqual(
        (await store.listTokens()).filter((token) => token.id === made.id),
        [revoked],
      );
      assert.equal(await store.findTokenByHash('nobody'), undefined);
      await assertDataError(store.revokeToken('nobody'), /"nobody"/);
      await assertConfigError(
        store.createToken({ name: 'x', hash: 'y', scopes: [], expiresAt: null }),
        /scopes/,
      );
      await assertConfigError(
        store.createToken({ name: 'x', hash: 'y', scopes: ['read'], expiresAt: 'soon' }),
        /expiresAt/,
      );
    },
  ],
  [
    'outputs are reused by key, and the last ones of a step are found whatever their key',
    async (store, other) => {
      const runId = await newRunId(store);
      const key = freshName('key');
      const stepName = freshName('step');
      const output = await store.putArtifact(runId, 'out', new Uint8Array([1]));
      const record = {
        key,
        stepName,
        runId,
        components: { source: 'abc', seed: 1 },
        outputs: { out: output },
      };
      const first = await store.putReusable(record);
      assert.deepEqual(await other.findReusable(key), first);
      assert.deepEqual({ ...record, createdAt: first.createdAt }, first);
      const second = await other.putReusable({ ...record, components: { source: 'abd', seed: 1 } });
      assert.deepEqual(await store.findReusable(key), second);
      const third = await store.putReusable({ ...record, key: freshName('key') });
      assert.deepEqual(await other.findLastStep(stepName), third);
      assert.equal(await store.findReusable('nobody'), undefined);
      assert.equal(await store.findLastStep('nobody'), undefined);
      await assertDataError(store.putReusable({ ...record, runId: 'nobody' }), /"nobody"/);
      await store.transition(runId, 'Completed');
      await store.deleteRun(runId);
      assert.equal(await store.findReusable(key), undefined, 'its outputs are gone');
    },
  ],
];
