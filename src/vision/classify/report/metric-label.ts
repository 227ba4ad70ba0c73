const labels: Readonly<Record<string, string>> = {
  logLoss: 'log loss',
  macroF1: 'macro F1',
  meanRecall: 'mean recall',
  top5Accuracy: 'top-5 accuracy',
  trainLoss: 'training loss',
  validationLoss: 'validation loss',
};

/** The name of a metric for reading; others as they are. */
export function metricLabel(name: string): string {
  return Object.hasOwn(labels, name) ? labels[name] : name;
}
