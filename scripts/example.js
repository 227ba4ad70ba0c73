// @ts-check
/**
 * `npm run example NAME [ARGUMENTS]` compiles the programs in examples/ to tmp/examples and runs one of them. The
 * compiled program lies inside the package, so that its imports of `trainyard/...` resolve as in a project of yours.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [name = '', ...args] = process.argv.slice(2);
const names = readdirSync(join(root, 'examples')).filter((entry) =>
  existsSync(join(root, 'examples', entry, 'main.ts')),
);
if (!names.includes(name)) {
  console.error(`example: there is no example "${name}". Use: npm run example ${names.join(' | ')}`);
  process.exit(2);
}

const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [compiler, '-p', join(root, 'examples')], { encoding: 'utf8' });
if (compiled.status !== 0) {
  console.error(
    `${compiled.stdout}${compiled.stderr}example: the examples do not compile. Mend the faults above.`,
  );
  process.exit(1);
}
// npm runs scripts in the package's root; paths among the arguments are meant from where it was called.
const options = { cwd: process.env['INIT_CWD'] ?? process.cwd(), stdio: /** @type {const} */ ('inherit') };
const program = join(root, 'tmp', 'examples', name, 'main.js');
process.exitCode = spawnSync(process.execPath, [program, ...args], options).status ?? 1;
