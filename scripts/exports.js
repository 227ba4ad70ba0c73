// @ts-check
/** The package's `exports` and `imports`, as the folders of `src/` demand them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { layers } from './layers.js';

/** @param {string} path below `dist/` */
const built = (path) => ({ types: `./dist/${path}index.d.ts`, default: `./dist/${path}index.js` });

/**
 * @param {string} root the repository
 * @returns {string[]} one line per fault
 */
export function checkExports(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const faults = folders
    .filter((name) => !existsSync(join(root, 'src', name, 'index.ts')))
    .map((name) => `src/${name}/index.ts missing barrel: a layer exports through it. Write it.`);

  /** @type {Record<string, unknown>} */
  const exports = { '.': built(''), './package.json': './package.json' };
  /** @type {Record<string, unknown>} */
  const imports = {};
  for (const name of folders) {
    if (layers[name]?.internal !== true) exports[`./${name}`] = built(`${name}/`);
    imports[`#${name}`] = {
      'trainyard-source': `./src/${name}/index.ts`,
      default: built(`${name}/`).default,
    };
  }
  return [
    ...faults,
    ...compare('exports', exports, manifest.exports ?? {}),
    ...compare('imports', imports, manifest.imports ?? {}),
  ];
}

/** @param {string} field @param {Record<string, unknown>} wanted @param {Record<string, unknown>} got */
function compare(field, wanted, got) {
  return [...new Set([...Object.keys(wanted), ...Object.keys(got)])]
    .filter((key) => JSON.stringify(wanted[key]) !== JSON.stringify(got[key]))
    .map(
      (key) =>
        `package.json ${field}: "${key}" must be ${JSON.stringify(wanted[key]) ?? 'absent'}, but got ${JSON.stringify(got[key]) ?? 'nothing'}. Make it so.`,
    );
}
