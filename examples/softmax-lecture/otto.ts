/**
 * Exercise 9-2: nine product classes from 93 counts, on a generated table or on the competition's own train.csv
 * (columns id, feat_1 … feat_93, target with Class_1 … Class_9).
 */

import type { HostTensor } from 'trainyard/core';
import { DataLoader, generateOtto, randomSplit, readTable, TensorDataset } from 'trainyard/data';
import type { Tensor } from 'trainyard/engine';
import { AdamW, BatchNorm1d, crossEntropy, Dropout, Linear, Module, oneCycle } from 'trainyard/nn';
import { accuracy, fit } from 'trainyard/train';

class Classifier extends Module {
  l1 = new Linear(93, 128);
  bn1 = new BatchNorm1d(128);
  l2 = new Linear(128, 64);
  bn2 = new BatchNorm1d(64);
  drop = new Dropout(0.3);
  l3 = new Linear(64, 9);

  override forward(x: Tensor): Tensor {
    // Counts: the logarithm brings large ones nearer.
    const h = this.bn1.forward(this.l1.forward(x.add(1).log())).relu();
    return this.l3.forward(this.drop.forward(this.bn2.forward(this.l2.forward(h)).relu()));
  }
}

async function readOtto(file: string): Promise<{ features: HostTensor; labels: HostTensor }> {
  const { table } = await readTable(file);
  const rows = table.rows;
  const features = new Float32Array(rows * 93);
  for (let d = 0; d < 93; d++) {
    const column = table.column(`feat_${d + 1}`);
    if (column.kind !== 'number') throw new Error(`feat_${d + 1} must hold numbers.`);
    for (let row = 0; row < rows; row++) features[row * 93 + d] = column.values[row];
  }
  const target = table.column('target');
  if (target.kind !== 'string') throw new Error('target must hold Class_1 to Class_9.');
  const labels = BigInt64Array.from(target.codes, (code) =>
    BigInt(Number(target.dictionary.get(code).slice(6)) - 1),
  );
  return {
    features: { dtype: 'float32', shape: [rows, 93], data: features },
    labels: { dtype: 'int64', shape: [rows], data: labels },
  };
}

/** @param file the competition's train.csv; a generated table when absent */
export async function otto(file: string | undefined, epochs = 8): Promise<number> {
  const { features, labels } =
    file === undefined ? generateOtto({ rows: 8000, seed: 0 }) : await readOtto(file);
  const [train, test] = randomSplit(new TensorDataset(features, labels), [0.8, 0.2], 0);
  const data = new DataLoader(train, { batchSize: 128, shuffle: true });
  const { epochs: results } = await fit({
    model: new Classifier(),
    loss: crossEntropy,
    optimizer: new AdamW({ learningRate: 5e-3 }),
    schedule: oneCycle({ steps: data.length * epochs }),
    data,
    validation: new DataLoader(test, { batchSize: 500 }),
    metrics: [accuracy],
    epochs,
  });
  const last = results.at(-1)!;
  console.log(
    `validation loss ${last.validationLoss?.toFixed(4)}, accuracy ${(last.metrics['accuracy'] * 100).toFixed(1)} %`,
  );
  return last.metrics['accuracy'];
}
