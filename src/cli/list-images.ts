import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError } from '#core';
import { isPictureName } from '#data';

/**
 * One image, or all images below a folder in the order of their paths; the class is the name of the folder they are in.
 * @throws DataError when there is none
 */
export async function listImages(path: string): Promise<{ readonly file: string; readonly label: string }[]> {
  const facts = await stat(path).catch((cause: Error) => {
    throw new DataError(
      `augment preview: DATA must be an image or a folder of images, but "${path}" cannot be read: ${cause.message}. Check the path.`,
      { file: path },
      { cause },
    );
  });
  if (facts.isFile()) return [{ file: path, label: basename(dirname(path)) }];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const images = entries
    .filter((entry) => entry.isFile() && isPictureName(entry.name) && !entry.name.startsWith('.'))
    .map((entry) => ({ file: join(entry.parentPath, entry.name), label: basename(entry.parentPath) }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  if (images.length > 0) return images;
  throw new DataError(
    `augment preview: the folder must hold PNG, JPEG, WebP or GIF images, but "${path}" has none. Check the path.`,
    { file: path },
  );
}
