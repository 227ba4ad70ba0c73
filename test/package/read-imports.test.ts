import { describe, expect, it } from 'vitest';
import { readImports, tokenize } from '../../scripts/read-imports.js';

const read = (source: string) =>
  readImports(tokenize(source)).map(
    ({ line, typeOnly, specifier }) => `${line} ${typeOnly ? 'type' : 'value'} ${specifier}`,
  );

describe('readImports', () => {
  it.each([
    ["import a from 'a';", '1 value a'],
    ["import a, { b as c } from 'a';", '1 value a'],
    ["import * as a from 'a';", '1 value a'],
    ["import 'a';", '1 value a'],
    ['import { "quoted name" as b } from "a";', '1 value a'],
    ["import { type B, type C } from 'a';", '1 value a'],
    ["import type { B } from 'a';", '1 type a'],
    ["import type B from 'a';", '1 type a'],
    ["import type * as b from 'a';", '1 type a'],
    ["import type from 'a';", '1 value a'],
    ["export { b } from 'a';", '1 value a'],
    ["export * from 'a';", '1 value a'],
    ["export * as b from 'a';", '1 value a'],
    ["export type { B } from 'a';", '1 type a'],
    ["export type * from 'a';", '1 type a'],
    ["const b = await import('a');", '1 value a'],
    ["let b: import('a').B;", '1 type a'],
    ["let b: typeof import('a');", '1 type a'],
    ["// comment\n\nimport {\n  b,\n} from 'a';", '3 value a'],
  ])('reads %j', (source, expected) => {
    expect(read(source)).toEqual([expected]);
  });

  it.each([
    "// import b from 'a';",
    "/* import b from 'a'; */",
    `const text = "import b from 'a'";`,
    "const text = `\n import b from 'a';\n`;",
    "const pattern = /import b from 'a'/u;",
    "const pattern = /[/'`]import b from/; const text = ' from ';",
    "export const b = { import: 1, from: 'a' };",
    "export type B = { from: 'a' };",
    "export { b };\nconst from = 'a';",
    "loader.import('a');",
    'const here = import.meta.url;',
    'const module = await import(name);',
  ])('finds nothing in %j', (source) => {
    expect(read(source)).toEqual([]);
  });

  it('finds an import after each construct that could hide it', () => {
    const hiding = [
      'const ratio = a / b / c;',
      'const last = rows[0] / 2;',
      'const half = (a + b) / 2;',
      'const quote = /[\'"`]/g.test(text);',
      "const slash = /[/]'/;",
      'const nested = `a ${`b ${{ c: 1 }.c} d`} e`;',
      "const text = `it's ${f({ a: '}' })} $ \\` \\${`;",
      "const escaped = 'it\\'s';",
      'class A { #private = 1; }',
    ];
    for (const line of hiding) expect(read(`${line}\nimport 'a';`), line).toEqual(['2 value a']);
  });

  it('reads an import inside the substitution of a template, but not beside it', () => {
    expect(read("`import 'no' ${await import('a')} import 'no'`; import 'b';")).toEqual([
      '1 value a',
      '1 value b',
    ]);
  });
});
