import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline as pump } from 'node:stream/promises';
import { RuntimeFailure } from '#core';
import type { ArtifactRecord, Store } from '#tracking';
import type { OutputDefinition } from './definition.ts';
import type { StoredOutput } from './reuse-key.ts';

/**
 * Stores what a step wrote, a file or a folder for each output, as artefacts of its run.
 *
 * @throws RuntimeFailure when an output was not written
 */
export async function storeOutputs(
  store: Store,
  runId: string,
  outputs: readonly OutputDefinition[],
  paths: Readonly<Record<string, string>>,
): Promise<Record<string, StoredOutput>> {
  const stored: Record<string, StoredOutput> = {};
  for (const { name } of outputs) {
    const path = paths[name];
    if (!existsSync(path)) {
      throw new RuntimeFailure(
        `step: every output must be written, but "${name}" was not. Write it to ${path}, which the step is told.`,
        { output: name, path },
      );
    }
    const artifacts: Record<string, ArtifactRecord> = {};
    for (const file of (await stat(path)).isDirectory() ? await filesBelow(path) : ['']) {
      const target = file === '' ? `outputs/${name}` : `outputs/${name}/${file}`;
      const content = createReadStream(file === '' ? path : join(path, ...file.split('/')));
      artifacts[target] = await store.putArtifact(runId, target, content);
    }
    stored[name] = { runId, artifacts };
  }
  return stored;
}

/** Paths of the files below a folder, relative and with `/`, in order. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(/[\\/]/)
        .join('/'),
    )
    .sort();
}

/**
 * Writes an output's files to `path`: a file where it is one, a folder where it is several.
 *
 * @returns how many files
 */
export async function fetchOutput(
  store: Store,
  name: string,
  { runId, artifacts }: StoredOutput,
  path: string,
): Promise<number> {
  const root = `outputs/${name}`;
  for (const artifact of Object.keys(artifacts)) {
    const target = artifact === root ? path : join(path, ...artifact.slice(root.length + 1).split('/'));
    await mkdir(dirname(target), { recursive: true });
    const { content } = await store.openArtifact(runId, artifact);
    await pump(content, createWriteStream(target));
  }
  return Object.keys(artifacts).length;
}
