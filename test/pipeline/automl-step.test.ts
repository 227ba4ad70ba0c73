import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateBank, writeTable } from '#data';
import {
  AutoMLConfig,
  AutoMLStep,
  explainReuse,
  Pipeline,
  PipelineData,
  ScriptStep,
  TrainingOutput,
} from '#pipeline';
import { Dataset, Experiment, Workspace } from '#workspace';

const quiet = { showOutput: false };

describe('an AutoML step', () => {
  let folder: string;
  let workspace: Workspace;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trainyard-automl-step-'));
    workspace = await Workspace.create({ path: folder });
    await writeTable(generateBank({ rows: 300, seed: 1 }).table, join(folder, 'bank.csv'));
  });
  afterEach(async () => {
    await workspace.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('has child runs with their metrics, and gives metrics and model', async () => {
    const trainingData = await Dataset.tabular
      .fromDelimitedFiles(join(folder, 'bank.csv'))
      .register({ workspace, name: 'bank' });
    const build = () => {
      const step = new AutoMLStep({
        name: 'automl_module',
        automlConfig: new AutoMLConfig({
          task: 'classification',
          trainingData,
          labelColumnName: 'y',
          primaryMetric: 'AUC_weighted',
          iterations: 3,
          maxConcurrentIterations: 1,
          nCrossValidations: 2,
          allowedModels: ['LogisticRegression'],
          enableEarlyStopping: true,
          featurization: 'auto',
          path: '.',
          debugLog: 'automl_errors.log',
        }),
        outputs: [
          new PipelineData('metrics_data', {
            pipelineOutputName: 'metrics_output',
            trainingOutput: new TrainingOutput('Metrics'),
          }),
          new PipelineData('model_data', {
            pipelineOutputName: 'best_model_output',
            trainingOutput: new TrainingOutput('Model'),
          }),
        ],
        allowReuse: true,
      });
      return new Pipeline(workspace, { description: 'pipeline_with_automlstep', steps: [step] });
    };
    const experiment = new Experiment(workspace, 'ml-experiment-1');
    const run = await build().submit(experiment, quiet);
    expect(await run.waitForCompletion(quiet)).toBe('Finished');
    const [step] = await run.getSteps();
    const { items } = await workspace.store.listRuns({
      parentId: step.id,
      withMetrics: true,
      order: 'oldest',
    });
    expect(items.length).toBeGreaterThanOrEqual(3);
    expect(items[0].id).toBe(`${step.id}_0`);
    const metrics = await run.getPipelineOutput('metrics_output');
    await metrics.download(folder);
    const deserialized: Record<string, Record<string, number[]>> = JSON.parse(
      await readFile(join(folder, metrics.pathOnDatastore), 'utf8'),
    );
    const completed = items.filter(({ state }) => state === 'Completed');
    expect(Object.keys(deserialized).sort()).toEqual(completed.map(({ id }) => id).sort());
    for (const child of completed)
      expect(deserialized[child.id]['accuracy']).toEqual([child.metrics?.['accuracy']]);
    const model = await run.getPipelineOutput('best_model_output');
    await model.download(folder);
    // An ONNX file begins with its IR version, field 1 of type varint.
    expect((await readFile(join(folder, model.pathOnDatastore)))[0]).toBe(8);

    const again = await build().submit(experiment, quiet);
    await again.waitForCompletion(quiet);
    const explained = await explainReuse(workspace.store, again.id, 'automl_module');
    expect([explained.reused, explained.from]).toEqual([true, step.id]);
  });

  it('runs again, with the reason, when reuse is not allowed or the data have changed', async () => {
    const file = join(folder, 'bank.csv');
    const experiment = new Experiment(workspace, 'reuse');
    const runOnce = async (allowReuse: boolean) => {
      const automlConfig = new AutoMLConfig({
        trainingData: Dataset.tabular.fromDelimitedFiles(file),
        labelColumnName: 'y',
        iterations: 1,
        nCrossValidations: 2,
        trialWorkers: 'processes',
      });
      const step = new AutoMLStep({ name: 'search', automlConfig, allowReuse });
      const run = await new Pipeline(workspace, { steps: [step] }).submit(experiment, quiet);
      await run.waitForCompletion(quiet);
      return explainReuse(workspace.store, run.id, 'search');
    };
    await runOnce(true);
    expect((await runOnce(true)).reused).toBe(true);
    expect((await runOnce(false)).reason).toContain('allowReuse is false');
    await writeTable(generateBank({ rows: 301, seed: 2 }).table, file);
    const changed = await runOnce(true);
    expect(changed.reused).toBe(false);
    expect(changed.differences.map(({ part }) => part)).toEqual(['input training_data']);
  }, 120_000);

  it('learns from the file that another step writes', async () => {
    const script = join(folder, 'copy.mjs');
    await writeFile(
      script,
      `import { copyFileSync } from 'node:fs';
       export default ({ inputs, outputs }) => copyFileSync(inputs.raw, outputs.clean);`,
    );
    const clean = new PipelineData('clean');
    const model = new PipelineData('model', { trainingOutput: new TrainingOutput('Model') });
    const raw = Dataset.tabular.fromDelimitedFiles(join(folder, 'bank.csv'));
    const steps = [
      new AutoMLStep({
        name: 'search',
        automlConfig: new AutoMLConfig({
          trainingData: clean,
          labelColumnName: 'y',
          iterations: 1,
          nCrossValidations: 2,
        }),
        outputs: [model],
      }),
      new ScriptStep({ name: 'clean', script, inputs: { raw }, outputs: [clean] }),
    ];
    const run = await new Pipeline(workspace, { steps }).submit(new Experiment(workspace, 'chain'), quiet);
    expect(await run.waitForCompletion(quiet)).toBe('Finished');
    expect((await run.getSteps()).map(({ name, state }) => `${name} ${state}`)).toEqual([
      'clean Completed',
      'search Completed',
    ]);
  }, 60_000);
});
