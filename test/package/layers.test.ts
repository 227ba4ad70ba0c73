import { describe, expect, it } from 'vitest';
import { checkExports } from '../../scripts/exports.js';
import { checkLayers, layers, packageOwners } from '../../scripts/layers.js';
import { checkSourceRules } from '../../scripts/source-rules.js';
import { createTemporaryProject } from './temporary-project.ts';

const manifest = JSON.stringify({
  dependencies: { commander: '1', protobufjs: '1', 'onnxruntime-node': '1', '@duckdb/node-api': '1' },
  devDependencies: { vitest: '1' },
});
const check = (files: Record<string, string>) =>
  checkLayers(createTemporaryProject({ 'package.json': manifest, ...files }));

describe('checkLayers', () => {
  it('accepts what the table allows', () => {
    const faults = check({
      'src/index.ts': "export * from '#core';\nexport { a } from '#tune';",
      'src/core/index.ts': "import { readFileSync } from 'node:fs';\nexport * from './a.ts';",
      'src/core/a.ts': "import type { B } from './b.ts';\nexport const a = 1;",
      'src/core/b.ts': "import { a } from './a.ts';\nexport type B = typeof a;",
      'src/data/index.ts': "import { a } from '#core';\nimport '#kernels';\nimport '@duckdb/node-api';",
      'src/tune/index.ts': "import { a } from '#core';",
      'src/tune/a.test.ts': "import { it } from 'vitest';\nimport '#testing';\nimport '#tune';",
      'src/testing/index.ts': "import '#tabular';",
      'src/cli/main.ts': "import 'commander';\nimport '#tabular';\nimport './run.ts';",
      'src/cli/run.ts': "import 'node:child_process';",
      'src/engine/onnx/model.ts': "import 'protobufjs/light';",
      'src/engine/runtime/session.ts': "import 'onnxruntime-node';\nimport { m } from '../onnx/model.ts';",
      'src/kernels/assembly/tree.kernel.ts': "import { f } from './histogram';",
    });
    expect(faults).toEqual([]);
  });

  it.each([
    [
      'src/tune/a.ts',
      "import '#tabular';",
      /^src\/tune\/a\.ts:1 direction: tune may import core, but got #tabular/,
    ],
    ['src/tune/a.ts', "\nimport type { A } from '#data';", /^src\/tune\/a\.ts:2 direction/],
    ['src/core/a.ts', "import '#kernels';", /direction: core may import core, but got #kernels/],
    ['src/tabular/a.ts', "import '#cli';", /direction/],
    ['src/testing/a.ts', "import '#cli';", /direction/],
    ['src/tabular/a.ts', "import '#testing';", /direction/],
    ['studio/a.ts', "import { b } from '#serve';", /direction/],
    ['src/tune/a.ts', "export * from '#core/rng.ts';", /deep import: #core\/rng\.ts reaches into core/],
    ['src/tune/a.ts', "import '../core/rng.ts';", /deep import: \.\.\/core\/rng\.ts leaves the layer/],
    ['src/tune/a.ts', "import '../../test/a.ts';", /deep import/],
    ['src/tune/a.ts', "import '#tune';", /own layer/],
    ['src/tune/a.ts', "import '#toys';", /unknown layer: #toys/],
    ['src/toys/a.ts', '', /^src\/toys\/a\.ts:1 unknown layer/],
    ['src/engine/toys/a.ts', '', /^src\/engine\/toys\/a\.ts:1 unknown layer/],
    ['src/engine/onnx/a.ts', "import '../runtime/b.ts';", /missing file/],
    ['src/tune/a.ts', "import './b';", /file name: \.\/b must end in \.ts/],
    ['src/tune/a.ts', "import './b.ts';", /missing file: \.\/b\.ts/],
    [
      'src/tune/a.ts',
      "import 'node:worker_threads';",
      /node import: tune may not import node:worker_threads/,
    ],
    ['src/metrics/a.ts', "import 'node:fs';", /node import: metrics may not/],
    ['src/data/a.ts', "import 'fs';", /node import: write 'node:fs'/],
    [
      'src/tabular/a.ts',
      "await import('onnxruntime-node');",
      /package owner: onnxruntime-node belongs to engine\/runtime/,
    ],
    ['src/engine/onnx/a.ts', "import 'onnxruntime-node';", /package owner: .* an import in engine\/onnx/],
    [
      'src/tabular/a.ts',
      "import '@duckdb/node-api/lib';",
      /package owner: @duckdb\/node-api belongs to data/,
    ],
    ['src/tune/a.ts', "import 'lodash';", /undeclared package: lodash/],
    ['src/tune/a.ts', "import { it } from 'vitest';", /undeclared package: vitest/],
    ['src/tune/a.test.ts', "import 'lodash';", /undeclared package: lodash/],
  ])('finds in %s the fault of %j', (file, source, expected) => {
    const faults = check({ [file]: source });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(expected);
  });

  it('lets a part of the engine import lower parts only', () => {
    const files = { 'src/engine/ir/op.ts': '', 'src/engine/runtime/session.ts': '' };
    const down = { ...files, 'src/engine/runtime/run.ts': "import '../ir/op.ts';\nimport './session.ts';" };
    expect(check(down)).toEqual([]);
    const up = { ...files, 'src/engine/ir/type.ts': "import '../runtime/session.ts';" };
    expect(check(up)).toEqual([
      'src/engine/ir/type.ts:1 direction: engine/ir may import lower parts (none), but got ../runtime/session.ts. Move the code up, or pass it in.',
    ]);
    const barrel = { 'src/engine/index.ts': '', 'src/engine/ir/type.ts': "import '../index.ts';" };
    expect(check(barrel)[0]).toMatch(/direction: engine\/ir/);
  });

  it('finds a cycle of value imports, through files and through a dynamic import', () => {
    const files = {
      'src/tune/a.ts': "import './b.ts';",
      'src/tune/b.ts': "import './c.ts';",
      'src/tune/c.ts': "import type { B } from './b.ts';\nexport const a = () => import('./a.ts');",
    };
    expect(check(files)).toEqual([
      'src/tune/c.ts:2 value cycle: tune/a.ts → tune/b.ts → tune/c.ts → tune/a.ts. Move the shared part to a file of its own, or import types only.',
    ]);
  });

  it('finds every one of two cycles that share a file', () => {
    const faults = check({
      'src/tune/a.ts': "import './b.ts';\nimport './c.ts';",
      'src/tune/b.ts': "import './a.ts';",
      'src/tune/c.ts': "import './a.ts';",
    });
    expect(faults.map((fault) => fault.split(' value')[0])).toEqual(['src/tune/b.ts:1', 'src/tune/c.ts:1']);
  });

  it('refuses a dependency that no layer owns', () => {
    const faults = check({ 'package.json': JSON.stringify({ dependencies: { lodash: '1' } }) });
    expect(faults).toEqual([expect.stringMatching(/^package\.json unowned package: lodash/)]);
  });

  it('has a table that names only its own layers, each importing layers before it or everything', () => {
    const names = Object.keys(layers);
    for (const [name, { imports = [], types = [] }] of Object.entries(layers)) {
      for (const other of [...imports, ...types].filter((entry) => entry !== '*')) {
        expect(names.indexOf(other), `${name} → ${other}`).toBeGreaterThanOrEqual(0);
        expect(names.indexOf(other), `${name} → ${other}`).toBeLessThan(names.indexOf(name));
      }
    }
    for (const owner of Object.values(packageOwners).flat()) {
      const [layer = '', part] = owner.split('/');
      expect(names).toContain(layer);
      if (part !== undefined) expect(layers[layer]?.parts).toContain(part);
    }
  });
});

describe('checkSourceRules', () => {
  const rules = (files: Record<string, string>) => checkSourceRules(createTemporaryProject(files));

  it('keeps the clock and unseeded randomness in core', () => {
    const source = 'const a = Math.random();\nconst b = Date.now();\nconst c = new Date();\nnew Date(0);';
    expect(rules({ 'src/core/clock.ts': source, 'bench/run.js': source })).toEqual([]);
    const faults = rules({ 'src/tune/a.ts': source });
    expect(faults.map((fault) => fault.split(' stays')[0])).toEqual([
      'src/tune/a.ts:1 impure: Math.random',
      'src/tune/a.ts:2 impure: Date.now',
      'src/tune/a.ts:3 impure: new Date()',
    ]);
  });

  it('ignores the same words in comments and strings', () => {
    expect(rules({ 'src/tune/a.ts': "// Math.random()\nconst text = 'Date.now() TODO';" })).toEqual([]);
  });

  it.each(['// TODO: later', '/** FIXME */', '/*\n * XXX\n */'])('refuses the mark in %j', (source) => {
    const faults = rules({ 'src/tune/a.ts': source });
    expect(faults).toEqual([expect.stringMatching(/^src\/tune\/a\.ts:1 unfinished/)]);
  });

  it('refuses a focused test, but not a fit', () => {
    expect(rules({ 'src/tune/a.test.ts': "fit(data);\nit.only('a', run);" })).toEqual([
      'src/tune/a.test.ts:2 focused test: .only hides the others. Remove it.',
    ]);
  });

  it('refuses a file named utils', () => {
    expect(rules({ 'src/tune/utils.ts': '', 'src/tune/utility.ts': '' })).toEqual([
      expect.stringMatching(/^src\/tune\/utils\.ts:1 file name/),
    ]);
  });
});

describe('checkExports', () => {
  const entry = (path: string) => ({ types: `./dist/${path}index.d.ts`, default: `./dist/${path}index.js` });
  const name = (path: string) => ({
    'trainyard-source': `./src/${path}/index.ts`,
    default: `./dist/${path}/index.js`,
  });
  const good = {
    exports: { '.': entry(''), './tune': entry('tune/'), './package.json': './package.json' },
    imports: { '#tune': name('tune'), '#cli': name('cli') },
  };
  const exportsOf = (manifest: object, files: Record<string, string> = {}) =>
    checkExports(
      createTemporaryProject({
        'package.json': JSON.stringify(manifest),
        'src/tune/index.ts': '',
        'src/cli/index.ts': '',
        ...files,
      }),
    );

  it('accepts maps that agree with the folders', () => {
    expect(exportsOf(good)).toEqual([]);
  });

  it('finds a missing, a superfluous and a wrong entry, and a layer without a barrel', () => {
    expect(exportsOf({ ...good, imports: { '#cli': name('cli') } })[0]).toMatch(/imports: "#tune" must be/);
    expect(exportsOf({ ...good, exports: { ...good.exports, './cli': entry('cli/') } })).toEqual([
      expect.stringMatching(/exports: "\.\/cli" must be absent/),
    ]);
    expect(
      exportsOf({ ...good, exports: { ...good.exports, './tune': './dist/tune/index.js' } }),
    ).toHaveLength(1);
    expect(exportsOf(good, { 'src/data/a.ts': '' })).toContainEqual(
      expect.stringMatching(/^src\/data\/index\.ts missing barrel/),
    );
  });
});
