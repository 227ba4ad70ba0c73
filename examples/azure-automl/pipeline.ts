/**
 * Azure's notebook of an AutoML step in a pipeline, cell by cell, on your own machine: workspace, compute target,
 * dataset, AutoML in a pipeline, live details, metrics and best model, publication, and a run started over HTTP.
 *
 *   npm run example:azure-automl                                  # generated data, two minutes at most
 *   npm run example:azure-automl -- --data bankmarketing_train.csv --minutes 20
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
import { confusionMatrix, metricsTable } from './tables.ts';

const options = await parseNotebookOptions({ minutes: '0.5' });

// [1] Check core SDK version number
console.log('SDK version:', options.version);

// [2] Initialize Workspace
const ws = await openWorkspace(options.folder);
console.log([ws.name, ws.root].join('\n'));

// [3] Create an experiment
const experimentName = 'udacity-project';
const experiment = new Experiment(ws, experimentName);
console.log(`${experiment.name} in ${ws.name}`);

// [4] Create or attach a compute target
const computeName = 'project-compute';
if (await ws.computeTargets.has(computeName)) console.log('Found existing cluster, use it.');
else await ComputeTarget.create(ws, computeName, { maxNodes: 4 });
const computeTarget = await ComputeTarget.get(ws, computeName);
await computeTarget.waitForCompletion({ showOutput: true, timeoutSeconds: 600 });

// [5] Load the dataset from the workspace. Otherwise, create it from the file
const key = 'BankMarketing Dataset';
const descriptionText = 'Bank Marketing DataSet for Udacity Course 2';
const dataset = (await ws.datasets.has(key))
  ? await ws.datasets.get(key)
  : await Dataset.tabular
      .fromDelimitedFiles(options.data)
      .register({ workspace: ws, name: key, description: descriptionText });
console.log(formatDescribe(await dataset.describe()));

// [6] Review the dataset result
console.log(formatHead(await dataset.take(5).toTable()));

// [7] AutoML settings
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
  primaryMetric: 'accuracy',
});

// [8] Outputs of the step
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

// [9] Create an AutoMLStep
const automlStep = new AutoMLStep({
  name: 'automl_module',
  automlConfig,
  outputs: [metricsData, modelData],
  allowReuse: true,
});

// [10] The pipeline
const pipeline = new Pipeline(ws, { description: 'pipeline_with_automlstep', steps: [automlStep] });

// [11] Submit it
const pipelineRun = await experiment.submit(pipeline);

// [12] Details while it runs
const details = RunDetails(pipelineRun).show();

// [13] Wait for its completion
await details;
console.log(await pipelineRun.waitForCompletion());

// [14] Retrieve the metrics of all child runs
const metricsOutput = await pipelineRun.getPipelineOutput(metricsOutputName);
await metricsOutput.download(options.folder, { showProgress: true });

// [15] As a table
const metrics: Record<string, Record<string, number[]>> = JSON.parse(
  await readFile(join(options.folder, metricsOutput.pathOnDatastore), 'utf8'),
);
console.log(metricsTable(metrics));

// [16] Retrieve best model from pipeline run
const bestModelOutput = await pipelineRun.getPipelineOutput(bestModelOutputName);
await bestModelOutput.download(options.folder, { showProgress: true });

// [17] Load it
const bestModel = await TabularPredictor.load(join(options.folder, bestModelOutput.pathOnDatastore));

// [18] Its steps
for (const { name, settings } of bestModel.steps) console.log(name, JSON.stringify(settings).slice(0, 300));

// [19] Load test data
const datasetTest = Dataset.tabular.fromDelimitedFiles(options.data);
const test = await datasetTest.toTable();

// [20] [21] Test the best fitted model: its confusion matrix
console.log(await confusionMatrix(bestModel, test, 'y'));
await bestModel.release();

// [22] Publish the pipeline
const server = await startServer(options.folder);
const publishedPipeline = await pipelineRun.publishPipeline({
  name: 'Bankmarketing Train',
  description: 'Training bankmarketing pipeline',
  version: '1.0',
});
const { name, id, status, endpoint } = publishedPipeline;
console.log(`Name      ${name}\nId        ${id}\nStatus    ${status}\nEndpoint  ${endpoint}`);

// [23] Authenticate
const authHeader = getAuthenticationHeader();

// [24] Start it through its endpoint
const restEndpoint = endpoint;
const response = await fetch(restEndpoint, {
  method: 'POST',
  headers: { ...authHeader, 'content-type': 'application/json' },
  body: JSON.stringify({ ExperimentName: 'pipeline-rest-endpoint' }),
});

// [25] The id of the new run
if (!response.ok) {
  throw new Error(
    `Received bad response from the endpoint: ${restEndpoint}\nResponse Code: ${response.status}\nContent: ${await response.text()}`,
  );
}
const { Id: runId } = (await response.json()) as { Id: string };
console.log('Submitted pipeline run: ', runId);

// [26] Watch the new run
const publishedPipelineRun = new PipelineRun(await ws.experiments.get('pipeline-rest-endpoint'), runId);
await RunDetails(publishedPipelineRun).show();
console.log(await publishedPipelineRun.waitForCompletion({ showOutput: false }));

await server.close();
await ws.close();
