import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nameDocuments, readSnippets, snippetFolder, writeSnippets } from '../../scripts/doc-snippets.js';
import { createTemporaryProject } from './temporary-project.ts';

describe('doc snippets', () => {
  it('reads the TypeScript blocks and where they begin, and no others', () => {
    const markdown = [
      '# Title',
      '```ts',
      'const a = 1;',
      '',
      'const b = 2;',
      '```',
      '```sh',
      '```ts is not a fence in here',
      '```',
      '- item',
      '',
      '  ```typescript',
      '  if (a) {',
      '    b();',
      '  }',
      '  ```',
      '````md',
      '```ts',
      'hidden',
      '```',
      '````',
    ].join('\n');
    expect(readSnippets(markdown)).toEqual([
      { line: 3, code: 'const a = 1;\n\nconst b = 2;' },
      { line: 13, code: 'if (a) {\n  b();\n}' },
    ]);
  });

  it('writes each snippet with its line numbers and forgets those of an earlier run', () => {
    const root = createTemporaryProject({
      'README.md': 'x\n```ts\nconst a = 1;\n```\n',
      'docs/deep/guide.md': '```ts\nconst b = 2;\n```\n',
      'CHANGELOG.md': '```ts\nold\n```\n',
      [`${snippetFolder}/stale.ts`]: '',
    });
    expect(writeSnippets(root)).toBe(2);
    expect(readFileSync(join(root, snippetFolder, 'README.md.3.ts'), 'utf8').split('\n')[2]).toBe(
      'const a = 1;',
    );
    expect(existsSync(join(root, snippetFolder, 'docs/deep/guide.md.2.ts'))).toBe(true);
    expect(existsSync(join(root, snippetFolder, 'stale.ts'))).toBe(false);
  });

  it('names the document and its line in the compiler’s messages', () => {
    const output =
      'tmp/snippets/docs/guide.md.30.ts(34,5): error TS2304: no\nexamples/a.ts(1,2): error TS1: no';
    expect(nameDocuments(output)).toBe(
      'docs/guide.md:34:5: error TS2304: no\nexamples/a.ts(1,2): error TS1: no',
    );
  });
});
