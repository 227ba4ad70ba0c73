import { formatTable } from '#data';
import type { ClassifierJudgement, ClassJudgement } from './judge-predictions.ts';
import { topConfusions } from './top-confusions.ts';
import { worstClassesFirst } from './worst-classes-first.ts';

const MOST_CLASSES = 20;
const MOST_CONFUSIONS = 10;

/**
 * A judgement for a terminal: the metrics, the classes (of more than 20 those of lowest recall), and the ten most
 * frequent confusions.
 *
 * @param classes K names
 */
export function formatJudgement(judgement: ClassifierJudgement, classes: readonly string[]): string {
  const parts = [formatMetrics(judgement), formatClasses(judgement.perClass)];
  const confusions = topConfusions(judgement.confusionMatrix, MOST_CONFUSIONS);
  if (confusions.length > 0) {
    const lines = confusions.map(
      ({ actual, predicted, count }) => `  ${classes[actual]} → ${classes[predicted]}: ${count}`,
    );
    parts.push(['Most frequent confusions (true → predicted)', ...lines].join('\n'));
  }
  return parts.join('\n\n');
}

function formatMetrics({ metrics }: ClassifierJudgement): string {
  const rows = [
    ['cmAP (padded)', metrics.cmAP.toFixed(4)],
    ['accuracy', metrics.accuracy.toFixed(4)],
    ['top-5 accuracy', metrics.top5Accuracy.toFixed(4)],
    ['mean recall', metrics.meanRecall.toFixed(4)],
    ['macro F1', metrics.macroF1.toFixed(4)],
    ['log loss', metrics.logLoss.toFixed(4)],
  ];
  return formatTable(rows, { align: ['left', 'right'] });
}

function formatClasses(perClass: readonly ClassJudgement[]): string {
  const order = worstClassesFirst(perClass);
  const shown = perClass.length > MOST_CLASSES ? order.slice(0, MOST_CLASSES) : perClass.map((_, k) => k);
  const rows = shown.map((k) => {
    const { name, support, precision, recall, f1, averagePrecision } = perClass[k];
    const known = (value: number | null) => (support === 0 || value === null ? '–' : value.toFixed(3));
    return [name, String(support), precision.toFixed(3), known(recall), known(f1), known(averagePrecision)];
  });
  const table = formatTable([['class', 'rows', 'precision', 'recall', 'F1', 'AP'], ...rows], {
    align: ['left', 'right'],
  });
  const hidden = perClass.length - shown.length;
  return hidden === 0 ? table : `${table}\n… and ${hidden} more classes of higher recall or without rows`;
}
