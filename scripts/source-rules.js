// @ts-check
/** Rules about the text of the sources that Biome has no rule for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { tokenize } from './read-imports.js';

/**
 * @param {string} root
 * @param {string} folder
 * @param {RegExp} pattern of the file name
 * @returns {string[]} paths from the root, with `/`, sorted
 */
export function listFiles(root, folder, pattern) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !/(^|\/)(node_modules|dist)\//.test(file))
    .sort();
}

/** Calls that make two runs with one seed differ. */
const impure = [
  ['Math', '.', 'random'],
  ['Date', '.', 'now'],
  ['new', 'Date', '(', ')'],
];

/**
 * @param {string} root the repository
 * @returns {string[]} one line per fault: `file:line rule: what was found. Way out.`
 */
export function checkSourceRules(root) {
  /** @type {string[]} */
  const faults = [];
  const sources = ['src', 'studio', 'test', 'examples', 'bench'].flatMap((folder) =>
    listFiles(root, folder, /\.(ts|tsx|js)$/),
  );
  for (const file of sources) {
    if (/\/(utils?|helpers?)\.\w+$/.test(file))
      faults.push(`${file}:1 file name: a file is named after its main export, but got a drawer. Name it.`);
    const tokens = tokenize(readFileSync(join(root, file), 'utf8'));
    for (const { kind, text, line } of tokens) {
      const mark = kind === 'comment' ? /\b(TODO|FIXME|XXX)\b/.exec(text)?.[0] : undefined;
      if (mark !== undefined)
        faults.push(`${file}:${line} unfinished: ${mark} in a comment. Do it, or open an issue.`);
    }
    // Biome's own rule for this takes every call of a function named fit for a focused test.
    const focused = tokens.find(({ text }, at) => text === 'only' && tokens[at - 1]?.text === '.');
    if (focused !== undefined && /\.test\.ts$/.test(file))
      faults.push(`${file}:${focused.line} focused test: .only hides the others. Remove it.`);
    if (!/^(src|studio)\//.test(file) || file.startsWith('src/core/')) continue;
    const code = tokens.filter((token) => token.kind !== 'comment');
    code.forEach(({ line }, at) => {
      const call = impure.find((words) => words.every((word, i) => code[at + i]?.text === word));
      if (call !== undefined)
        faults.push(
          `${file}:${line} impure: ${call.join('').replace('newDate', 'new Date')} stays in core. Take a seed, an Rng or a Deadline.`,
        );
    });
  }
  return faults;
}
