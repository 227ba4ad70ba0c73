/**
 * The notebook on bird spectrograms, cell by cell, and then the same in two calls, which gives the same losses:
 *
 *     npm run example:bird-spectrograms
 *     npm run example:bird-spectrograms -- --data recordings --arch mobilenet_v3_small --epochs 30 --image-size 64
 *     npm run example:bird-spectrograms -- --data Data/train.csv --full --weights b0.safetensors --run birds
 *
 * Without data it generates songs of six species. DATA is one folder of recordings per class, or a table of pictures
 * like the notebook's train.csv. `--full` is the notebook's own CFG; `--run` keeps what is otherwise removed.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listModels } from 'trainyard/vision';
import { Data, prepareDataset } from './dataset.js';
import { inOneCall } from './in-one-call.js';
import { parseFlags, startCfg } from './setting.js';
import { train } from './train.js';

const section = (title: string) => console.log(`\n== ${title}`);
const flags = parseFlags();
const isTemporary = flags.run === undefined;
const folder = flags.run ?? (await mkdtemp(join(tmpdir(), 'bird-spectrograms-')));
await mkdir(folder, { recursive: true });

try {
  // In [1] is the `seed` of setting.ts; In [2] to In [7] are definitions, in model.ts, transforms.ts, dataset.ts,
  // loss.ts and epochs.ts.

  // In [8]: timm.list_models(pretrained=True)
  section('In [8] Models');
  const models = listModels();
  console.log(`${models.length} architectures: ${models.map(({ name }) => name).join(', ')}`);

  section('In [10] Prepare dataset');
  const data = await Data.open(flags, folder);
  try {
    // In [9]: CFG, of the training and then of the fine-tuning
    const CFG = startCfg(flags, data.classes.length, folder);
    const prepared = prepareDataset(data, CFG);

    section('In [11] Train');
    console.log(CFG);
    const first = await train(prepared, CFG);
    console.log(`best epoch ${first.bestEpoch}, cmap ${first.bestScore.toFixed(5)}`);

    section('In [11] again: fine-tune the best epoch');
    const tuned = await train(prepared, startCfg(flags, data.classes.length, folder, first.best));
    console.log(`best epoch ${tuned.bestEpoch}, cmap ${tuned.bestScore.toFixed(5)}`);

    section('The same in two calls');
    await inOneCall(data, CFG, folder);
    if (isTemporary) console.log('All files are removed now; --run FOLDER keeps them.');
  } finally {
    await data.close();
  }
} finally {
  if (isTemporary) await rm(folder, { recursive: true, force: true });
}
