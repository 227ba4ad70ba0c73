import { describe, expect, it } from 'vitest';
import { dummy, type Learner, logisticRegression, type Model } from '#tabular';
import { conformanceCases } from './learner-conformance.ts';

/** The cases a learner fails. */
async function failures(learner: Learner): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of conformanceCases(learner, { baseline: learner === dummy })) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

/** Logistic regression with something wrong in its models. */
function broken(change: (model: Model) => Partial<Model>): Learner {
  const wrap = (model: Model): Model => {
    const { learner, classes, width } = model;
    return {
      learner,
      classes,
      width,
      predict: (X) => model.predict(X),
      toJSON: () => model.toJSON(),
      emitOnnx: (graph, features) => model.emitOnnx(graph, features),
      ...change(model),
    };
  };
  return {
    ...logisticRegression,
    fit: async (data, params, context) => wrap(await logisticRegression.fit(data, params, context)),
    load: (json) => wrap(logisticRegression.load(json)),
  };
}

describe('conformanceCases', () => {
  it('finds nothing wrong with the baseline', async () => {
    expect(await failures(dummy)).toEqual([]);
  });

  it('finds an export that differs from the prediction', async () => {
    const off = broken((model) => ({
      emitOnnx: (graph, features) => {
        const doubled = graph.node('Mul', [features, graph.float(1.001)]);
        return model.emitOnnx(graph, doubled);
      },
    }));
    expect(await failures(off)).toContain(
      'predicts in ONNX Runtime what it predicts here, missing values and unseen categories included (3 classes)',
    );
  });

  it('finds probabilities that do not sum to 1', async () => {
    const off = broken((model) => ({ predict: (X) => model.predict(X).map((p) => p * 0.99) }));
    expect(await failures(off)).toContain(
      'has predictions of the right size, probabilities in [0, 1] that sum to 1, none for no rows (2 classes)',
    );
  });

  it('finds input that was changed and a model that forgets', async () => {
    const rude: Learner = {
      ...logisticRegression,
      fit: (data, params, context) => {
        data.y[0] = 1 - data.y[0];
        return logisticRegression.fit(data, params, context);
      },
    };
    expect(await failures(rude)).toContain('leaves its input untouched (2 classes)');
    const forgetful = broken((model) => ({ toJSON: () => ({ ...model.toJSON(), intercepts: undefined }) }));
    expect(await failures(forgetful)).toContain('predicts the same after saving and loading (2 classes)');
  });
});
