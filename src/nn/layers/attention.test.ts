import { describe, expect, it } from 'vitest';
import { ConfigError, DTypeError, ShapeError } from '#core';
import { checkGradient, interpret, placeholder, randn, referenceTensor, type Tensor, tensor } from '#engine';
import { MultiheadAttention } from './attention.ts';

const values = (x: Tensor): number[] => Array.from(interpret([x.value], {})[0].data);

/** One feature and one head, all weights 1 and no bias: softmax(q·kᵀ + mask)·v. */
function plainAttention(): MultiheadAttention {
  const layer = new MultiheadAttention(1, 1, { bias: false });
  layer.inProjWeight.set({ dtype: 'float32', shape: [3, 1], data: Float32Array.of(1, 1, 1) });
  layer.outProj.weight.set({ dtype: 'float32', shape: [1, 1], data: Float32Array.of(1) });
  return layer;
}

describe('masks', () => {
  const query = tensor([[[0]]]);
  const key = tensor([[[1], [5]]]);
  const attend = (padding?: Tensor, mask?: Tensor) =>
    values(plainAttention().forward(query, key, key, padding, mask))[0];
  const ln3 = Math.log(3);

  it('add numbers to the scores and leave out what is true', () => {
    // A query of 0 has scores 0: weights ½ and ½.
    expect(attend()).toBeCloseTo(3, 6);
    // e^0 : e^ln 3 = 1 : 3, so ¼·1 + ¾·5 = 4; the other way round ¾·1 + ¼·5 = 2.
    expect(attend(undefined, tensor([[0, ln3]]))).toBeCloseTo(4, 6);
    expect(attend(tensor([[ln3, 0]]))).toBeCloseTo(2, 6);
    expect(attend(undefined, tensor([[0, 1]], 'bool'))).toBeCloseTo(1, 6);
    expect(attend(tensor([[1, 0]], 'bool'))).toBeCloseTo(5, 6);
  });

  it('count together', () => {
    // ln 3 − ln 3 = 0 leaves the scores as they were; what is left out stays so whatever is added.
    expect(attend(tensor([[ln3, 0]]), tensor([[-ln3, 0]]))).toBeCloseTo(3, 6);
    expect(attend(tensor([[1, 0]], 'bool'), tensor([[9, 0]]))).toBeCloseTo(5, 6);
    expect(attend(tensor([[9, 0]]), tensor([[1, 0]], 'bool'))).toBeCloseTo(5, 6);
  });

  it('give NaN, here as in ONNX Runtime, to a query without a key', async () => {
    const padding = tensor([[1, 1]], 'bool');
    expect(attend(padding)).toBeNaN();
    expect(await plainAttention().forward(query, key, key, padding).item()).toBeNaN();
  });

  it('for each head may be given with samples and heads as one axis or two', () => {
    const layer = new MultiheadAttention(4, 2, { seed: 3 });
    const [x, memory, mask] = [randn([2, 3, 4], 1), randn([2, 5, 4], 2), randn([4, 3, 5], 3)];
    const joined = values(layer.forward(x, memory, memory, undefined, mask));
    expect(values(layer.forward(x, memory, memory, undefined, mask.reshape([2, 2, 3, 5])))).toEqual(joined);
    expect(joined).not.toEqual(values(layer.forward(x, memory)));
  });

  it('that are added have gradients', () => {
    const layer = new MultiheadAttention(4, 2, { seed: 3 });
    const [x, memory] = [randn([2, 3, 4], 1), randn([2, 5, 4], 2)];
    const padding = placeholder('padding', 'float32', [2, 5]);
    const mask = placeholder('mask', 'float32', [3, 5]);
    const y = layer.forward(x, memory, memory, padding, mask);
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => Math.sin(i));
    const bindings = {
      padding: referenceTensor(numbers(10), [2, 5]),
      mask: referenceTensor(numbers(15), [3, 5]),
    };
    expect(checkGradient(y.value, [padding.value, mask.value], bindings)).toMatchObject({ passed: true });
  });
});

describe('inputs that do not fit are named', () => {
  const layer = new MultiheadAttention(4, 2);
  const floats = (...shape: number[]) => placeholder('x', 'float32', shape);
  const [x, memory] = [floats(2, 3, 4), floats(2, 5, 4)];

  it.each<[string, () => Tensor, string]>([
    ['a query of another width', () => layer.forward(floats(2, 3, 6)), 'query must be [N, T, 4], but got [2, 3, 6]'],
    ['a query without samples', () => layer.forward(floats(3, 4)), 'query must be [N, T, 4], but got [3, 4]'],
    ['a key of another width', () => layer.forward(x, floats(2, 5, 3)), 'key must be [2, S, 4], but got [2, 5, 3]'],
    ['a key of other samples', () => layer.forward(x, floats(1, 5, 4)), 'key must be [2, S, 4], but got [1, 5, 4]'],
    ['a value of another length', () => layer.forward(x, memory, x), 'value must be [2, 5, 4], but got [2, 3, 4]'],
    [
      'a padding mask the wrong way round',
      () => layer.forward(x, memory, memory, floats(5, 2)),
      'keyPaddingMask must be [2, 5], but got [5, 2]',
    ],
    [
      'a mask of other lengths',
      () => layer.forward(x, memory, memory, undefined, floats(5, 3)),
      'attentionMask must be [3, 5] or [4, 3, 5] or [2, 2, 3, 5], but got [5, 3]',
    ],
    [
      'a mask per sample alone',
      () => layer.forward(x, memory, memory, undefined, floats(2, 3, 5)),
      'attentionMask must be [3, 5] or [4, 3, 5] or [2, 2, 3, 5], but got [2, 3, 5]',
    ],
  ])('%s', (_, make, sentence) => {
    expect(make).toThrow(ShapeError);
    expect(make).toThrow(`MultiheadAttention: ${sentence}`);
  }); // biome-ignore format: one case a line

  it('all in one message', () => {
    expect(() => layer.forward(x, floats(2, 5, 3), memory, floats(2, 3))).toThrow(
      'key must be [2, S, 4], but got [2, 5, 3]; keyPaddingMask must be [2, 5], but got [2, 3]',
    );
  });

  it('masks of whole numbers', () => {
    const mask = placeholder('mask', 'int64', [3, 5]);
    expect(() => layer.forward(x, memory, memory, undefined, mask)).toThrow(DTypeError);
    expect(() => layer.forward(x, memory, memory, undefined, mask)).toThrow('but got int64');
  });

  it('heads that do not divide the features', () => {
    for (const heads of [3, 0, -2, 0.5, Number.NaN]) {
      expect(() => new MultiheadAttention(4, heads)).toThrow(ConfigError);
    }
  });
});
