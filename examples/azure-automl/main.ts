/** `npm run example:azure-automl [-- --cv]`: the first notebook, or the one with cross-validation. */
if (process.argv.includes('--cv')) {
  process.argv = process.argv.filter((argument) => argument !== '--cv');
  await import('./pipeline-cv.ts');
} else await import('./pipeline.ts');
