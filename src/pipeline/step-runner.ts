import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComputeTarget, JobHandle, JobSpec } from '#compute';
import { CancelledError, currentOwner, distFile } from '#core';
import { isFinal, type Json, type RunRecord, type RunState, type Store } from '#tracking';
import { Dataset, TabularDataset, type Workspace } from '#workspace';
import type { AutoMLJobInput } from './automl-step-job.ts';
import { fillIn, type InputDefinition, type StepDefinition } from './definition.ts';
import { differencesOf, type ReuseProperty } from './explain-reuse.ts';
import {
  areStored,
  type FinishedOutputs,
  type ReuseKey,
  reuseKeyOf,
  type StoredOutput,
} from './reuse-key.ts';
import type { ScriptJobInput } from './script-step-job.ts';
import { type ChildMessage, parseStepMessage } from './step-messages.ts';
import { fetchOutput, storeOutputs } from './step-outputs.ts';

export interface StepContext {
  readonly workspace: Workspace;
  readonly parent: RunRecord;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly finished: FinishedOutputs;
  /** Do not take over outputs of other runs. */
  readonly regenerate: boolean;
  readonly signal: AbortSignal;
}

export type StepOutputs = ReadonlyMap<string, StoredOutput>;

/** Runs one step of a pipeline run, or takes over what an equal one has left. */
export class StepRunner {
  private readonly context: StepContext;
  private readonly step: StepDefinition;
  private readonly store: Store;

  constructor(context: StepContext, step: StepDefinition) {
    this.context = context;
    this.step = step;
    this.store = context.workspace.store;
  }

  /** Rejects with the step's own error, or `CancelledError`; the step's run says so too. */
  async run(before: RunRecord | undefined): Promise<StepOutputs> {
    const outputs = before?.state === 'Completed' ? before.properties['outputs'] : undefined;
    if (outputs !== undefined)
      return new Map(Object.entries(outputs as unknown as Record<string, StoredOutput>));
    const run = before ?? (await this.create());
    try {
      await this.store.claimRun(run.id, currentOwner());
      const key = await this.findKey();
      const reused = await this.reuse(run.id, key);
      if (reused !== undefined) return reused;
      return await this.work(run.id, key);
    } catch (error) {
      const isCancelled = error instanceof CancelledError || this.context.signal.aborted;
      const message = error instanceof Error ? error.message : String(error);
      const state: RunState = isCancelled ? 'Canceled' : 'Failed';
      await this.store.transition(run.id, state, { error: message }).catch(() => undefined);
      throw error;
    }
  }

  private create(): Promise<RunRecord> {
    const { parent } = this.context;
    return this.store.createRun({
      experimentName: parent.experimentName,
      parentId: parent.id,
      kind: this.step.kind === 'automl' ? 'step' : 'step',
      name: this.step.name,
      state: 'NotStarted',
      properties: { stepKind: this.step.kind },
    });
  }

  private findKey(): Promise<ReuseKey> {
    const { workspace, parameters, finished } = this.context;
    return reuseKeyOf(workspace, this.step, parameters, finished);
  }

  /** The outputs of an equal step, where there is one and it may be used. */
  private async reuse(runId: string, { key, components }: ReuseKey): Promise<StepOutputs | undefined> {
    const { regenerate } = this.context;
    const record = await this.store.findReusable(key);
    const outputs = record === undefined ? undefined : groupOutputs(record.runId, record.outputs);
    const isThere = outputs !== undefined && (await areStored(this.store, outputs.values()));
    const note = async (reused: boolean, reason: string, more: Partial<ReuseProperty> = {}) => {
      const reuse = { key, components, reused, reason, ...more };
      await this.store.setProperties(runId, { reuse: reuse as unknown as Json });
    };
    if (!this.step.allowReuse) {
      await note(false, 'It had to run, because allowReuse is false.');
      return undefined;
    }
    if (regenerate) {
      await note(false, 'It had to run, because all outputs were to be made anew.');
      return undefined;
    }
    if (record === undefined) {
      const last = await this.store.findLastStep(this.step.name);
      if (last === undefined) {
        await note(false, 'It had to run, because no step of that name has finished before.');
        return undefined;
      }
      const parts = differencesOf(last.components, components).map(({ part }) => part);
      const compared = { runId: last.runId, components: last.components };
      await note(
        false,
        `It had to run, because of ${parts.join(', ')}: not as in its last run ${last.runId}.`,
        { compared },
      );
      return undefined;
    }
    if (!isThere) {
      const reason = `It had to run, because the outputs of the equal step run ${record.runId} are not there any more.`;
      await note(false, reason, { from: record.runId });
      return undefined;
    }
    await note(true, `It was reused: nothing differs from step run ${record.runId}.`, { from: record.runId });
    await this.store.setTags(runId, { reused: 'true' });
    await this.finish(runId, Object.fromEntries(outputs!));
    return outputs;
  }

