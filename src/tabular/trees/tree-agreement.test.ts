import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '#core';
import { OnnxGraph, OnnxSession } from '#engine';
import { TreeSummer } from '#kernels';
import { type FeatureColumn, FeatureMatrix, type Link, type TreeEnsemble, TreeModel } from '#tabular';
import { applyLink } from './tree-link.ts';
import { sumTreesReference } from './tree-reference.ts';

interface Recipe {
  readonly seed: number;
  readonly rows: number;
  readonly trees: number;
  readonly splits: number;
  readonly link: Link;
  readonly classes: number;
  readonly vectorLeaves: boolean;
  /** Codes of the categorical features. */
  readonly cardinality: number;
}

const recipes: fc.Arbitrary<Recipe> = fc
  .record({
    seed: fc.nat(),
    rows: fc.constantFrom(1, 3, 40, 150),
    trees: fc.constantFrom(0, 1, 2, 9),
    splits: fc.constantFrom(0, 1, 7, 31, 32, 90),
    link: fc.constantFrom<Link>('identity', 'exp', 'logistic', 'softmax', 'probability'),
    classes: fc.integer({ min: 2, max: 5 }),
    vectorLeaves: fc.boolean(),
    cardinality: fc.constantFrom(2, 32, 33, 70, 400),
  })
  .map((recipe) => {
    if (recipe.link === 'logistic') return { ...recipe, classes: 2 };
    return recipe.link === 'identity' || recipe.link === 'exp' ? { ...recipe, classes: 0 } : recipe;
  });

const width = 6;
/** Features 0 … 3 are numeric (3 sparse), 4 and 5 categorical. Few values, so that thresholds are met exactly. */
const numericValues = [
  -1.5,
  -0,
  0,
  0.1,
  1,
  1e-45,
  3.4e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

function randomValue(rng: Rng): number {
  return rng.uniform() < 0.3 ? Math.fround(rng.normal()) : numericValues[rng.integer(numericValues.length)];
}

function randomMatrix(recipe: Recipe, rng: Rng): FeatureMatrix {
  const columns = Array.from({ length: width }, (_, j): FeatureColumn => {
    const values = Float32Array.from({ length: recipe.rows }, () => {
      // Codes beyond the training cardinality are drawn as well.
      if (j >= 4) return rng.integer(recipe.cardinality + 40);
      return rng.uniform() < 0.2 ? Number.NaN : randomValue(rng);
    });
    if (j !== 3) return { kind: 'dense', values };
    const rows = Uint32Array.from({ length: recipe.rows }, (_, i) => i).filter(() => rng.uniform() < 0.5);
    return { kind: 'sparse', rows, values: values.slice(0, rows.length) };
  });
  const features = columns.map((_, j) => ({
    name: `x${j}`,
    source: `x${j}`,
    type: j >= 4 ? ('categorical' as const) : ('numeric' as const),
    cardinality: j >= 4 ? recipe.cardinality : 0,
  }));
  return new FeatureMatrix(recipe.rows, features, columns);
}

/** Grows trees by splitting random leaves; nodes are numbered as they come, as a trainer would. */
function randomEnsemble(recipe: Recipe, rng: Rng): TreeEnsemble {
  const { link, classes } = recipe;
  const single =
    classes === 0 || link === 'logistic' || (link === 'probability' && classes === 2 && rng.uniform() < 0.5);
  const outputs = single ? 1 : classes;
  const leafWidth = recipe.vectorLeaves ? outputs : 1;
  const roots: number[] = [];
  const feature: number[] = [];
  const threshold: number[] = [];
  const left: number[] = [];
  const right: number[] = [];
  const defaultLeft: number[] = [];
  const bitsetStart: number[] = [];
  const bitsetWords: number[] = [];
  const bitsets: number[] = [];
  const leafValues: number[] = [];
  const addNode = (): number => {
    for (const array of [threshold, left, right, defaultLeft, bitsetWords]) array.push(0);
    bitsetStart.push(-1);
    return feature.push(-1) - 1;
  };
  for (let t = 0; t < recipe.trees; t++) {
    const leaves = [addNode()];
    roots.push(leaves[0]);
    for (let s = 0; s < recipe.splits; s++) {
      const [node] = leaves.splice(rng.integer(leaves.length), 1);
      feature[node] = rng.integer(width);
      if (feature[node] >= 4) {
        bitsetStart[node] = bitsets.length;
        bitsetWords[node] = rng.integer(Math.ceil(recipe.cardinality / 32) + 1);
        for (let w = 0; w < bitsetWords[node]; w++) bitsets.push(rng.nextUint32());
      } else {
        threshold[node] = randomValue(rng);
        defaultLeft[node] = rng.integer(2);
      }
      left[node] = addNode();
      right[node] = addNode();
      leaves.push(left[node], right[node]);
    }
    for (const node of leaves) {
      left[node] = leafValues.length / leafWidth;
      const scale = link === 'probability' ? 1 / (recipe.trees * outputs) : 0.3;
      for (let k = 0; k < leafWidth; k++)
        leafValues.push(scale * (link === 'probability' ? rng.uniform() : rng.normal()));
    }
  }
  return {
    width,
    outputs,
    leafWidth,
    link,
    base: Float64Array.from({ length: outputs }, () => (link === 'probability' ? 0.01 : rng.normal())),
    roots: new Uint32Array(roots),
    treeOutput: Uint16Array.from(roots, () => (leafWidth === 1 ? rng.integer(outputs) : 0)),
    feature: new Int32Array(feature),
    threshold: new Float32Array(threshold),
    left: new Uint32Array(left),
    right: new Uint32Array(right),
    defaultLeft: new Uint8Array(defaultLeft),
    bitsetStart: new Int32Array(bitsetStart),
    bitsetWords: new Uint16Array(bitsetWords),
    bitsets: new Uint32Array(bitsets),
    leafValues: new Float64Array(leafValues),
  };
}

function draw(recipe: Recipe): { X: FeatureMatrix; model: TreeModel } {
  const rng = new Rng(recipe.seed);
  const X = randomMatrix(recipe, rng);
  const ensemble = randomEnsemble(recipe, rng);
  return { X, model: new TreeModel({ learner: 'Trees', classes: recipe.classes, ensemble }) };
}

async function runOnnx(
  model: TreeModel,
  X: FeatureMatrix,
): Promise<{ dims: readonly number[]; values: number[] }> {
  const graph = new OnnxGraph('trees');
  const x = graph.input('x', 'float32', ['N', model.width]);
  graph.output(model.emitOnnx(graph, x), 'float32', ['N', Math.max(1, model.classes)], 'y');
  const session = await OnnxSession.create(graph.toModel(), { threads: 1 });
  try {
    const { y } = await session.run({
      x: { dtype: 'float32', data: X.toRowMajor(), dims: [X.rows, X.width] },
    });
    return { dims: y.dims, values: [...(y.data as Float32Array)] };
  } finally {
    await session.release();
  }
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]) / Math.max(1, Math.abs(a[i]));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

