// @ts-check
/** Takes the TypeScript blocks out of the documentation, so that the compiler can check them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the snippets are written: inside the package, so that `trainyard/...` resolves through its own exports. */
export const snippetFolder = 'tmp/snippets';

/**
 * @param {string} markdown
 * @returns {{ line: number, code: string }[]} blocks fenced as `ts`; `line` is where the code begins, from 1
 */
export function readSnippets(markdown) {
  const snippets = [];
  const lines = markdown.split(/\r?\n/);
  /** @type {{ fence: string, indent: string, line: number, isTypeScript: boolean } | undefined} */
  let open;
  for (const [index, text] of lines.entries()) {
    const [, indent = '', fence = '', info = ''] = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/.exec(text) ?? [];
    if (open === undefined) {
      if (fence) open = { fence, indent, line: index + 2, isTypeScript: /^(ts|typescript)$/i.test(info) };
    } else if (text.trim().startsWith(open.fence) && /^[`~]+$/.test(text.trim())) {
      const { indent, line, isTypeScript } = open;
      const body = lines.slice(line - 1, index);
      const code = body.map((row) => (row.startsWith(indent) ? row.slice(indent.length) : row)).join('\n');
      if (isTypeScript) snippets.push({ line, code });
      open = undefined;
    }
  }
  return snippets;
}

/** @param {string} root the repository @returns {string[]} documents whose TypeScript must compile */
function documents(root) {
  const folder = join(root, 'docs');
  const inside = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  return [...readdirSync(root), ...inside.map((name) => `docs/${name.replaceAll('\\', '/')}`)]
    .filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md')
    .sort();
}

/**
 * Writes each snippet as a module of its own. Empty lines before it keep its line numbers those of the document.
 *
 * @param {string} root the repository
 * @returns {number} how many snippets were written
 */
export function writeSnippets(root) {
  const folder = join(root, snippetFolder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.ts'), 'export {};\n');
  let count = 0;
  for (const name of documents(root)) {
    for (const { line, code } of readSnippets(readFileSync(join(root, name), 'utf8'))) {
      const file = join(folder, `${name}.${line}.ts`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${'\n'.repeat(line - 1)}${code}\nexport {};\n`);
      count++;
    }
  }
  return count;
}

/** @param {string} compilerOutput @returns {string} the same, naming documents instead of extracted files */
export function nameDocuments(compilerOutput) {
  return compilerOutput.replace(/tmp[\\/]snippets[\\/](.+?\.md)\.\d+\.ts\((\d+),(\d+)\)/g, '$1:$2:$3');
}
