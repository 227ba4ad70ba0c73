import { describe, expect, it } from 'vitest';
import { DataError, ShapeError } from '#core';
import { FeatureMatrix, type TreeEnsemble, TreeModel } from '#tabular';

/** x0 ≤ 2 ? (x1 in {1, 33} ? leaf 0 : leaf 1) : leaf 2, missing x0 goes left. */
const byHand: TreeEnsemble = {
  width: 2,
  outputs: 1,
  leafWidth: 1,
  link: 'identity',
  base: new Float64Array([10]),
  roots: new Uint32Array([0]),
  treeOutput: new Uint16Array([0]),
  feature: new Int32Array([0, 1, -1, -1, -1]),
  threshold: new Float32Array([2, 0, 0, 0, 0]),
  left: new Uint32Array([1, 3, 2, 0, 1]),
  right: new Uint32Array([2, 4, 0, 0, 0]),
  defaultLeft: new Uint8Array([1, 0, 0, 0, 0]),
  bitsetStart: new Int32Array([-1, 0, -1, -1, -1]),
  bitsetWords: new Uint16Array([0, 2, 0, 0, 0]),
  bitsets: new Uint32Array([0b10, 0b10]),
  leafValues: new Float64Array([1, 2, 4]),
};

const rowsByHand = FeatureMatrix.fromRowMajor([2, 1, 2, 33, 2, 0, 2, 64, 2.5, 1, Number.NaN, 1], 2);

describe('TreeModel', () => {
  it('adds the leaf a row reaches to the base', () => {
    const model = new TreeModel({ learner: 'DecisionTree', classes: 0, ensemble: byHand });
    expect([...model.predict(rowsByHand)]).toEqual([11, 11, 12, 12, 14, 11]);
  });

  it('predicts the same after a round through JSON', () => {
    const model = new TreeModel({ learner: 'DecisionTree', classes: 0, ensemble: byHand });
    const copy = TreeModel.load(JSON.parse(JSON.stringify(model)));
    expect(copy.ensemble).toEqual(byHand);
    expect(copy.learner).toBe('DecisionTree');
    expect(copy.predict(rowsByHand)).toEqual(model.predict(rowsByHand));
  });

  it('keeps its answer when a larger model used the kernel in between', () => {
    const model = new TreeModel({ learner: 'DecisionTree', classes: 0, ensemble: byHand });
    const X = FeatureMatrix.fromRowMajor(
      Float32Array.from({ length: 6000 }, (_, i) => i % 5),
      2,
    );
    const before = model.predict(X);
    const wide = { ...byHand, width: 40, feature: new Int32Array([39, 1, -1, -1, -1]) };
    const other = new TreeModel({ learner: 'DecisionTree', classes: 0, ensemble: wide });
    other.predict(FeatureMatrix.fromRowMajor(new Float32Array(40 * 5000), 40));
    expect(model.predict(X)).toEqual(before);
  });

  it('turns one score into two probabilities and K scores into K that sum to 1', () => {
    const rows = FeatureMatrix.fromRowMajor([5, 0], 2);
    const binary = { ...byHand, link: 'logistic' as const, base: new Float64Array([-4]) };
    const model = new TreeModel({ learner: 'DecisionTree', classes: 2, ensemble: binary });
    // Score −4 + 4 = 0.
    expect([...model.predict(rows)]).toEqual([0.5, 0.5]);
    const softmax = { ...byHand, link: 'softmax' as const, outputs: 3, base: new Float64Array([-4, 0, 0]) };
    const probabilities = new TreeModel({ learner: 'DecisionTree', classes: 3, ensemble: softmax }).predict(
      rows,
    );
    for (const p of probabilities) expect(p).toBeCloseTo(1 / 3, 15);
  });

  it('gives no rows for no rows', () => {
    const model = new TreeModel({ learner: 'DecisionTree', classes: 0, ensemble: byHand });
    expect(model.predict(FeatureMatrix.fromRowMajor([], 2))).toEqual(new Float64Array(0));
  });

  it('refuses a matrix of another width and says what to do', () => {
    const model = new TreeModel({ learner: 'DecisionTree', classes: 0, ensemble: byHand });
    const predict = () => model.predict(FeatureMatrix.fromRowMajor([1, 2, 3], 3));
    expect(predict).toThrow(ShapeError);
    expect(predict).toThrow(
      'DecisionTree.predict: the matrix must have the 2 features of the fit, but it has 3.',
    );
  });

  it.each<[string, Partial<TreeEnsemble>, string]>([
    ['a cycle', { left: new Uint32Array([0, 3, 2, 0, 1]) }, 'node 0 of tree 0 has two parents'],
    ['a node outside', { right: new Uint32Array([9, 4, 0, 0, 0]) }, 'tree 0 points at node 9 of 5'],
    ['a leaf outside', { left: new Uint32Array([1, 3, 7, 0, 1]) }, 'node 2 points at leaf 7 of 3'],
    ['a feature outside', { feature: new Int32Array([0, 2, -1, -1, -1]) }, 'node 1 splits feature 2 of 2'],
    ['a set outside', { bitsets: new Uint32Array(1) }, 'the category set of node 1 ends beyond 1 words'],
    ['no threshold', { threshold: new Float32Array(5).fill(Number.NaN) }, 'node 0 has no threshold'],
    ['a short array', { defaultLeft: new Uint8Array(2) }, 'defaultLeft has 2 entries for 5 nodes'],
    ['a link for classes', { link: 'softmax' }, 'the link softmax does not fit 1 outputs and 0 classes'],
  ])('refuses %s', (_, change, fault) => {
    const build = () =>
      new TreeModel({ learner: 'DecisionTree', classes: 0, ensemble: { ...byHand, ...change } });
    expect(build).toThrow(DataError);
    expect(build).toThrow(fault);
  });

  it('refuses a damaged document and names the array', () => {
    const json = new TreeModel({ learner: 'DecisionTree', classes: 0, ensemble: byHand }).toJSON();
    expect(() => TreeModel.load({ ...json, roots: { dtype: 'float32', data: '' } })).toThrow(
      'TreeModel.load: "roots": the array must hold uint32, but it holds float32.',
    );
    expect(() => TreeModel.load({ ...json, width: 'two' })).toThrow('width must be a whole number');
  });
});
