import { availableParallelism, cpus } from 'node:os';
import { dirname, relative, resolve } from 'node:path';
import { timestamp, version } from '#core';
import type { StateDict } from '#nn';
import { type FitResult, readCheckpoint, writeFileAtomically, writeSafetensors } from '#train';
import { viewPipeline } from './create-pipelines.ts';
import { exportClassifier } from './export-classifier.ts';
import { ImageClassifier } from './image-classifier.ts';
import { type ClassifierJudgement, type ClassifierMetrics, judgePredictions } from './judge-predictions.ts';
import { fingerprintItems } from './open-pictures.ts';
import { predictRows } from './predict-rows.ts';
import { mistakePicture } from './report/mistake-picture.ts';
import { renderClassifierReport } from './report/render-classifier-report.ts';
import { countClasses } from './select-rows.ts';
import type { TrainedClassifier, TrainingSetup } from './train-classifier.ts';

/** What leaves a training that has a best epoch: weights, ONNX file, judgement of that file, report, result. */
export async function finishRun(setup: TrainingSetup, result: FitResult): Promise<TrainedClassifier> {
  const { folder, options } = setup;
  const { bestEpoch } = result;
  if (bestEpoch === undefined) return describe(setup, result, undefined);
  await loadBest(setup);
  const weights = folder.file('weights.safetensors');
  await writeSafetensors(weights, setup.created.network.stateDict());
  const judged = await judge(setup, exportFile(setup, {}));
  const path = options.out ?? folder.file('model.onnx');
  const bytes = exportFile(setup, { ...judged.judgement.metrics });
  await writeFileAtomically('classify', path, [bytes], bytes.length);
  const report = folder.file('report.html');
  await folder.writeText(
    'report.html',
    await renderReport(setup, result, judged.judgement, path, bytes.length),
  );
  const trained = describe(setup, result, { ...judged, model: path, report, weights });
  await folder.writeText('result.json', `${JSON.stringify(trained, null, 2)}\n`);
  return trained;
}

/** Puts the best epoch's weights into the model, averaged ones where they were kept. */
async function loadBest({ folder, created, settings }: TrainingSetup): Promise<void> {
  const { tensors } = await readCheckpoint(folder.file('checkpoints', 'best.safetensors'));
  const state: StateDict = new Map();
  const prefixes = settings.ema === null ? ['model.'] : ['model.', 'average.'];
  for (const prefix of prefixes) {
    for (const [name, tensor] of tensors) {
      if (name.startsWith(prefix)) state.set(name.slice(prefix.length), tensor);
    }
  }
  created.model.loadStateDict(state);
}

function exportFile(
  { created, pictures, pipelines, imageSize, settings, options }: TrainingSetup,
  metrics: Record<string, number>,
): Uint8Array {
  const { normalization, network } = created;
  return exportClassifier(network, {
    classes: pictures.classes,
    architecture: network.architecture,
    imageSize,
    resize: pipelines.resize,
    metrics,
    ...(normalization === undefined ? {} : normalization),
    ...(pictures.sound === undefined ? {} : { sound: pictures.sound }),
    metadata: {
      settings: JSON.stringify(settings),
      data: typeof options.data === 'string' ? options.data : '',
      fingerprint: fingerprintItems(pictures.items),
      created_at: timestamp(),
    },
  });
}

interface Judged {
  readonly judgement: ClassifierJudgement;
  readonly viewMetrics: ClassifierMetrics | null;
}

/** What the file itself says of the validation pictures: it resizes a little differently than training does. */
async function judge(
  { pictures, rows, pipelines, settings, options }: TrainingSetup,
  bytes: Uint8Array,
): Promise<Judged> {
  const { threads, onStage } = options;
  const classifier = await ImageClassifier.load(bytes, threads === undefined ? {} : { threads });
  const labels = Uint32Array.from(rows.valid, (row) => pictures.items[row].label);
  const judgeWith = async (count: number) => {
    const probabilities = await predictRows(classifier, pictures.cache, rows.valid, {
      onProgress: (done, total) => onStage?.('judging', done, total),
      ...(count === 0 ? {} : { views: { count, pipeline: viewPipeline(pipelines.train) } }),
    });
    return judgePredictions({ labels, probabilities, classes: pictures.classes });
  };
  try {
    const judgement = await judgeWith(0);
    const { testTimeViews } = settings;
    return { judgement, viewMetrics: testTimeViews === 0 ? null : (await judgeWith(testTimeViews)).metrics };
  } finally {
    await classifier.release();
  }
}

async function renderReport(
  setup: TrainingSetup,
  { epochs, bestEpoch = 1 }: FitResult,
  judgement: ClassifierJudgement,
  file: string,
  bytes: number,
): Promise<string> {
  const { settings, pictures, rows, created, imageSize, options } = setup;
  const { items, classes, cache } = pictures;
  const shown = judgement.mistakes.map(({ index }) => rows.valid[index]);
  const mistakePictures: string[] = [];
  for (const row of shown) mistakePictures.push(mistakePicture(await cache.get(row)));
  const images = countClasses(
    items.map(({ label }) => label),
    classes.length,
  );
  const { weights, network } = created;
  const data = typeof options.data === 'string' ? options.data : 'pictures';
  // Where pictures lie, said as their owner would: from beside the data on.
  const base = typeof options.data === 'string' ? dirname(resolve(options.data)) : process.cwd();
  return renderClassifierReport({
    title: `${network.architecture} on ${data}, fold ${settings.fold}`,
    createdAt: timestamp(),
    settings: { ...settings },
    data: {
      images: items.length,
      trainRows: rows.train.length,
      validationRows: rows.valid.length,
      classes: classes.map((name, k) => ({ name, images: images[k] })),
    },
    ...(weights === undefined
      ? {}
      : {
          weights: {
            file: weights.file,
            source: weights.source,
            matched: weights.matched.length,
            total: network.stateDict().size,
            headLoaded: weights.headLoaded,
          },
        }),
    ...{ epochs, bestEpoch, watched: settings.watch, judgement, classes, mistakePictures },
    mistakeNames: shown.map((row) => relative(base, items[row].path)),
    model: {
      ...{ file, bytes, architecture: network.architecture, imageSize },
      parameters: network.parameterCount(),
    },
    facts: {
      Trainyard: version,
      Node: process.versions.node,
      processor: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} threads`,
    },
  });
}

function describe(
  { settings, folder, pictures, rows, created }: TrainingSetup,
  { epochs, bestEpoch, stopped, totalSeconds }: FitResult,
  finished: (Judged & { model: string; report: string; weights: string }) | undefined,
): TrainedClassifier {
  return {
    model: finished?.model ?? null,
    report: finished?.report ?? null,
    weights: finished?.weights ?? null,
    run: folder.path,
    architecture: created.network.architecture,
    classes: pictures.classes,
    images: pictures.items.length,
    trainRows: rows.train.length,
    validationRows: rows.valid.length,
    broken: pictures.broken,
    epochs,
    bestEpoch: bestEpoch ?? null,
    watched: settings.watch,
    judgement: finished?.judgement ?? null,
    viewMetrics: finished?.viewMetrics ?? null,
    stopped,
    totalSeconds,
  };
}
