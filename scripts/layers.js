// @ts-check
/**
 * The layer table, as data, and the check that the sources keep to it. ARCHITECTURE.md draws the same table.
 */
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { readImports, tokenize } from './read-imports.js';
import { listFiles } from './source-rules.js';

/**
 * Folders of `src/` (and the private `studio/`), in the order of the data flow.
 *
 * - `imports`: layers it may import, besides `core`;
 * - `types`: layers of which it may import types only;
 * - `parts`: folders inside the layer, each of which may import the ones named before it;
 * - `node`: the Node modules it may import; a layer without them also runs in a browser;
 * - `internal`: has no subpath in the package's exports.
 *
 * @typedef {{ imports?: string[], types?: string[], parts?: string[], node?: string[], internal?: boolean }} Layer
 */
const files = ['fs', 'fs/promises', 'path', 'url', 'os'];
const threads = ['worker_threads', 'os', 'events'];
const streams = ['stream', 'stream/promises', 'zlib', 'string_decoder', 'buffer', 'crypto', 'util'];
const processes = ['child_process', 'process', 'events'];
const network = ['http', 'https', 'net', 'events'];

/** @type {Record<string, Layer>} */
export const layers = {
  core: { node: [...files, 'perf_hooks', 'crypto', 'util', 'timers/promises', 'child_process'] },
  kernels: { node: [...files, ...threads] },
  engine: {
    parts: ['ir', 'autodiff', 'reference', 'onnx', 'runtime', 'tensor'],
    node: [...files, 'util', 'crypto'],
  },
  nn: { imports: ['engine'] },
  data: { imports: ['kernels'], node: [...files, ...threads, ...streams, ...network] },
  metrics: { imports: ['kernels'] },
  tune: { node: [...files, 'crypto'] },
  train: { imports: ['engine', 'nn', 'data', 'metrics'], node: [...files, ...streams] },
  tabular: {
    imports: ['engine', 'nn', 'train', 'data', 'metrics', 'tune', 'kernels'],
    node: [...files, ...threads, 'crypto', 'v8'],
  },
  vision: {
    parts: ['augment', 'architectures', 'classify'],
    imports: ['engine', 'nn', 'train', 'data', 'metrics', 'tune', 'kernels'],
    node: [...files, ...threads, 'crypto'],
  },
  tracking: { node: [...files, ...streams, ...processes] },
  compute: {
    imports: ['tracking'],
    node: [...files, ...threads, ...streams, ...processes, ...network, 'module'],
  },
  workspace: { imports: ['data', 'tracking', 'compute'], node: [...files, ...streams] },
  pipeline: {
    imports: ['data', 'tabular', 'workspace', 'tracking', 'compute'],
    node: [...files, ...streams, ...processes],
  },
  serve: {
    imports: [
      'engine',
      'data',
      'metrics',
      'tabular',
      'vision',
      'workspace',
      'tracking',
      'compute',
      'pipeline',
    ],
    node: [...files, ...threads, ...streams, ...processes, ...network],
  },
  testing: { imports: ['*'], node: [...files, 'assert', 'assert/strict', ...threads] },
  cli: {
    imports: ['*'],
    node: [...files, ...threads, ...streams, ...processes, 'readline', 'tty', 'v8'],
    internal: true,
  },
  studio: { types: ['serve'], internal: true },
};

/** Which layer, or part of a layer, may import an npm package. Tests may import every declared package. */
export const packageOwners = {
  '@duckdb/node-api': ['data'],
  commander: ['cli'],
  'onnxruntime-node': ['engine/runtime'],
  protobufjs: ['engine/onnx'],
  sharp: ['data'],
  '@wasm-audio-decoders/flac': ['data'],
  '@wasm-audio-decoders/ogg-vorbis': ['data'],
  'mpg123-decoder': ['data'],
  yauzl: ['train'],
  kysely: ['tracking'],
  '@photostructure/sqlite': ['tracking'],
  pg: ['tracking'],
  sucrase: ['compute'],
  fastify: ['serve'],
  '@fastify/swagger': ['serve'],
  '@fastify/swagger-ui': ['serve'],
  '@fastify/rate-limit': ['serve'],
  '@fastify/helmet': ['serve'],
  '@fastify/multipart': ['serve'],
  '@fastify/type-provider-typebox': ['serve'],
  typebox: ['serve'],
};

