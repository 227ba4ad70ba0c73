import type { ConfusionMatrixDocument } from '#metrics';

const MOST_CLASSES = 12;

/** A confusion matrix as aligned lines, rows are the true classes. Beyond 12 classes only its diagonal is told. */
export function formatConfusionMatrix(document: unknown): string[] {
  const { class_labels: labels, matrix } = (document as ConfusionMatrixDocument).data;
  if (labels.length > MOST_CLASSES) {
    return matrix.map((row, k) => `  ${labels[k]}: ${row[k]} of ${row.reduce((sum, n) => sum + n, 0)} right`);
  }
  const cells = matrix.map((row) => row.map((count) => String(Math.round(count))));
  const width = Math.max(...labels.map((label) => label.length), ...cells.flat().map((cell) => cell.length));
  const head = Math.max(...labels.map((label) => label.length), 'true'.length);
  return [
    `  ${'true'.padEnd(head)} │ predicted`,
    `  ${' '.repeat(head)} │ ${labels.map((label) => label.padStart(width)).join('  ')}`,
    `  ${'─'.repeat(head)}─┼─${'─'.repeat(labels.length * (width + 2) - 2)}`,
    ...cells.map(
      (row, k) => `  ${labels[k].padEnd(head)} │ ${row.map((cell) => cell.padStart(width)).join('  ')}`,
    ),
  ];
}
