/** Softmax and cross-entropy, first with plain numbers, then with tensors: the lecture's first snippets. */
import { grad, tensor } from 'trainyard/engine';
import { crossEntropy } from 'trainyard/nn';

export async function byHand(): Promise<void> {
  // Plain numbers
  const y = [1, 0, 0];
  const z = [0.2, 0.1, -0.1];
  const exps = z.map(Math.exp);
  const total = exps.reduce((a, b) => a + b);
  const prediction = exps.map((value) => value / total);
  const loss = -y.reduce((sum, target, i) => sum + target * Math.log(prediction[i]), 0);
  console.log('by hand      ', loss.toFixed(4));

  // The same with tensors
  const logits = tensor([z]);
  const byTensors = tensor([y]).mul(logits.softmax(1).log()).sum().neg();
  console.log('with tensors ', (await byTensors.item()).toFixed(4));

  // The same with the loss function, and its gradient: prediction minus target
  const criterion = crossEntropy(logits, tensor([0], 'int64'));
  console.log('crossEntropy ', (await criterion.item()).toFixed(4));
  const [gradient] = grad(criterion, [logits]);
  console.log('gradient     ', await gradient.array());
}
