// @ts-check
/**
 * Names every skipped test at the end of a run, one line for each outermost skipped suite or test. With
 * `TRAINYARD_TEST_REPORT=FILE` it also writes `{ passed, failed, skipped }` there; a file that does not load and an
 * error outside any test count as failed.
 */
import { writeFileSync } from 'node:fs';

/** @typedef {import('vitest/node').TestModule | import('vitest/node').TestSuite} Group */

export default class SkippedReporter {
  #isFiltered = false;

  /** @param {import('vitest/node').Vitest} vitest */
  onInit(vitest) {
    // With `-t` whatever does not match is skipped, which nobody needs to be told.
    this.#isFiltered = vitest.config.testNamePattern !== undefined;
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      let failed = 0;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === 'passed') counts.passed++;
        else if (state === 'failed') failed++;
        else counts.skipped++;
      }
      counts.failed += module.state() === 'failed' ? Math.max(failed, 1) : failed;
      if (this.#isFiltered) continue;
      for (const line of skippedLines(module, module.relativeModuleId)) console.log(line);
    }
    const report = process.env['TRAINYARD_TEST_REPORT'];
    if (report) writeFileSync(report, JSON.stringify(counts));
  }
}

/**
 * @param {Group} group
 * @param {string} where
 * @returns {Generator<string>}
 */
function* skippedLines(group, where) {
  for (const child of group.children) {
    if (child.type === 'suite') {
      const tests = [...child.children.allTests()];
      const skipped = tests.length > 0 && tests.every((test) => test.result().state === 'skipped');
      if (skipped) yield `skipped: ${child.fullName} (${tests.length} in ${where})`;
      else yield* skippedLines(child, where);
    } else {
      const result = child.result();
      if (result.state !== 'skipped') continue;
      yield `skipped: ${child.fullName}${result.note ? `: ${result.note}` : ''} (${where})`;
    }
  }
}
