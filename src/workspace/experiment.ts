import type { ExperimentRecord, RunQuery, RunSummary, Store } from '#tracking';
import { allPages } from './all-pages.ts';
import { Run, type StartOptions } from './run.ts';
import type { Workspace } from './workspace.ts';

/** What an experiment can be given to run: a pipeline, or anything else that starts a run of type `R`. */
export interface Submittable<R> {
  submitTo(experiment: Experiment): Promise<R>;
}

/** Runs under one name, as Azure ML's class of that name. It is made in the store with its first run. */
export class Experiment {
  readonly workspace: Workspace;
  readonly name: string;

  constructor(workspace: Workspace, name: string) {
    this.workspace = workspace;
    this.name = name;
  }

  /** What the store knows of it; made when it does not exist. */
  details(): Promise<ExperimentRecord> {
    return this.workspace.store.ensureExperiment(this.name);
  }

  /**
   * Its topmost runs, newest first, with their latest metrics where asked. What is not filtered by `parentId` has no
   * child runs.
   */
  async *runs(query: Omit<RunQuery, 'experimentName' | 'cursor' | 'limit'> = {}): AsyncGenerator<RunSummary> {
    const { store } = this.workspace;
    if ((await store.findExperiment(this.name)) === undefined) return;
    yield* allPages((page) =>
      store.listRuns({ parentId: null, ...query, ...page, experimentName: this.name }),
    );
  }

  /** Starts a run that this process drives, as Azure ML's `start_logging`. */
  startLogging(options: StartOptions = {}): Promise<Run> {
    return Run.start(this.workspace.store, this.name, options);
  }

  /** Hands over a pipeline and gives its run, which goes on by itself. */
  submit<R>(submittable: Submittable<R>): Promise<R> {
    return submittable.submitTo(this);
  }

  /** With all its runs and their artefacts. @throws ConfigError while one of them runs */
  delete(): Promise<void> {
    return this.workspace.store.deleteExperiment(this.name);
  }

  /** All experiments of a store by name. */
  static async *list(store: Store): AsyncGenerator<ExperimentRecord> {
    yield* allPages((page) => store.listExperiments(page));
  }
}
