/** In [11]: the model, the hyper-parameters, and the loop that keeps the best epoch. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AdamW } from 'trainyard/nn';
import { CompiledModel, writeSafetensors } from 'trainyard/train';
import { loadPretrained } from 'trainyard/vision';
import type { PreparedData } from './dataset.js';
import { trainEpoch, validEpoch } from './epochs.js';
import { CustomizeLoss } from './loss.js';
import { CustomizeModel } from './model.js';
import { type Cfg, headPolicyOf, seed } from './setting.js';

/** What a training came to. */
export interface Trained {
  /** File of the best epoch's weights. */
  readonly best: string;
  readonly bestEpoch: number;
  readonly bestScore: number;
}

async function makeModel(CFG: Cfg): Promise<CustomizeModel> {
  const model = new CustomizeModel(CFG.model_name, CFG.num_classes, CFG);
  if (CFG.load_model !== false) {
    console.log(`load_model: ${CFG.load_model}`);
    // nn.Linear(in_features=1280, out_features=264) there: another number of classes gets a new head by itself.
    await loadPretrained(model.model, CFG.load_model, { headPolicy: headPolicyOf(CFG) });
  }
  if (CFG.gradient_checkpoint) {
    console.log('use gradient checkpoint');
    model.model.checkpointStages('all');
  }
  return model;
}

export async function train({ trainLoader, validLoader }: PreparedData, CFG: Cfg): Promise<Trained> {
  const model = await makeModel(CFG);
  await mkdir(CFG.save_model, { recursive: true });
  const phase = CFG.finetune ? 'finetune' : `cv${CFG.fold}`;

  const criterion = new CustomizeLoss();
  const compiled = new CompiledModel({
    model,
    loss: (yPred, yTrue) => criterion.forward(yPred, yTrue),
    optimizer: new AdamW({ learningRate: CFG.lr, weightDecay: CFG.weight_decay }),
    accumulate: CFG.gradient_accumulation,
    seed,
  });

  const best = join(CFG.save_model, `${phase}_best.safetensors`);
  let bestScore = 0;
  let bestEpoch = 0;
  try {
    for (let ep = 1; ep <= CFG.epoch; ep++) {
      console.log(`\nep: ${ep}`);
      const trainLoss = await trainEpoch(trainLoader, compiled, ep - 1);
      const { loss, score } = await validEpoch(validLoader, compiled, CFG.num_classes);
      console.log(`train loss: ${trainLoss.toFixed(5)}`);
      console.log(`valid loss: ${loss.toFixed(5)}, valid_acc: ${score.toFixed(5)}`);

      // The later of two equally good epochs.
      if (score >= bestScore) {
        bestScore = score;
        bestEpoch = ep;
        await writeSafetensors(best, model.stateDict());
        console.log(`model save at score: ${bestScore.toFixed(5)}`);
      }
      await writeSafetensors(join(CFG.save_model, `${phase}_ep${ep}.safetensors`), model.stateDict());
    }
  } finally {
    await compiled.release();
  }
  return { best, bestEpoch, bestScore };
}
