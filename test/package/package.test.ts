import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const subpaths: string[] = Object.keys(manifest.exports).filter((path) => path !== './package.json');
const specifiers = subpaths.map((path) => path.replace(/^\./, 'trainyard'));

/** The packed package, unpacked into an empty project beside links to its dependencies: an offline install. */
describe('the packed package', () => {
  let project = '';
  let installed = '';
  const node = (...args: string[]) =>
    execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' });

  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'trainyard-'));
    installed = join(project, 'node_modules', 'trainyard');
    const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', project];
    execFileSync('npm', pack, { cwd: root, shell: process.platform === 'win32', stdio: 'pipe' });
    mkdirSync(installed, { recursive: true });
    const tarball = readdirSync(project).find((name) => name.endsWith('.tgz')) as string;
    execFileSync('tar', ['-xzf', join(project, tarball), '-C', installed, '--strip-components=1']);
    for (const name of Object.keys(manifest.dependencies)) {
      const link = join(project, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), link, 'junction');
    }
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it.each(specifiers)('exports %s, every name of it with a value', (specifier) => {
    const script = `const all = await import('${specifier}');
      console.log(JSON.stringify(Object.entries(all).filter(([, value]) => value === undefined)));`;
    expect(JSON.parse(node('--input-type=module', '--eval', script))).toEqual([]);
  });

  it('refuses what the exports map does not name', () => {
    const script = `await import('trainyard/dist/core/index.js').catch((error) => console.log(error.code));`;
    expect(node('--input-type=module', '--eval', script).trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it('has declarations that a strict project compiles against', () => {
    const uses = specifiers.map((name, i) => `import * as m${i} from '${name}';\nexport { m${i} };\n`);
    writeFileSync(join(project, 'use.ts'), uses.join(''));
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const typeRoots = ['--typeRoots', join(root, 'node_modules', '@types')];
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const compile = () => node(compiler, ...options, ...typeRoots, join(project, 'use.ts'));
    expect(compile).not.toThrow();
  });

  it('runs its command', () => {
    expect(node(join(installed, 'bin', 'trainyard.js'), '--version').trim()).toBe(manifest.version);
  });

  it('holds neither sources nor tests', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => /\.test\.|(?<!\.d)\.ts$/.test(name))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
  });
});

describe('package-lock.json', () => {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');

  it('names no registry, so that every mirror serves it', () => {
    expect(text).not.toMatch(/"resolved"|https?:\/\/[^"]*\.tgz/);
  });

  it('lists the optional packages of every platform, without which npm ci refuses it', () => {
    type Entry = { version?: string; optionalDependencies?: Record<string, string> };
    const packages: Record<string, Entry> = JSON.parse(text).packages;
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          packages[`node_modules/${name}`]?.version === undefined &&
          packages[`${path}/node_modules/${name}`]?.version === undefined,
      ),
    );
    expect(missing).toEqual([]);
  });
});
