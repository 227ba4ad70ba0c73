import { stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { writeFailure } from '#data';
import type { ClassifierEvaluation, ImageClassifier } from '#vision';
import { CountProgress } from '../count-progress.ts';
import { jsonText } from '../json-text.ts';
import { wholeNumber } from '../parse-options.ts';
import type { Terminal } from '../terminal.ts';

interface EvaluateFlags {
  readonly fold?: number;
  readonly tta: number;
  readonly skipBroken?: boolean;
  readonly report?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ trainyard classify evaluate bird.onnx test
  $ trainyard classify evaluate bird.onnx spectrograms.csv --fold 0 --tta 4 --report bird.html

DATA is a folder with one folder per class, of pictures or, for models of sounds, of sounds, which are judged by the
mean of their windows; or a table with the columns image_path and label_name (or label).`;

/** `trainyard classify evaluate` */
export function evaluateCommand(terminal: Terminal): Command {
  return new Command('evaluate')
    .description(
      'Judge an image classifier on labelled pictures or sounds. Runs the ONNX file, nothing else.',
    )
    .argument('<model>', 'ONNX file written by trainyard classify train')
    .argument('<data>', 'folder with one folder per class, or a table of pictures')
    .option('--fold <n>', 'only this fold of the table, or of the pictures it was trained on', wholeNumber(0))
    .option('--tta <views>', 'average with so many augmented views of each picture', wholeNumber(0), 0)
    .option('--skip-broken', 'leave out and list files that cannot be read, instead of stopping')
    .option('--report <file>', 'write an HTML page with confusions, classes and the worst mistakes')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples)
    .action(async (model: string, data: string, flags: EvaluateFlags) => {
      const { evaluateClassifier, formatJudgement, ImageClassifier } = await import('#vision');
      const classifier = await ImageClassifier.load(model);
      const progress = new CountProgress(terminal, 'files');
      try {
        const evaluation = await evaluateClassifier(classifier, data, {
          views: flags.tta,
          onBroken: flags.skipBroken ? 'skip' : 'fail',
          onProgress: (done, total, path) => progress.show(done, total, path),
          ...(flags.fold === undefined ? {} : { fold: flags.fold }),
        }).finally(() => progress.close());
        for (const { path, reason } of evaluation.broken) terminal.note(`skipped ${path}: ${reason}`);
        if (flags.report !== undefined) await writeReport(flags.report, model, classifier, evaluation);
        if (flags.json) return terminal.out(jsonText(documentOf(model, evaluation)));
        const skipped = evaluation.broken.length === 0 ? '' : `, ${evaluation.broken.length} skipped`;
        terminal.out(`${model} on ${data}: ${evaluation.files} files${skipped}\n`);
        terminal.out(formatJudgement(evaluation.judgement, evaluation.classes));
        if (flags.report !== undefined) terminal.note(`Report: ${flags.report}`);
      } finally {
        await classifier.release();
      }
    });
}

/** Class names and paths in place of indices. */
function documentOf(model: string, { judgement, classes, paths, data, files, broken }: ClassifierEvaluation) {
  const { metrics, perClass, confusionMatrix, mistakes } = judgement;
  return {
    model,
    data,
    files,
    classes,
    metrics,
    perClass,
    confusionMatrix,
    mistakes: mistakes.map(({ index, actual, predicted, ...probabilities }) => ({
      path: paths[index],
      actual: classes[actual],
      predicted: classes[predicted],
      ...probabilities,
    })),
    skipped: broken,
  };
}

async function writeReport(
  path: string,
  model: string,
  classifier: ImageClassifier,
  evaluation: ClassifierEvaluation,
): Promise<void> {
  const { renderEvaluationReport } = await import('#vision');
  const html = await renderEvaluationReport(classifier, evaluation, {
    title: `${basename(model)} on ${basename(evaluation.data)}`,
    file: model,
    bytes: (await stat(model)).size,
  });
  await writeFile(path, html).catch((error: unknown) => {
    throw writeFailure('classify evaluate', path, error);
  });
}