  private async finish(runId: string, outputs: Readonly<Record<string, StoredOutput>>): Promise<void> {
    await this.store.setProperties(runId, { outputs: outputs as unknown as Json });
    for (const state of ['Queued', 'Running', 'Completed'] as const)
      await this.store.transition(runId, state);
  }

  /** Runs the step in a process of its compute target. */
  private async work(runId: string, { key, components }: ReuseKey): Promise<StepOutputs> {
    const folder = join(this.context.workspace.root, 'steps', runId);
    const paths = Object.fromEntries(
      this.step.outputs.map(({ name }) => [name, join(folder, 'outputs', name)]),
    );
    await mkdir(join(folder, 'outputs'), { recursive: true });
    const job = await this.jobOf(runId, folder, paths);
    const target = await this.target();
    await this.store.transition(runId, 'Queued');
    const handle = target.submit(job);
    const cancel = () => void handle.cancel('the run was cancelled');
    this.context.signal.addEventListener('abort', cancel);
    if (this.context.signal.aborted) cancel();
    try {
      await this.follow(runId, handle);
      const output = await handle.result;
      await this.store.transition(runId, 'Finalizing');
      if (output !== undefined && output !== null) await this.store.setProperties(runId, { result: output });
      const stored = await storeOutputs(this.store, runId, this.step.outputs, paths);
      await this.store.setProperties(runId, { outputs: stored as unknown as Json });
      await this.store.putReusable({
        key,
        components,
        stepName: this.step.name,
        runId,
        outputs: flattenOutputs(stored),
      });
      await this.store.transition(runId, 'Completed');
      await rm(folder, { recursive: true, force: true });
      return new Map(Object.entries(stored));
    } finally {
      this.context.signal.removeEventListener('abort', cancel);
    }
  }

  /** One target for all steps, so that a process waits for the next one. */
  private target(): Promise<ComputeTarget> {
    return this.context.workspace.computeTargets.get(this.step.compute ?? 'local');
  }

  private async jobOf(
    runId: string,
    folder: string,
    paths: Readonly<Record<string, string>>,
  ): Promise<JobSpec> {
    const settings = fillIn(this.step.settings as Json, this.context.parameters) as Record<string, Json>;
    const { databaseUrl } = this.context.workspace;
    const environment = databaseUrl === undefined ? {} : { TRAINYARD_DATABASE_URL: databaseUrl };
    const common = { name: this.step.name, retries: 1, environment, ...this.step.limits };
    if (this.step.kind === 'script') {
      const input: ScriptJobInput = await this.scriptInput(settings, folder, paths);
      return {
        ...common,
        module: distFile('pipeline/script-step-job.js'),
        export: 'runScriptStep',
        input: input as unknown as Json,
      };
    }
    const dataset = async (name: string): Promise<Json> => {
      const input = this.step.inputs[name];
      if (input === undefined || input.kind === 'dataset') return input?.dataset ?? null;
      // What another step has written is read as delimited text.
      const path = await this.fetchInput(name, input, folder);
      return Dataset.tabular.fromDelimitedFiles(path).toJSON();
    };
    const place = (type: 'Metrics' | 'Model') => {
      const output = this.step.outputs.find(({ training }) => training === type);
      return output === undefined ? join(folder, `default_${type}`) : paths[output.name];
    };
    const { earlyStopping, ...rest } = settings;
    const input: AutoMLJobInput = {
      workspace: this.context.workspace.root,
      stepRunId: runId,
      training: await dataset('training_data'),
      validation: await dataset('validation_data'),
      settings: { ...rest, earlyStopping: earlyStopping !== false },
      stateFolder: join(folder, 'search'),
      metricsPath: place('Metrics'),
      modelPath: place('Model'),
    };
    return {
      ...common,
      module: distFile('pipeline/automl-step-job.js'),
      export: 'runAutoMLStep',
      input: input as unknown as Json,
    };
  }

