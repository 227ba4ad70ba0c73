import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, DataError } from '#core';
import { writeFailure } from '#data';
import type { StateDict } from '#nn';
import { readSafetensors, writeSafetensors } from '../weights/safetensors.ts';
import { parseState, type StateValue, stringifyState } from './state-json.ts';

/** Everything that training needs to go on as if it had never stopped. */
export interface Checkpoint {
  /** Parameters, buffers, optimiser state: bit for bit. */
  readonly tensors: StateDict;
  /** Plain data: step, epoch, seeds, best metric. Bigint, NaN and infinities are kept. */
  readonly state: StateValue;
}

/** A checkpoint that was read, and from where. */
export interface StoredCheckpoint extends Checkpoint {
  readonly path: string;
}

/** Rises when a reader of an older version would misread the file. */
const formatVersion = 1;
const keys = {
  version: 'trainyard.checkpoint',
  state: 'trainyard.state',
  checksum: 'trainyard.sha256',
} as const;
const namePattern = /^checkpoint-(\d{6,15})\.safetensors$/;

/**
 * Writes a checkpoint as **one** safetensors file with the state as JSON in its `__metadata__`, so that tensors
 * and state cannot come from different moments: the file appears under its name whole or not at all, and a kill
 * or full disk at any moment leaves the one before. Any safetensors reader opens it.
 *
 * @param path a file `*.safetensors`, which is replaced; or a folder, made if missing, that gets
 *   `checkpoint-000001.safetensors` and so on, one writer at a time
 * @param checkpoint must not change until the promise settles
 * @param options `keep`: how many files stay in the folder, at least 1. Default 3
 * @returns the path of the file
 * @throws RuntimeFailure when it cannot be written; names the file and the room it needed
 * @throws DataError for state that is no plain data, naming where
 */
export async function writeCheckpoint(
  path: string,
  { tensors, state }: Checkpoint,
  { keep = 3 }: { readonly keep?: number } = {},
): Promise<string> {
  if (!Number.isInteger(keep) || keep < 1) {
    throw new ConfigError(`writeCheckpoint: keep must be a whole number of at least 1, but got ${keep}.`);
  }
  const json = stringifyState(state);
  const metadata = {
    [keys.version]: `${formatVersion}`,
    [keys.state]: json,
    [keys.checksum]: checksum(tensors, json),
  };
  if (path.endsWith('.safetensors')) {
    await writeSafetensors(path, tensors, metadata);
    return path;
  }
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw writeFailure('writeCheckpoint', path, error);
  });
  const last = (await listCheckpoints(path)).at(-1);
  const number = last === undefined ? 1 : Number(namePattern.exec(last)?.[1]) + 1;
  const name = `checkpoint-${String(number).padStart(6, '0')}.safetensors`;
  await writeSafetensors(join(path, name), tensors, metadata);
  await prune(path, keep);
  return join(path, name);
}

/**
 * Reads a checkpoint and compares its checksum.
 *
 * @param path the file; or a folder, of which the newest checkpoint is read
 * @throws DataError when there is none, it is damaged, it is no checkpoint, or a newer version wrote it
 */
export async function readCheckpoint(path: string): Promise<StoredCheckpoint> {
  const isFolder = await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
  if (!isFolder) return readFile(path);
  const names = await listCheckpoints(path);
  const newest = names.at(-1);
  if (newest === undefined) {
    throw new DataError(
      `readCheckpoint: the folder must hold checkpoint-NUMBER.safetensors, but "${path}" holds none. Name another folder or start anew.`,
      { file: path },
    );
  }
  return readFile(join(path, newest)).catch((error: unknown) => {
    const before = names.at(-2);
    if (!(error instanceof DataError) || before === undefined) throw error;
    throw new DataError(
      `${error.message} Or go on from the one before: "${join(path, before)}".`,
      { ...error.details, previous: join(path, before) },
      { cause: error },
    );
  });
}

/** Names of the checkpoints in a folder, oldest first. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new DataError(
      `listCheckpoints: the folder must be readable, but "${folder}" is not: ${(error as Error).message}. Check the path.`,
      { file: folder },
      { cause: error },
    );
  });
  const numberOf = (name: string) => Number(namePattern.exec(name)?.[1]);
  return names.filter((name) => namePattern.test(name)).sort((a, b) => numberOf(a) - numberOf(b));
}

async function readFile(path: string): Promise<StoredCheckpoint> {
  const { state: tensors, metadata } = await readSafetensors(path, {
    half: 'float16',
    maxBytes: Number.POSITIVE_INFINITY,
  });
  const { [keys.version]: version, [keys.state]: json, [keys.checksum]: sum } = metadata;
  if (typeof version !== 'string' || typeof json !== 'string') {
    throw damaged(path, 'it holds weights without a state. Load them with readWeights');
  }
  if (Number(version) !== formatVersion) {
    throw damaged(path, `it has version ${version}. Update Trainyard`);
  }
  if (checksum(tensors, json) !== sum) {
    throw damaged(path, 'its content does not match its checksum. Copy it again');
  }
  try {
    return { tensors, state: parseState(json), path };
  } catch (error) {
    throw damaged(path, `its state cannot be parsed (${(error as Error).message}). Copy it again`);
  }
}

/** Old checkpoints, and what a killed writer left. */
async function prune(folder: string, keep: number): Promise<void> {
  const old = (await listCheckpoints(folder)).slice(0, -keep);
  const stray = (await readdir(folder)).filter((name) =>
    /^\.checkpoint-\d+\.safetensors\..*\.tmp$/.test(name),
  );
  for (const name of [...old, ...stray]) await rm(join(folder, name), { force: true });
}

/** SHA-256 over the state and, per tensor, its name, type, shape and bytes. */
function checksum(tensors: StateDict, json: string): string {
  const hash = createHash('sha256').update(json);
  for (const [key, { dtype, shape, data }] of tensors) {
    hash.update(JSON.stringify([key, dtype, shape]));
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    // One update takes less than 2 GiB.
    for (let at = 0; at < bytes.byteLength; at += 2 ** 30) hash.update(bytes.subarray(at, at + 2 ** 30));
  }
  return hash.digest('hex');
}

function damaged(path: string, got: string): DataError {
  return new DataError(
    `readCheckpoint: "${path}" must be a complete checkpoint of version ${formatVersion}, but ${got}.`,
    { file: path },
  );
}
