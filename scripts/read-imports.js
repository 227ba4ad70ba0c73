// @ts-check
/**
 * Reads the import statements of a TypeScript file with a small lexer. TypeScript 7 has no JavaScript compiler API,
 * and a plain search over the text would also find imports inside comments and strings.
 *
 * @typedef {{ kind: 'word' | 'number' | 'string' | 'template' | 'regexp' | 'comment' | 'sign', text: string, line: number }} Token
 * @typedef {{ specifier: string, typeOnly: boolean, line: number }} Import
 */

const wordsBeforeRegExp = new Set(
  'return typeof case in of delete void throw new else do yield await instanceof'.split(' '),
);

/** @param {Token | undefined} previous the last token that is not a comment */
function regExpMayFollow(previous) {
  if (previous === undefined) return true;
  if (previous.kind === 'word') return wordsBeforeRegExp.has(previous.text);
  return previous.kind === 'sign' && previous.text !== ')' && previous.text !== ']';
}

/** One pattern per kind, each anchored where the lexer stands. @type {[Token['kind'], RegExp][]} */
const patterns = [
  ['comment', /\/\/[^\n]*|\/\*[\s\S]*?\*\/|#![^\n]*/y],
  ['string', /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y],
  ['word', /[#\p{ID_Start}$_][\p{ID_Continue}$]*/uy],
  ['number', /\.?\d(?:[eE][+-]|[\w.])*/y],
  ['regexp', /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y],
  ['sign', /=>|[\s\S]/y],
];
/** The text of a template up to its end or to the next substitution. */
const templateText = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y;

/**
 * @param {string} source TypeScript
 * @returns {Token[]} everything but white space; a template gives one token for each stretch of its text
 */
export function tokenize(source) {
  /** @type {Token[]} */
  const tokens = [];
  /** @type {Token | undefined} */
  let previous;
  /** Depth of braces at which each open `${` ends. @type {number[]} */
  const substitutions = [];
  let depth = 0;
  let line = 1;
  let position = 0;
  /** @param {Token['kind']} kind @param {RegExp} pattern */
  const take = (kind, pattern) => {
    pattern.lastIndex = position;
    const text = pattern.exec(source)?.[0];
    if (text === undefined) return false;
    const token = { kind, text, line };
    tokens.push(token);
    if (kind !== 'comment') previous = token;
    line += text.split('\n').length - 1;
    position += text.length;
    return true;
  };
  const takeTemplate = () => {
    take('template', templateText);
    if (previous?.text.endsWith('${')) substitutions.push(depth);
  };

  while (position < source.length) {
    const character = /** @type {string} */ (source[position]);
    if (/\s/.test(character)) {
      if (character === '\n') line++;
      position++;
    } else if (character === '`' || (character === '}' && substitutions.at(-1) === depth)) {
      if (character === '}') substitutions.pop();
      position++;
      takeTemplate();
    } else {
      for (const [kind, pattern] of patterns) {
        if (kind === 'regexp' && !regExpMayFollow(previous)) continue;
        if (take(kind, pattern)) break;
      }
      if (character === '{') depth++;
      if (character === '}') depth--;
    }
  }
  return tokens;
}

/** `import('x')` after one of these is a type, not a call. */
const signsBeforeType = new Set([':', '<', '|', '&', 'typeof', 'extends', 'as', 'satisfies', 'is']);

/**
 * Imports, re-exports and dynamic imports of a literal. Only `import type` and `export type` are type-only: with
 * `verbatimModuleSyntax`, `import { type A } from 'x'` still loads `x`.
 *
 * @param {Token[]} allTokens
 * @returns {Import[]}
 */
export function readImports(allTokens) {
  const tokens = allTokens.filter((token) => token.kind !== 'comment');
  /** @param {number} index */
  const text = (index) => tokens[index]?.text ?? '';
  /** @type {Import[]} */
  const imports = [];
  /** @param {number} start @param {number} at @param {boolean} typeOnly */
  const add = (start, at, typeOnly) => {
    const token = tokens[at];
    if (token?.kind !== 'string') return;
    imports.push({ specifier: token.text.slice(1, -1), typeOnly, line: tokens[start]?.line ?? 0 });
  };

  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i]?.kind !== 'word' || text(i - 1) === '.') continue;
    if (text(i) === 'import' && text(i + 1) === '(') {
      add(i, i + 2, signsBeforeType.has(text(i - 1)));
    } else if (text(i) === 'import' && tokens[i + 1]?.kind === 'string') {
      add(i, i + 1, false);
    } else if (text(i) === 'import' || text(i) === 'export') {
      const typeOnly = text(i + 1) === 'type' && /^(?:[{*]|(?!from$)[\w$]+)$/.test(text(i + 2));
      const first = i + (typeOnly ? 2 : 1);
      if (text(i) === 'export' && text(first) !== '{' && text(first) !== '*') continue;
      let at = first;
      while (at < tokens.length && /^(?:[\w$]+|[{},*])$|^['"]/.test(text(at))) {
        if (text(at) === 'from' && tokens[at + 1]?.kind === 'string') break;
        if (text(at) === '}' && text(at + 1) !== 'from') break;
        at++;
      }
      if (text(at) === 'from') add(i, at + 1, typeOnly);
    }
  }
  return imports;
}
