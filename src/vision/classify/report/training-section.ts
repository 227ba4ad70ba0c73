import { formatCount, formatFixed } from './format-value.ts';
import { type LineChartOptions, type LineSeries, lineChart } from './line-chart.ts';
import { metricLabel } from './metric-label.ts';
import type { ClassifierReportDocument } from './report-document.ts';

/** Curves of the losses, of the metrics and of the learning rate, the best epoch marked. */
export function trainingSection({ epochs, bestEpoch }: ClassifierReportDocument): string {
  const numbers = epochs.map(({ epoch }) => epoch);
  const common = { epochs: numbers, bestEpoch };
  const losses: LineSeries[] = [{ name: 'training', values: epochs.map(({ trainLoss }) => trainLoss) }];
  if (epochs.some(({ validationLoss }) => validationLoss !== undefined)) {
    losses.push({ name: 'validation', values: epochs.map(({ validationLoss }) => validationLoss) });
  }
  const { shares, others } = metricSeries(epochs);
  const charts = [
    lineChart({ ...common, title: 'Loss', series: losses, format: (value) => formatFixed(value) }),
    lineChart({
      ...common,
      title: 'Validation metrics',
      series: shares,
      format: (value) => formatFixed(value),
      ceiling: 1,
    }),
    ...others.map((one) =>
      lineChart({ ...common, title: one.name, series: [one], format: (value) => formatFixed(value) }),
    ),
    ...(epochs.length > 1 ? paceCharts(epochs, common) : []),
  ];
  return `<section><h2>Training</h2><p class="note">Values beside the names are those of epoch ${bestEpoch}.</p><div class="charts">${charts.join('\n')}</div></section>`;
}

function paceCharts(
  epochs: ClassifierReportDocument['epochs'],
  common: Pick<LineChartOptions, 'epochs' | 'bestEpoch'>,
): string[] {
  const rates = epochs.map(({ learningRate }) => learningRate);
  const speeds = epochs.map(({ samplesPerSecond }) => samplesPerSecond);
  return [
    lineChart({
      ...common,
      title: 'Learning rate',
      series: [{ name: 'at the end of the epoch', values: rates }],
      format: (value) => Number(value.toPrecision(3)).toString(),
      fromZero: true,
    }),
    lineChart({
      ...common,
      title: 'Images a second',
      series: [{ name: 'trained on, validation timed too', values: speeds }],
      format: (value) => formatCount(value, value < 10 ? 1 : 0),
      fromZero: true,
    }),
  ];
}

/** Metrics that stay in [0, 1] share a chart, the others have one each. */
function metricSeries(epochs: ClassifierReportDocument['epochs']): {
  readonly shares: LineSeries[];
  readonly others: LineSeries[];
} {
  const names = new Set(epochs.flatMap(({ metrics }) => Object.keys(metrics)));
  const shares: LineSeries[] = [];
  const others: LineSeries[] = [];
  for (const name of names) {
    const values = epochs.map(({ metrics }) => metrics[name]);
    const isShare = values.every((value) => !Number.isFinite(value) || (value >= 0 && value <= 1));
    (isShare ? shares : others).push({ name: metricLabel(name), values });
  }
  return { shares, others };
}
