import { defineConfig } from 'vitest/config';

/** `#core` and the other layer names resolve to `src/` here, so that tests run the sources and not `dist/`. */
const conditions = ['trainyard-source'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    reporters: ['default', './scripts/skipped-reporter.js'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
