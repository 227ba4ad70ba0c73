import { describe, expect, it } from 'vitest';
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
});
