import { readdir, stat } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { DataError } from '#core';
import { isSoundName } from '../file-kinds.ts';

export interface SoundFile {
  readonly path: string;
  /** The folder it is in below the folder that was listed: its class; null for a file given by itself or not in one. */
  readonly className: string | null;
  /** Names the recording: its path below the folder that was listed, with `/` and without its extension. */
  readonly name: string;
}

/**
 * Sounds of files, taken as they are, and of folders with the folders in them, by the extensions .wav, .flac, .ogg, .oga
 * and .mp3, in the order of their names. Hidden files are passed over.
 *
 * @throws DataError for an input that is not there, a folder without sounds, or two sounds of one name
 */
export async function listSounds(inputs: readonly string[]): Promise<SoundFile[]> {
  const sounds: SoundFile[] = [];
  const paths = new Map<string, string>();
  for (const input of inputs) {
    const facts = await stat(input).catch((error: unknown) => {
      throw new DataError(
        `listSounds: sounds must be readable, but "${input}" is not: ${(error as Error).message}. Check the path.`,
        { file: input },
        { cause: error },
      );
    });
    const found = facts.isDirectory() ? await listFolder(input) : [describe(basename(input), input)];
    if (found.length === 0) {
      throw new DataError(
        `listSounds: a folder must hold sounds, but "${input}" has no .wav, .flac, .ogg or .mp3. Give another folder.`,
        { file: input },
      );
    }
    for (const sound of found) {
      const other = paths.get(sound.name);
      if (other !== undefined) {
        throw new DataError(
          `listSounds: recordings must have different names, but "${other}" and "${sound.path}" are both "${sound.name}". Rename one.`,
          { file: sound.path, name: sound.name },
        );
      }
      paths.set(sound.name, sound.path);
      sounds.push(sound);
    }
  }
  return sounds;
}

async function listFolder(folder: string): Promise<SoundFile[]> {
  const below = async (relative: string): Promise<string[]> => {
    const entries = await readdir(join(folder, relative), { withFileTypes: true });
    const nested = await Promise.all(
      entries
        .filter(({ name }) => !name.startsWith('.'))
        .map((entry) => {
          const path = posix.join(relative, entry.name);
          if (entry.isDirectory()) return below(path);
          return isSoundName(entry.name) ? [path] : [];
        }),
    );
    return nested.flat();
  };
  return (await below('')).sort().map((relative) => describe(relative, join(folder, relative)));
}

function describe(relative: string, path: string): SoundFile {
  const [top, ...rest] = relative.split('/');
  return {
    path,
    className: rest.length > 0 ? top : null,
    name: relative.replace(/\.[^./]*$/, ''),
  };
}
