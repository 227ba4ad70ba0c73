import { expect, it } from 'vitest';
import { ShapeError } from '#core';
import { placeholder } from '#engine';
import { BatchNorm2d, LayerNorm } from './layers/norm.ts';
import { crossEntropy } from './losses/cross-entropy.ts';
import { mseLoss } from './losses/regression.ts';

it.each<[string, () => unknown, RegExp]>([
  [
    'a target of another shape',
    () => mseLoss(placeholder('o', 'float32', [2, 3]), placeholder('t', 'float32', [3])),
    /^mseLoss: .* but got \[2, 3\] and \[3\]/,
  ],
  [
    'labels of another shape',
    () => crossEntropy(placeholder('o', 'float32', [2, 3]), placeholder('t', 'int64', [3])),
    /^crossEntropy: .*\[2\] for logits \[2, 3\], but got \[3\]/,
  ],
  [
    'an image of another number of channels',
    () => new BatchNorm2d(4).forward(placeholder('x', 'float32', [2, 3, 5, 5])),
    /^BatchNorm2d: /,
  ],
  [
    'features of another number',
    () => new LayerNorm(4).forward(placeholder('x', 'float32', [2, 3])),
    /^LayerNorm: /,
  ],
])('%s: a layer or loss names itself, the shapes and the line, once', (_, make, sentence) => {
  expect(make).toThrow(ShapeError);
  expect(make).toThrow(sentence);
  expect(make).toThrow(/ \(src\/nn\/shape-errors\.test\.ts:\d+\)$/);
  expect(make).not.toThrow(/test\.ts.*test\.ts/);
});
