/** Two mini-batches of three samples: good predictions and bad ones. */
import { tensor } from 'trainyard/engine';
import { crossEntropy } from 'trainyard/nn';

export async function miniBatch(): Promise<[number, number]> {
  const Y = tensor([2, 0, 1], 'int64');
  const Y_pred1 = tensor([
    [0.1, 0.2, 0.9],
    [1.1, 0.1, 0.2],
    [0.2, 2.1, 0.1],
  ]);
  const Y_pred2 = tensor([
    [0.8, 0.2, 0.3],
    [0.2, 0.3, 0.5],
    [0.2, 0.2, 0.5],
  ]);
  const l1 = await crossEntropy(Y_pred1, Y).item();
  const l2 = await crossEntropy(Y_pred2, Y).item();
  console.log(`Batch Loss1 = ${l1.toFixed(4)}`);
  console.log(`Batch Loss2 = ${l2.toFixed(4)}`);
  return [l1, l2];
}
