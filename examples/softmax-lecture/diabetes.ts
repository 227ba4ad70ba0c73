/** Revision: logistic regression on a table in the form of the diabetes data, drawn from a known model. */
import { DataLoader, diabetesModel, generateDiabetes, TensorDataset } from 'trainyard/data';
import type { Tensor } from 'trainyard/engine';
import { bceWithLogits, Linear, Module, SGD } from 'trainyard/nn';
import { fit } from 'trainyard/train';

class Logistic extends Module {
  readonly linear = new Linear(8, 1, { seed: 0 });

  override forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

export async function diabetes(): Promise<void> {
  const { features, labels } = generateDiabetes({ rows: 4000, seed: 0 });
  const data = new DataLoader(new TensorDataset(features, labels), { batchSize: 64, shuffle: true });
  const model = new Logistic();
  await fit({ model, loss: bceWithLogits, optimizer: new SGD({ learningRate: 0.1 }), data, epochs: 20 });
  const { weight, bias } = model.linear;
  const learned = [
    ...(weight.contents().data as Float32Array),
    ...((bias?.contents().data ?? []) as Float32Array),
  ];
  console.log('drawn from ', diabetesModel.map((value) => value.toFixed(2)).join('  '));
  console.log('learned    ', learned.map((value) => value.toFixed(2)).join('  '));
}
