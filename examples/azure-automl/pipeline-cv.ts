/**
 * The notebook of `pipeline.ts` in its later form: five cross-validations, AUC_weighted, and reuse of what is there.
 *
 *   npm run example:azure-automl -- --cv
 *   npm run example:azure-automl -- --cv --data bankmarketing_train.csv --minutes 16
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatDescribe, formatHead } from 'trainyard/data';
import {
  AutoMLConfig,
  AutoMLStep,
  Pipeline,
  PipelineData,
  PipelineRun,
  RunDetails,
  TrainingOutput,
} from 'trainyard/pipeline';
import { getAuthenticationHeader } from 'trainyard/serve';
import { TabularPredictor } from 'trainyard/tabular';
import { ComputeTarget, Dataset, Experiment } from 'trainyard/workspace';
import { openWorkspace, parseNotebookOptions, startServer } from './setting.ts';
import { metricsTable } from './tables.ts';

const options = await parseNotebookOptions({ minutes: '0.5' });

// [1] Check core SDK version number
console.log('SDK version:', options.version);

// [2] Initialize Workspace
const ws = await openWorkspace(options.folder);
console.log([ws.name, ws.root].join('\n'));

// [3] Create an experiment
const experimentName = 'automl-bank';
const experiment = new Experiment(ws, experimentName);
console.log(`${experiment.name} in ${ws.name}`);

// [6] Create or attach a compute target
const computeName = 'automl-compute';
if (await ws.computeTargets.has(computeName)) console.log('Found existing cluster, use it.');
else await ComputeTarget.create(ws, computeName, { maxNodes: 4 });
const computeTarget = await ComputeTarget.get(ws, computeName);
await computeTarget.waitForCompletion({ showOutput: true, timeoutSeconds: 600 });

// [7] Load the dataset from the workspace. Otherwise, create it from the file
const key = 'bank-marketing-dataset';
const descriptionText = 'Bank marketing dataset for Udacity project 2';
const dataset = (await ws.datasets.has(key))
  ? await ws.datasets.get(key)
  : await Dataset.tabular
      .fromDelimitedFiles(options.data)
      .register({ workspace: ws, name: key, description: descriptionText });
console.log(formatDescribe(await dataset.describe()));

// [8] Review the dataset result
console.log(formatHead(await dataset.take(5).toTable()));

// [9] AutoML settings
const automlConfig = new AutoMLConfig({
  computeTarget,
  task: 'classification',
  trainingData: dataset,
  labelColumnName: 'y',
  path: './pipeline-project',
  enableEarlyStopping: true,
  featurization: 'auto',
  debugLog: 'automl_errors.log',
  experimentTimeoutMinutes: options.minutes,
  maxConcurrentIterations: 4,
  primaryMetric: 'AUC_weighted',
  nCrossValidations: 5,
});

// [10] Outputs of the step
const metricsOutputName = 'metrics_output';
const bestModelOutputName = 'best_model_output';
const metricsData = new PipelineData('metrics_data', {
  pipelineOutputName: metricsOutputName,
  trainingOutput: new TrainingOutput('Metrics'),
});
const modelData = new PipelineData('model_data', {
  pipelineOutputName: bestModelOutputName,
  trainingOutput: new TrainingOutput('Model'),
});

// [11] Create an AutoMLStep
const automlStep = new AutoMLStep({
  name: 'automl_module',
  automlConfig,
  outputs: [metricsData, modelData],
  allowReuse: true,
});

// [12] The pipeline
const pipeline = new Pipeline(ws, { description: 'pipeline_with_automlstep', steps: [automlStep] });

// [13] Submit it
const pipelineRun = await experiment.submit(pipeline);

// [14] Details while it runs
const details = RunDetails(pipelineRun).show();

// [15] Wait for its completion
await details;
console.log(await pipelineRun.waitForCompletion());

// [16] Retrieve the metrics of all child runs
const metricsOutput = await pipelineRun.getPipelineOutput(metricsOutputName);
await metricsOutput.download(options.folder, { showProgress: true });

// [17] As a table
const metrics: Record<string, Record<string, number[]>> = JSON.parse(
  await readFile(join(options.folder, metricsOutput.pathOnDatastore), 'utf8'),
);
console.log(metricsTable(metrics));

// [18] Retrieve best model from pipeline run
const bestModelOutput = await pipelineRun.getPipelineOutput(bestModelOutputName);
await bestModelOutput.download(options.folder, { showProgress: true });

// [19] Load it
const bestModel = await TabularPredictor.load(join(options.folder, bestModelOutput.pathOnDatastore));

// [20] Its steps
for (const { name, settings } of bestModel.steps) console.log(name, JSON.stringify(settings).slice(0, 300));

await bestModel.release();

// [21] Ensure that the workspace is once again available
await ws.close();
const again = await openWorkspace(options.folder);
console.log([again.name, again.root].join('\n'));

// [22] The experiment once more
const bank = new Experiment(again, experimentName);

// [23] A run by its id
const earlierRun = new PipelineRun(bank, pipelineRun.id);

// [24] Publish its pipeline
const server = await startServer(options.folder);
const publishedPipeline = await earlierRun.publishPipeline({
  name: 'Bank marketing',
  description: 'Bank marketing pipeline',
  version: '1.0',
});
const { name, id, status, endpoint } = publishedPipeline;
console.log(`Name      ${name}\nId        ${id}\nStatus    ${status}\nEndpoint  ${endpoint}`);

// [25] Authenticate
const authHeader = getAuthenticationHeader();

// [26] Start it through its endpoint
const restEndpoint = endpoint;
const response = await fetch(restEndpoint, {
  method: 'POST',
  headers: { ...authHeader, 'content-type': 'application/json' },
  body: JSON.stringify({ ExperimentName: 'pipeline-bank-rest-endpoint' }),
});

// [27] The id of the new run
if (!response.ok) {
  throw new Error(
    `Received bad response from the endpoint: ${restEndpoint}\nResponse Code: ${response.status}\nContent: ${await response.text()}`,
  );
}
const { Id: runId } = (await response.json()) as { Id: string };
console.log('Submitted pipeline run: ', runId);

// [28] Watch the new run
const publishedPipelineRun = new PipelineRun(
  await again.experiments.get('pipeline-bank-rest-endpoint'),
  runId,
);
await RunDetails(publishedPipelineRun).show();
console.log(await publishedPipelineRun.waitForCompletion({ showOutput: false }));

await server.close();
await again.close();