  private async scriptInput(
    settings: Record<string, Json>,
    folder: string,
    paths: Readonly<Record<string, string>>,
  ): Promise<ScriptJobInput> {
    const inputs: Record<string, string> = {};
    for (const [name, input] of Object.entries(this.step.inputs)) {
      if (input.kind === 'dataset') {
        const dataset = await TabularDataset.fromJSON(this.context.workspace, input.dataset);
        inputs[name] = dataset.files.join('\n');
        continue;
      }
      inputs[name] = await this.fetchInput(name, input, folder);
    }
    const given = settings['arguments'] as readonly Json[];
    const argumentsOf = given.map((value) => {
      if (typeof value !== 'object' || value === null) return String(value);
      const { input, output } = value as { input?: string; output?: string };
      return output === undefined ? inputs[input!] : paths[output];
    });
    return {
      script: String(settings['script']),
      inputs,
      outputs: paths,
      parameters: settings['parameters'] as Record<string, Json>,
      arguments: argumentsOf,
    };
  }

  /** Copies what another step has written into the step's folder. */
  private async fetchInput(
    name: string,
    { step, output }: Extract<InputDefinition, { kind: 'output' }>,
    folder: string,
  ): Promise<string> {
    const path = join(folder, 'inputs', name);
    const stored = this.context.finished.get(step)?.get(output);
    if (stored !== undefined) await fetchOutput(this.store, output, stored, path);
    return path;
  }

  /** Records what the step's process prints and says. */
  private async follow(runId: string, handle: JobHandle): Promise<void> {
    for await (const event of handle) {
      if (event.type === 'started') {
        await this.store.transition(runId, 'Running');
        await this.store.setProperties(runId, { node: event.node, pid: event.pid, attempt: event.attempt });
      } else if (event.type === 'log') await this.store.appendLog(runId, event.text);
      else if (event.type === 'message') await this.record(runId, event.data);
      else if (event.type === 'lost') {
        await this.store.appendEvent(runId, 'lost', { reason: event.reason, willRetry: event.willRetry });
        await this.store.appendLog(
          runId,
          `worker lost: ${event.reason}${event.willRetry ? '; again' : ''}\n`,
        );
      }
    }
  }

  private async record(runId: string, data: Json): Promise<void> {
    const message = parseStepMessage(data);
    if (message === undefined) await this.store.appendEvent(runId, 'message', data);
    else if ('metric' in message) {
      const { metric: key, value, step } = message;
      await this.store.logMetrics(runId, [{ key, value, ...(step === undefined ? {} : { step }) }]);
    } else if ('child' in message) await this.recordChild(runId, message.child);
    else if ('tags' in message) await this.store.setTags(runId, message.tags);
    else await this.store.appendEvent(runId, 'progress', data);
  }

  /** A trial of a search as a child run `<run>_<iteration>`. */
  private async recordChild(runId: string, child: ChildMessage): Promise<void> {
    const id = `${runId}_${child.iteration}`;
    const known = await this.store.findRun(id);
    if (known === undefined) {
      await this.store.createRun({
        id,
        experimentName: this.context.parent.experimentName,
        parentId: runId,
        kind: 'trial',
        name: child.name,
        state: 'Running',
        params: child.params,
        properties: { iteration: child.iteration },
      });
    } else if (isFinal(known.state)) {
      if (known.state === 'Completed' || child.state !== 'Running') return;
      await this.store.transition(id, 'Queued');
      await this.store.transition(id, 'Running');
    } else if (known.state === 'NotResponding') await this.store.transition(id, 'Running');
    if (child.state === 'Running') {
      await this.store.claimRun(id, currentOwner());
      return;
    }
    const points = Object.entries(child.metrics).map(([key, value]) => ({ key, value }));
    if (points.length > 0) await this.store.logMetrics(id, points);
    await this.store.transition(id, child.state, child.reason === null ? {} : { error: child.reason });
  }
}

/** Artefacts by path → outputs by name. */
function groupOutputs(
  runId: string,
  flat: Parameters<Store['putReusable']>[0]['outputs'],
): Map<string, StoredOutput> {
  const outputs = new Map<string, StoredOutput>();
  for (const [path, record] of Object.entries(flat)) {
    const name = path.split('/')[1];
    const artifacts = { ...outputs.get(name)?.artifacts, [path]: record };
    outputs.set(name, { runId, artifacts });
  }
  return outputs;
}

const flattenOutputs = (outputs: Readonly<Record<string, StoredOutput>>): StoredOutput['artifacts'] =>
  Object.assign({}, ...Object.values(outputs).map(({ artifacts }) => artifacts));
