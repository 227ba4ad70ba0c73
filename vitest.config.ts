import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['trainyard-source'] },
  ssr: { resolve: { conditions: ['trainyard-source'] } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
