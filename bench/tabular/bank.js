/** Scores and times of `trainyard automl` on the bank-marketing file, next to scikit-learn's boosting. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);
const data = process.env.TRAINYARD_DATA ?? join(here, '..', '..', '..', 'shared', 'data');
const file = join(data, 'bank-marketing', 'bankmarketing_train.csv');

/** @returns {Promise<{ rows: object[], notes: string[] }>} */
export async function benchBank({ python }) {
  if (!existsSync(file)) {
    return { rows: [], notes: ['bank-marketing: skipped, the data is absent (set TRAINYARD_DATA)'] };
  }
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-bench-'));
  try {
    const contender = await scikitLearn(python);
    const standard = await automl(folder, ['--folds', '5']);
    const recall = await automl(folder, ['--folds', '5', '--metric', 'norm_macro_recall']);
    const notes = contender === null ? ['scikit-learn: absent (apt-get install python3-sklearn)'] : [];
    return { rows: [...scoreRows(standard, recall, contender), ...timeRows(standard)], notes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function scoreRows(standard, recall, contender) {
  const best = standard.best.metrics;
  const boosted = standard.children
    .filter((child) => child.algorithm === 'GradientBoosting' && child.status === 'completed')
    .map((child) => child.metrics.AUC_weighted);
  const row = (id, what, metric, ours, least, note = '') => ({
    id,
    what,
    unit: metric,
    ours,
    contender: contender === null ? null : `${contender.name}${note}`,
    theirs: contender?.metrics[metric] ?? null,
    speedup: null,
    must: metric === 'log_loss' ? `≤ ${least}` : `≥ ${least}`,
    pass: metric === 'log_loss' ? ours <= least : ours >= least,
  });
  const nested = `best model (${standard.best.algorithm}), nested 5-fold`;
  const precision = 'average_precision_score_weighted';
  return [
    row('bank-auc', nested, 'AUC_weighted', best.AUC_weighted, 0.95),
    row('bank-log-loss', nested, 'log_loss', best.log_loss, 0.1715),
    row('bank-average-precision', nested, precision, best[precision], 0.9565),
    row('bank-accuracy', nested, 'accuracy', best.accuracy, 0.917),
    row('bank-single-boosting', 'best single boosted model', 'AUC_weighted', Math.max(...boosted), 0.9495),
    row(
      'bank-norm-macro-recall',
      `--metric norm_macro_recall (${recall.best.algorithm}), nested`,
      'norm_macro_recall',
      recall.best.metrics.norm_macro_recall,
      0.78,
      ', threshold 0.5',
    ),
  ];
}

/** Seconds as a user sees them: from the start of the process, reading included. */
function timeRows({ timings, wallSeconds }) {
  const before = wallSeconds - timings.totalSeconds;
  const row = (id, what, ours, limit) => ({
    id,
    what,
    unit: 's',
    ours,
    contender: null,
    theirs: null,
    speedup: null,
    must: `≤ ${limit} s`,
    pass: ours <= limit,
  });
  return [
    row('bank-total', 'whole run on the bank file, --folds 5, else defaults', wallSeconds, 300),
    row('bank-first-model', 'first model of that run', before + timings.firstModelSeconds, 5),
  ];
}

async function automl(folder, flags) {
  const args = [join(here, '..', '..', 'bin', 'trainyard.js'), 'automl', file, '--label', 'y', '--json'];
  const start = performance.now();
  const { stdout } = await run(process.execPath, [...args, ...flags, '--out', join(folder, 'model.onnx')], {
    maxBuffer: 1 << 28,
  });
  return { ...JSON.parse(stdout), wallSeconds: (performance.now() - start) / 1000 };
}

async function scikitLearn(python) {
  if (!python.sklearn) return null;
  const { stdout } = await run(python.path, [join(here, 'bank-contender.py'), file, 'y'], {
    env: { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' },
  });
  return JSON.parse(stdout);
}
