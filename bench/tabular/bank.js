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
  if (!existsSync(file))
    return { rows: [], notes: ['bank-marketing: skipped, the data is absent (set TRAINYARD_DATA)'] };
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-bench-'));
  try {
    const contender = await scikitLearn(python);
    const standard = await automl(folder, ['--folds', '5']);
    const recall = await automl(folder, ['--folds', '5', '--metric', 'norm_macro_recall']);
    const score = (id, what, ours, must, pass, theirs) => ({
      id,
      what,
      unit: 'score',
      ours,
      contender: theirs === undefined ? null : contender.name,
      theirs: theirs ?? null,
      speedup: null,
      must,
      pass,
    });
    const best = standard.best.metrics;
    const theirs = contender?.metrics ?? {};
    const boosted = Math.max(
      ...standard.children
        .filter((child) => child.algorithm === 'GradientBoosting' && child.status === 'completed')
        .map((child) => child.metrics.AUC_weighted),
    );
    const seconds = (id, what, ours, limit) => ({
      id,
      what,
      unit: 's',
      ours,
      contender: null,
      theirs: null,
      speedup: null,
      must: `≤ ${limit}`,
      pass: ours <= limit,
    });
    return {
      rows: [
        score(
          'bank-auc',
          `best model (${standard.best.algorithm}), nested: AUC_weighted`,
          best.AUC_weighted,
          '≥ 0.9500',
          best.AUC_weighted >= 0.95,
          theirs.AUC_weighted,
        ),
        score(
          'bank-log-loss',
          'same: log_loss',
          best.log_loss,
          '≤ 0.1715',
          best.log_loss <= 0.1715,
          theirs.log_loss,
        ),
        score(
          'bank-average-precision',
          'same: average_precision_score_weighted',
          best.average_precision_score_weighted,
          '≥ 0.9565',
          best.average_precision_score_weighted >= 0.9565,
          theirs.average_precision_score_weighted,
        ),
        score(
          'bank-accuracy',
          'same: accuracy',
          best.accuracy,
          '≥ 0.9170',
          best.accuracy >= 0.917,
          theirs.accuracy,
        ),
        score(
          'bank-single-boosting',
          'best single boosted model: AUC_weighted',
          boosted,
          '≥ 0.9495',
          boosted >= 0.9495,
          theirs.AUC_weighted,
        ),
        score(
          'bank-norm-macro-recall',
          '--metric norm_macro_recall, nested',
          recall.best.metrics.norm_macro_recall,
          '≥ 0.78',
          recall.best.metrics.norm_macro_recall >= 0.78,
          theirs.norm_macro_recall,
        ),
        seconds('bank-total', 'whole default run', standard.timings.totalSeconds, 300),
        seconds('bank-first-model', 'first model of that run', standard.timings.firstModelSeconds, 5),
      ],
      notes: contender === null ? ['scikit-learn: absent (apt-get install python3-sklearn)'] : [],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function automl(folder, flags) {
  const args = [join(here, '..', '..', 'bin', 'trainyard.js'), 'automl', file, '--label', 'y', '--json'];
  const { stdout } = await run(process.execPath, [...args, ...flags, '--out', join(folder, 'model.onnx')], {
    maxBuffer: 1 << 28,
  });
  return JSON.parse(stdout);
}

async function scikitLearn(python) {
  if (!python.sklearn) return null;
  const { stdout } = await run(python.path, [join(here, 'bank-contender.py'), file, 'y'], {
    env: { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' },
  });
  return JSON.parse(stdout);
}
