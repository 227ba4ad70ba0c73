import { CancelledError, ConfigError, currentOwner, RuntimeFailure } from '#core';
import type { Json, RunRecord, RunState, RunSummary, Store } from '#tracking';
import type { Workspace } from '#workspace';
import { predecessors } from './check-graph.ts';
import type { PipelineDefinition, StepDefinition } from './definition.ts';
import type { StoredOutput } from './reuse-key.ts';
import { StepRunner } from './step-runner.ts';

const HEARTBEAT_SECONDS = 1;

/** How a pipeline run was started; kept with it. */
export interface RunSettings {
  readonly regenerateOutputs: boolean;
  readonly continueOnStepFailure: boolean;
}

/**
 * Runs a pipeline run of the store from where it stands: steps that are over are not run again. This process is its
 * owner until the end; another process may ask for its cancellation.
 *
 * @returns the state in which it ended
 * @throws RuntimeFailure when another process that lives drives it
 */
export async function drivePipeline(workspace: Workspace, runId: string): Promise<RunState> {
  const driver = new PipelineDriver(workspace, await workspace.store.getRun(runId));
  return driver.drive();
}

class PipelineDriver {
  private readonly workspace: Workspace;
  private readonly store: Store;
  private readonly run: RunRecord;
  private readonly definition: PipelineDefinition;
  private readonly settings: RunSettings;
  private readonly aborter = new AbortController();
  private readonly finished = new Map<string, ReadonlyMap<string, StoredOutput>>();
  private readonly failed = new Map<string, Error>();
  private isCancelRequested = false;

  constructor(workspace: Workspace, run: RunRecord) {
    this.workspace = workspace;
    this.store = workspace.store;
    this.run = run;
    const definition = run.properties['definition'];
    if (run.kind !== 'pipeline' || definition === undefined) {
      throw new ConfigError(
        `pipeline: ${run.id} must be a run of a pipeline, but it is of kind ${run.kind}. Name the run above it.`,
        { runId: run.id },
      );
    }
    this.definition = definition as unknown as PipelineDefinition;
    this.settings = run.properties['settings'] as unknown as RunSettings;
  }

  async drive(): Promise<RunState> {
    const { id } = this.run;
    if (!(await this.store.claimRun(id, currentOwner()))) {
      throw new RuntimeFailure(
        `pipeline: run ${id} must not be driven by two processes, but another that lives has it. Watch it, or cancel it.`,
        { runId: id },
      );
    }
    const beat = setInterval(() => void this.beat(), HEARTBEAT_SECONDS * 1000);
    try {
      await this.store.transition(id, 'Preparing', { error: null });
      await this.store.transition(id, 'Running');
      await this.beat();
      await this.runSteps(await this.findSteps());
      return await this.conclude();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await this.store.transition(id, 'Failed', { error: message }).catch(() => undefined);
      throw error;
    } finally {
      clearInterval(beat);
    }
  }

  private async beat(): Promise<void> {
    // A store that is away for a moment is asked again.
    const state = await this.store.heartbeat(this.run.id, currentOwner()).catch(() => undefined);
    if (state !== 'CancelRequested' || this.isCancelRequested) return;
    this.isCancelRequested = true;
    this.aborter.abort();
  }

  /** Runs of steps that an earlier process has begun. */
  private async findSteps(): Promise<Map<string, RunSummary>> {
    const steps = new Map<string, RunSummary>();
    let cursor: string | undefined;
    do {
      const page = await this.store.listRuns({
        parentId: this.run.id,
        kinds: ['step'],
        limit: 200,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const step of page.items) if (!steps.has(step.name)) steps.set(step.name, step);
      cursor = page.next;
    } while (cursor !== undefined);
    for (const step of steps.values()) {
      if (step.state === 'Running' || step.state === 'Preparing' || step.state === 'Finalizing')
        await this.store.transition(step.id, 'NotResponding');
    }
    return steps;
  }

  private async runSteps(before: ReadonlyMap<string, RunSummary>): Promise<void> {
    const waiting = new Set(this.definition.steps);
    const running = new Map<string, Promise<void>>();
    while (true) {
      for (const step of waiting) {
        if (!this.isReady(step)) continue;
        waiting.delete(step);
        const done = this.runStep(step, before.get(step.name)).finally(() => running.delete(step.name));
        running.set(step.name, done);
      }
      if (running.size === 0) return;
      await Promise.race(running.values());
    }
  }

  private isReady(step: StepDefinition): boolean {
    if (this.aborter.signal.aborted) return false;
    if (this.failed.size > 0 && !this.settings.continueOnStepFailure) return false;
    return predecessors(step).every((name) => this.finished.has(name));
  }

  private async runStep(step: StepDefinition, before: RunRecord | undefined): Promise<void> {
    const context = {
      workspace: this.workspace,
      parent: this.run,
      parameters: this.run.params as Readonly<Record<string, Json>>,
      finished: this.finished,
      regenerate: this.settings.regenerateOutputs,
      signal: this.aborter.signal,
    };
    try {
      this.finished.set(step.name, await new StepRunner(context, step).run(before));
    } catch (error) {
      this.failed.set(step.name, error instanceof Error ? error : new Error(String(error)));
      if (!this.settings.continueOnStepFailure) this.aborter.abort();
    }
  }

  private async conclude(): Promise<RunState> {
    const { id } = this.run;
    const failures = [...this.failed].filter(([, error]) => !(error instanceof CancelledError));
    let state: RunState = 'Completed';
    let error: string | null = null;
    if (failures.length > 0) {
      state = 'Failed';
      error = failures.map(([name, failure]) => `step ${name}: ${failure.message}`).join('\n');
    } else if (this.isCancelRequested || this.failed.size > 0) state = 'Canceled';
    if (state === 'Completed') {
      const outputs = this.definition.steps.flatMap((step) =>
        step.outputs.map(({ name, pipelineOutputName }) => [
          pipelineOutputName,
          { step: step.name, output: name, ...this.finished.get(step.name)!.get(name)! },
        ]),
      );
      await this.store.setProperties(id, { outputs: Object.fromEntries(outputs) as Json });
      await this.store.transition(id, 'Finalizing');
    }
    await this.store.transition(id, state, error === null ? {} : { error });
    return state;
  }
}
