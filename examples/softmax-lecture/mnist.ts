/** The lecture's classifier of handwritten digits: data, model, loss and optimiser, training and test. */
import {
  DataLoader,
  drawDigits,
  type LabelledImages,
  loadMnist,
  normalize,
  TensorDataset,
  toTensor,
} from 'trainyard/data';
import type { Tensor } from 'trainyard/engine';
import { crossEntropy, Linear, Module, SGD } from 'trainyard/nn';
import { accuracy, fit } from 'trainyard/train';

// 1. Prepare dataset
const batchSize = 64;

function prepare({ images, labels }: LabelledImages): TensorDataset {
  const [count, height, width] = images.shape;
  const pixels = toTensor()({ ...images, shape: [count, 1, height, width] } as typeof images);
  const target = BigInt64Array.from(labels.data as Uint8Array, BigInt);
  return new TensorDataset(normalize([0.1307], [0.3081])(pixels), {
    dtype: 'int64',
    shape: [count],
    data: target,
  });
}

// 2. Design model using class
class Net extends Module {
  l1 = new Linear(784, 512);
  l2 = new Linear(512, 256);
  l3 = new Linear(256, 128);
  l4 = new Linear(128, 64);
  l5 = new Linear(64, 10);

  override forward(x: Tensor): Tensor {
    x = x.reshape([-1, 784]);
    x = this.l1.forward(x).relu();
    x = this.l2.forward(x).relu();
    x = this.l3.forward(x).relu();
    x = this.l4.forward(x).relu();
    return this.l5.forward(x);
  }
}

/** @param folder MNIST's four files; drawn digits when absent */
export async function mnist(folder: string | undefined, epochs: number): Promise<number> {
  const digits =
    folder === undefined
      ? { train: drawDigits({ count: 12_800, seed: 0 }), test: drawDigits({ count: 2_000, seed: 1 }) }
      : await loadMnist(folder);
  const trainLoader = new DataLoader(prepare(digits.train), { shuffle: true, batchSize });
  const testLoader = new DataLoader(prepare(digits.test), { batchSize: 500 });
  const model = new Net();

  // 3. Construct loss and optimizer
  const optimizer = new SGD({ learningRate: 0.01, momentum: 0.5 });

  // 4. Train and test
  let runningLoss = 0;
  let count = 0;
  const every = Math.min(300, Math.floor(trainLoader.length / 2));
  const result = await fit({
    model,
    loss: crossEntropy,
    optimizer,
    data: trainLoader,
    validation: testLoader,
    metrics: [accuracy],
    epochs,
    callbacks: {
      onBatchEnd({ epoch, batch, losses }) {
        losses.forEach((loss, i) => {
          runningLoss += loss;
          if (++count < every) return;
          const at = String(batch - losses.length + i + 1).padStart(5);
          console.log(`[${epoch}, ${at}] loss: ${(runningLoss / every).toFixed(3)}`);
          runningLoss = 0;
          count = 0;
        });
      },
      onEpochEnd({ metrics }) {
        runningLoss = 0;
        count = 0;
        console.log(`Accuracy on test set: ${Math.floor(100 * metrics['accuracy'])} %`);
      },
    },
  });
  return result.epochs.at(-1)!.metrics['accuracy'];
}