const builtins = new Set(builtinModules);
/** @param {string} file */
const isTest = (file) => /\.test\.ts$/.test(file);

/**
 * Where a file belongs. `src/index.ts` is the public root, which may import every layer.
 * @param {string} file path from the repository root, with `/`
 */
function placeOf(file) {
  const [top, folder, part, ...rest] = file.split('/');
  if (top === 'studio') return { layer: 'studio', part: undefined };
  if (part === undefined) return { layer: '', part: undefined };
  const layer = /** @type {string} */ (folder);
  return { layer, part: rest.length > 0 && layers[layer]?.parts?.includes(part) ? part : undefined };
}

/** @param {string} layer */
const rulesOf = (layer) => (layer === '' ? { imports: ['*'] } : (layers[layer] ?? /** @type {Layer} */ ({})));

/**
 * @param {string} root the repository
 * @param {Record<string, string[]>} owners
 * @returns {string[]} one line per fault: `file:line rule: what was found. Way out.`
 */
export function checkLayers(root, owners = packageOwners) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const dependencies = Object.keys(manifest.dependencies ?? {});
  const allPackages = new Set([...dependencies, ...Object.keys(manifest.devDependencies ?? {})]);
  /** @type {string[]} */
  const faults = [];
  /** Value imports between files. @type {Map<string, Map<string, number>>} */
  const graph = new Map();

  for (const name of dependencies) {
    if (owners[name] === undefined)
      faults.push(
        `package.json unowned package: ${name} belongs to no layer. Name its owner in scripts/layers.js or remove it.`,
      );
  }
  const sources = [...listFiles(root, 'src', /\.ts$/), ...listFiles(root, 'studio', /\.tsx?$/)];
  for (const file of sources.filter((name) => !name.startsWith('src/kernels/assembly/'))) {
    const { layer, part } = placeOf(file);
    const strayPart = part === undefined && rulesOf(layer).parts !== undefined && file.split('/').length > 3;
    if (strayPart || (layer !== '' && layers[layer] === undefined)) {
      faults.push(
        `${file}:1 unknown layer: its folder is not in the layer table. Add it to scripts/layers.js.`,
      );
      continue;
    }
    const edges = new Map();
    graph.set(file, edges);
    for (const found of readImports(tokenize(readFileSync(join(root, file), 'utf8')))) {
      const { fault, target } = judgeImport(root, file, found, { allPackages, dependencies, owners });
      if (fault !== undefined) faults.push(`${file}:${found.line} ${fault}`);
      else if (target !== undefined && !found.typeOnly && !edges.has(target)) edges.set(target, found.line);
    }
  }
  return [...faults, ...findCycles(graph)];
}

/**
 * @param {string} root
 * @param {string} file
 * @param {import('./read-imports.js').Import} found
 * @param {{ allPackages: Set<string>, dependencies: string[], owners: Record<string, string[]> }} packages
 * @returns {{ fault?: string, target?: string }} what is wrong, or the file of this repository that is loaded
 */
