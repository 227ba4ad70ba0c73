import { createHash } from 'node:crypto';
import { version } from '#core';
import type { ArtifactRecord, Json, Store } from '#tracking';
import { TabularDataset, type Workspace } from '#workspace';
import { fillIn, type StepDefinition } from './definition.ts';
import { digestSource } from './step-source.ts';

/** An output of a finished step: which artefact of which run. */
export interface StoredOutput {
  readonly runId: string;
  readonly artifacts: Readonly<Record<string, ArtifactRecord>>;
}

/** Outputs of finished steps, by step and output. */
export type FinishedOutputs = ReadonlyMap<string, ReadonlyMap<string, StoredOutput>>;

/** What decides whether a step's outputs may be taken over, part by part. */
export interface ReuseKey {
  readonly key: string;
  readonly components: Readonly<Record<string, Json>>;
}

/**
 * The reuse key of a step: digest of its source, settings, content of its inputs, and the version of Trainyard. Each
 * part is kept by name, so that a difference can be told.
 */
export async function reuseKeyOf(
  workspace: Workspace,
  step: StepDefinition,
  parameters: Readonly<Record<string, Json>>,
  finished: FinishedOutputs,
): Promise<ReuseKey> {
  const components: Record<string, Json> = { version, kind: step.kind };
  const { script, sourceFiles = [], ...settings } = step.settings;
  if (typeof script === 'string') {
    const digests = await digestSource(script, sourceFiles as string[]);
    for (const [file, digest] of Object.entries(digests)) components[`source ${file}`] = digest;
  }
  for (const [name, value] of Object.entries(settings))
    components[`setting ${name}`] = fillIn(value, parameters);
  for (const [name, input] of Object.entries(step.inputs)) {
    components[`input ${name}`] =
      input.kind === 'dataset'
        ? await (await TabularDataset.fromJSON(workspace, input.dataset)).fingerprint()
        : digestOutput(finished.get(input.step)?.get(input.output));
  }
  components['outputs'] = step.outputs.map(({ name, training }) => `${name}:${training ?? 'file'}`);
  const text = JSON.stringify(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { key: createHash('sha256').update(text).digest('hex'), components };
}

function digestOutput(output: StoredOutput | undefined): Json {
  if (output === undefined) return null;
  return Object.values(output.artifacts)
    .map(({ path, sha256 }) => `${path.split('/').slice(2).join('/')} ${sha256}`)
    .sort();
}

/** Whether all files of outputs are where their records say, as they were. */
export async function areStored(store: Store, outputs: Iterable<StoredOutput>): Promise<boolean> {
  for (const { runId, artifacts } of outputs) {
    for (const { path, sha256, size } of Object.values(artifacts)) {
      const found = await store.findArtifact(runId, path).catch(() => undefined);
      if (found?.sha256 !== sha256 || found.size !== size) return false;
      const opened = await store.openArtifact(runId, path, { start: 0, end: 0 }).catch(() => undefined);
      if (opened === undefined) return false;
      opened.content.destroy();
    }
  }
  return true;
}
