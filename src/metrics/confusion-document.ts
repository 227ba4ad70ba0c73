/** A confusion matrix as a document in Azure ML's schema: row = true class, column = predicted class. */
export interface ConfusionMatrixDocument {
  readonly schema_type: 'confusion_matrix';
  readonly schema_version: '1.0.0';
  readonly data: {
    readonly class_labels: readonly string[];
    readonly matrix: readonly (readonly number[])[];
  };
}

/**
 * @param matrix [K, K] row-major, row = true class, as `confusionMatrix` gives it
 * @param classLabels K names
 */
export function confusionDocument(
  matrix: Float64Array,
  classLabels: readonly string[],
): ConfusionMatrixDocument {
  const classes = classLabels.length;
  return {
    schema_type: 'confusion_matrix',
    schema_version: '1.0.0',
    data: {
      class_labels: [...classLabels],
      matrix: classLabels.map((_, t) => Array.from(matrix.subarray(t * classes, (t + 1) * classes))),
    },
  };
}
