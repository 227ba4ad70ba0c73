/** The notebook's two trainings as calls of `trainClassifier`, and the file that they end with. */
import { basename, join } from 'node:path';
import type { EpochResult } from 'trainyard/train';
import {
  type ClassifySettings,
  classifyInputs,
  ImageClassifier,
  type TrainedClassifier,
  trainClassifier,
} from 'trainyard/vision';
import type { Data } from './dataset.js';
import { type Cfg, headPolicyOf, seed } from './setting.js';

/** CFG by the library's names. Folds, cap, floor, loss, MixUp and `>=` on cmAP are the defaults. */
function settingsOf(CFG: Cfg): Partial<ClassifySettings> {
  return {
    fold: CFG.fold,
    epochs: CFG.epoch,
    arch: CFG.model_name,
    imageSize: CFG.img_size,
    batchSize: CFG.batch_size,
    accumulate: CFG.gradient_accumulation,
    gradientCheckpointing: CFG.gradient_checkpoint,
    dropRate: CFG.drop_out,
    dropPathRate: CFG.drop_path,
    learningRate: CFG.lr,
    weightDecay: CFG.weight_decay,
    weights: CFG.load_model === false ? null : CFG.load_model,
    headPolicy: headPolicyOf(CFG),
    augment: 'spectrogram-train',
    keepEpochs: true,
    seed,
  };
}

const onEpochEnd = ({ epoch, trainLoss, metrics }: EpochResult) =>
  console.log(`ep ${epoch}: train loss ${trainLoss.toFixed(5)}, cmap ${metrics['cmAP'].toFixed(5)}`);

export async function inOneCall({ csv, items }: Data, CFG: Cfg, folder: string): Promise<TrainedClassifier> {
  const shared = { data: csv, work: join(folder, 'work'), callbacks: { onEpochEnd } };
  const settings = settingsOf(CFG);
  const first = await trainClassifier({ ...shared, run: join(folder, 'train.run'), settings });

  console.log('fine-tune the best epoch');
  const tuned = await trainClassifier({
    ...shared,
    run: join(folder, 'finetune.run'),
    settings: { ...settings, weights: first.weights, headPolicy: 'auto', learningRate: CFG.lr / 10 },
    out: join(folder, 'bird.onnx'),
  });
  console.log(`best epoch ${tuned.bestEpoch} by ${tuned.watched}`);

  const classifier = await ImageClassifier.load(tuned.model!);
  console.log(`bird.onnx: ${classifier.architecture}, ${classifier.imageSize.join(' × ')} pixels`);
  for (const [name, value] of Object.entries(classifier.metrics))
    console.log(`  ${name} ${value.toFixed(4)}`);
  const unseen = items.find(({ fold }) => fold === CFG.fold);
  for await (const { path, predictions } of classifyInputs(classifier, [unseen!.path], { top: 3 })) {
    const told = predictions.map(({ label, probability }) => `${label} ${probability.toFixed(3)}`);
    console.log(`${basename(path)}: ${told.join(', ')}`);
  }
  await classifier.release();
  console.log(`report: ${tuned.report}`);
  return tuned;
}