describe('random tree ensembles', () => {
  it('give the same bits from the kernel and from the reference', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const { X, model } = draw(recipe);
        expect(new TreeSummer(model.ensemble).sum(X.rows, X.columns)).toEqual(
          sumTreesReference(model.ensemble, X),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('predict the same after a round through JSON', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const { X, model } = draw(recipe);
        const copy = TreeModel.load(JSON.parse(JSON.stringify(model)));
        expect(copy).toEqual(
          new TreeModel({ learner: 'Trees', classes: recipe.classes, ensemble: model.ensemble }),
        );
        expect(copy.predict(X)).toEqual(model.predict(X));
      }),
      { numRuns: 50 },
    );
  });

  it('predict in ONNX Runtime what they predict here', async () => {
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const { X, model } = draw(recipe);
        const { link, outputs } = model.ensemble;
        const expected = applyLink(link, sumTreesReference(model.ensemble, X), outputs, model.classes);
        const { dims, values } = await runOnnx(model, X);
        expect(dims).toEqual([X.rows, Math.max(1, recipe.classes)]);
        expect(largestDifference(expected, values)).toBeLessThan(1e-6);
      }),
      { numRuns: 200 },
    );
  });

  it.each<[string, Partial<Recipe>]>([
    ['many trees on many rows', { rows: 2000, trees: 120, splits: 30 }],
    ['many trees on one row', { rows: 1, trees: 120, splits: 30 }],
    [
      'deep forests of vector leaves',
      { link: 'probability', classes: 3, vectorLeaves: true, splits: 800, trees: 6 },
    ],
    ['large category sets', { cardinality: 3000, rows: 500 }],
    ['a thousand trees', { trees: 1000, splits: 5, rows: 200, link: 'identity', classes: 0 }],
  ])('agree everywhere for %s', async (_, change) => {
    const common: Recipe = {
      seed: 3,
      rows: 300,
      trees: 20,
      splits: 40,
      link: 'softmax',
      classes: 4,
      vectorLeaves: false,
      cardinality: 50,
    };
    const { X, model } = draw({ ...common, ...change });
    const { link, outputs } = model.ensemble;
    const expected = applyLink(link, sumTreesReference(model.ensemble, X), outputs, model.classes);
    expect(model.predict(X)).toEqual(expected);
    expect(largestDifference(expected, (await runOnnx(model, X)).values)).toBeLessThan(1e-5);
  });

  it('keep neighbouring sets of one feature apart whose leaves begin with the same weight', async () => {
    // Code 1 → [0, 1, 0], code 3 → [0, 0, 1], all others → [1, 0, 0].
    const ensemble: TreeEnsemble = {
      width: 1,
      outputs: 3,
      leafWidth: 3,
      link: 'probability',
      base: new Float64Array(3),
      roots: Uint32Array.of(0),
      treeOutput: Uint16Array.of(0),
      feature: Int32Array.of(0, -1, 0, -1, -1),
      threshold: new Float32Array(5),
      left: Uint32Array.of(1, 0, 3, 1, 2),
      right: Uint32Array.of(2, 0, 4, 0, 0),
      defaultLeft: new Uint8Array(5),
      bitsetStart: Int32Array.of(0, -1, 1, -1, -1),
      bitsetWords: Uint16Array.of(1, 0, 1, 0, 0),
      bitsets: Uint32Array.of(0b10, 0b1000),
      leafValues: Float64Array.of(0, 1, 0, 0, 0, 1, 1, 0, 0),
    };
    const model = new TreeModel({ learner: 'Trees', classes: 3, ensemble });
    const codes: FeatureColumn = { kind: 'dense', values: Float32Array.of(0, 1, 2, 3, 4) };
    const feature = { name: 'c', source: 'c', type: 'categorical' as const, cardinality: 5 };
    const X = new FeatureMatrix(5, [feature], [codes]);
    expect([...model.predict(X)]).toEqual([1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0]);
    expect((await runOnnx(model, X)).values).toEqual([...model.predict(X)]);
  });
});