function judgeImport(root, file, { specifier, typeOnly }, packages) {
  const { layer, part } = placeOf(file);
  const rules = rulesOf(layer);
  if (specifier.startsWith('.')) return judgeRelative(root, file, specifier);
  if (specifier.startsWith('#')) {
    const [name = '', ...deep] = specifier.slice(1).split('/');
    if (deep.length > 0)
      return {
        fault: `deep import: ${specifier} reaches into ${name}. Export it from src/${name}/index.ts.`,
      };
    if (layers[name] === undefined)
      return { fault: `unknown layer: ${specifier} is not in the layer table. Use one of its names.` };
    if (name === layer && !isTest(file))
      return { fault: `own layer: ${specifier} is imported inside ${name}. Import the file, relatively.` };
    const allowed = [...(rules.imports ?? []), ...(typeOnly ? (rules.types ?? []) : [])];
    const open = allowed.includes('*') && layers[name]?.internal !== true;
    const free = name === 'core' || (isTest(file) && (name === layer || name === 'testing'));
    if (!free && !open && !allowed.includes(name))
      return {
        fault: `direction: ${layer} may import ${['core', ...allowed].join(', ')}, but got ${specifier}. Move the code up, or pass it in.`,
      };
    return { target: `src/${name}/index.ts` };
  }
  if (specifier.startsWith('node:') || builtins.has(specifier)) {
    const name = specifier.replace(/^node:/, '');
    if (name === specifier) return { fault: `node import: write 'node:${name}', but got '${name}'.` };
    if (isTest(file) || rules.node?.includes(name)) return {};
    return {
      fault: `node import: ${layer || 'src/index.ts'} may not import ${specifier}. Use a layer that may, or allow it in scripts/layers.js.`,
    };
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (isTest(file) ? packages.allPackages.has(name) : packages.dependencies.includes(name)) {
    const owner = part === undefined ? layer : `${layer}/${part}`;
    const allowed = packages.owners[name] ?? [];
    if (isTest(file) || allowed.includes(owner) || allowed.includes(layer)) return {};
    return {
      fault: `package owner: ${name} belongs to ${allowed.join(', ') || 'no layer'}, but got an import in ${owner}. Use what its owner exports.`,
    };
  }
  return { fault: `undeclared package: ${name} is not among the dependencies. Declare it or do without.` };
}

/** @param {string} root @param {string} file @param {string} specifier */
function judgeRelative(root, file, specifier) {
  const target = posix.join(dirname(file), specifier);
  const from = placeOf(file);
  const to = placeOf(target);
  if (target.split('/')[0] !== file.split('/')[0] || to.layer !== from.layer)
    return { fault: `deep import: ${specifier} leaves the layer. Import it by its name, as in '#core'.` };
  if (from.layer !== 'studio' && !target.endsWith('.ts'))
    return { fault: `file name: ${specifier} must end in .ts. Name the file, not its folder.` };
  if (!existsSync(join(root, target))) return { fault: `missing file: ${specifier} does not exist.` };
  const parts = rulesOf(from.layer).parts ?? [];
  const isUpward = parts.indexOf(to.part ?? '') > parts.indexOf(from.part ?? '');
  if (from.part !== undefined && !isTest(file) && (isUpward || to.part === undefined))
    return {
      fault: `direction: ${from.layer}/${from.part} may import lower parts (${parts.slice(0, parts.indexOf(from.part)).join(', ') || 'none'}), but got ${specifier}. Move the code up, or pass it in.`,
    };
  return { target };
}

/**
 * @param {Map<string, Map<string, number>>} graph
 * @returns {string[]} one line per cycle, found depth first
 */
function findCycles(graph) {
  /** @type {string[]} */
  const faults = [];
  /** @type {Set<string>} */
  const done = new Set();
  /** @type {string[]} */
  const path = [];
  /** @param {string} file */
  const visit = (file) => {
    path.push(file);
    for (const [next, line] of graph.get(file) ?? []) {
      const start = path.indexOf(next);
      if (start >= 0) {
        const cycle = [...path.slice(start), next].map((name) => name.replace(/^src\//, ''));
        faults.push(
          `${file}:${line} value cycle: ${cycle.join(' → ')}. Move the shared part to a file of its own, or import types only.`,
        );
      } else if (!done.has(next)) visit(next);
    }
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) if (!done.has(file)) visit(file);
  return faults;
}
