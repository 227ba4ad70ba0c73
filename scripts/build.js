/** Builds dist/: the AssemblyScript kernels to WebAssembly, then the TypeScript sources. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const binary = (name) => join(root, 'node_modules', ...name.split('/'));
const run = (script, args) =>
  execFileSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });

if (process.argv.includes('--clean')) rmSync(join(root, 'dist'), { recursive: true, force: true });
mkdirSync(join(root, 'dist', 'kernels'), { recursive: true });

/** Every `*.kernel.ts` is one WebAssembly module over an imported, shared memory. */
const assembly = join('src', 'kernels', 'assembly');
for (const file of readdirSync(join(root, assembly)).filter((name) => name.endsWith('.kernel.ts'))) {
  run(binary('assemblyscript/bin/asc.js'), [
    join(assembly, file),
    '--outFile',
    join('dist', 'kernels', file.replace('.kernel.ts', '.wasm')),
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
  ]);
}
run(binary('typescript/bin/tsc'), ['-p', 'tsconfig.build.json']);
