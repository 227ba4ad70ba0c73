import { checkTrainingData } from '../learners/check-data.ts';
import type { FitContext, Model, TrainingData } from '../learners/learner.ts';
import { presentClasses, withAbsentClasses } from '../learners/present-classes.ts';
import { type ForestKind, growForest } from './forest.ts';
import { TreeModel } from './tree-model.ts';

/** Checks the data, grows the forest and wraps it as a model. */
export async function fitForest(
  learner: string,
  data: TrainingData,
  kind: ForestKind,
  context: FitContext,
): Promise<Model> {
  checkTrainingData(learner, data, { tasks: ['classification', 'regression'], finite: false });
  const { data: used, present } = presentClasses(data);
  const ensemble = await growForest(learner, used, kind, context);
  return withAbsentClasses(
    new TreeModel({ learner, classes: used.classes, ensemble }),
    data.classes,
    present,
  );
}
