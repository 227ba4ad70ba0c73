// @ts-check
/** Builds dist/: the AssemblyScript kernels to WebAssembly, then the TypeScript sources. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Runs a package's command; prints what it said only when it failed, and then ends the build.
 * @param {string} script below `node_modules/`
 * @param {string[]} args
 */
function run(script, ...args) {
  const command = [join(root, 'node_modules', script), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${stdout ?? ''}${stderr ?? ''}build: ${script} failed. Mend the faults above.`);
  process.exit(1);
}

if (process.argv.includes('--clean')) rmSync(join(root, 'dist'), { recursive: true, force: true });
mkdirSync(join(root, 'dist', 'kernels'), { recursive: true });

/** Every `*.kernel.ts` is one WebAssembly module over an imported, shared memory. */
const assembly = join('src', 'kernels', 'assembly');
const sources = readdirSync(join(root, assembly));
const inputs = [fileURLToPath(import.meta.url), ...sources.map((name) => join(root, assembly, name))];
const changed = Math.max(...inputs.map((file) => statSync(file).mtimeMs));
for (const file of sources.filter((name) => name.endsWith('.kernel.ts'))) {
  const output = join('dist', 'kernels', file.replace('.kernel.ts', '.wasm'));
  const built = statSync(join(root, output), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built > changed) continue;
  run(
    'assemblyscript/bin/asc.js',
    join(assembly, file),
    '--outFile',
    output,
    '--runtime',
    'stub',
    '--importMemory',
    '--sharedMemory',
    '--initialMemory',
    '16',
    '--maximumMemory',
    '65536',
    '--enable',
    'simd,threads,relaxed-simd',
    '-O3',
    '--converge',
    '--noAssert',
  );
}
run('typescript/bin/tsc', '-p', 'tsconfig.build.json');
