/**
 * The softmax lecture, section by section: `npm run example softmax-lecture [-- --data MNIST_DIR --epochs 10 --otto
 * train.csv]`. Without data the digits are drawn and the tables generated.
 */
import { parseArgs } from 'node:util';
import { byHand } from './by-hand.js';
import { crossEntropyVsNll } from './cross-entropy-vs-nll.js';
import { diabetes } from './diabetes.js';
import { fromScratch } from './from-scratch.js';
import { miniBatch } from './mini-batch.js';
import { mnist } from './mnist.js';
import { otto } from './otto.js';

const { values: flags } = parseArgs({
  options: { data: { type: 'string' }, otto: { type: 'string' }, epochs: { type: 'string' } },
});

const section = (title: string) => console.log(`\n${title}`);

section('Revision: diabetes, a logistic regression');
await diabetes();
section('Softmax and cross-entropy');
await byHand();
section('Mini-batch: batch_size=3');
await miniBatch();
section('Exercise 9-1: CrossEntropyLoss vs NLLLoss');
await crossEntropyVsNll();
section('Classifier of MNIST');
await mnist(flags.data, Number(flags.epochs ?? (flags.data === undefined ? 3 : 10)));
section('Exercise 9-2: Otto');
await otto(flags.otto);
section('The idea of the engine, from scratch');
fromScratch();
