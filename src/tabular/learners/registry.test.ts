import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, packageRoot } from '#core';
import { findLearner, learners, learnersFor } from './registry.ts';

describe('the registry of learners', () => {
  it('has different names and starts with the baseline', () => {
    const names = learners.map((learner) => learner.name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    expect(learners[0].name).toBe('Dummy');
  });

  it('finds a learner whatever the case of its name', () => {
    expect(findLearner('logisticregression').name).toBe('LogisticRegression');
    expect(findLearner('KNN').tasks).toEqual(['classification', 'regression']);
  });

  it('refuses an unknown name and suggests the nearest one', () => {
    expect(() => findLearner('LogisticRegresion')).toThrow(ConfigError);
    expect(() => findLearner('LogisticRegresion')).toThrow('Did you mean "LogisticRegression"?');
    expect(() => findLearner('xyz')).toThrow('Use one of them.');
  });

  it('knows who can do what', () => {
    const names = (task: 'classification' | 'regression') => learnersFor(task).map(({ name }) => name);
    expect(names('regression')).toEqual(expect.arrayContaining(['Dummy', 'Ridge', 'KNN', 'SGD']));
    expect(names('regression')).not.toContain('LinearSVM');
    expect(names('classification')).not.toContain('Ridge');
  });

  it('is what docs/learners.md says, parameters and defaults included', () => {
    const lines = readFileSync(join(packageRoot, 'docs', 'learners.md'), 'utf8').split('\n');
    for (const { name, defaults } of learners) {
      const row = lines.find((line) => line.startsWith(`| \`${name}\``));
      const written = [...(row?.split('|')[5] ?? '').matchAll(/`(\w+)` ([^\s,]+)/g)];
      const known = Object.entries(defaults).map(([parameter, value]) => [parameter, String(value)]);
      const inDocs = written.map(([, parameter, value]) => [
        parameter,
        Number.isNaN(Number(value)) ? value : String(Number(value)),
      ]);
      expect(inDocs, name).toEqual(known);
    }
  });
});
