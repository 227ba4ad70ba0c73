/** Exercise 9-1: crossEntropy is logSoftmax followed by nllLoss. */
import { grad, randn, tensor } from 'trainyard/engine';
import { crossEntropy, nllLoss } from 'trainyard/nn';

export async function crossEntropyVsNll(): Promise<void> {
  const logits = randn([5, 4], 0);
  const target = tensor([3, 0, 1, 1, 2], 'int64');
  const one = crossEntropy(logits, target);
  const two = nllLoss(logits.logSoftmax(1), target);
  console.log('crossEntropy         ', (await one.item()).toFixed(6));
  console.log('logSoftmax + nllLoss ', (await two.item()).toFixed(6));
  const [a, b] = [grad(one, [logits])[0], grad(two, [logits])[0]];
  console.log('largest difference of the gradients', await a.sub(b).abs().max().item());
}
