import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DataError } from '#core';
import { readImageIndex } from '#data';
import type { PictureData } from '#vision';
import type { Workspace } from '#workspace';

/**
 * What DATA means: a path, or the name of a dataset of the workspace, as `name` or `name:version`. Relative paths in a
 * dataset start at its first file's folder.
 *
 * @throws DataError when it is neither
 */
export async function findData(text: string, workspace: Workspace | undefined): Promise<PictureData> {
  if (existsSync(text)) return text;
  const [, name = text, version] = /^(.+?):(\d+)$/.exec(text) ?? [];
  if (workspace !== undefined && (await workspace.datasets.has(name))) {
    const dataset = await workspace.datasets.get(name, version === undefined ? undefined : Number(version));
    const [file] = dataset.files;
    return readImageIndex(await dataset.toTable(), file === undefined ? {} : { root: dirname(file) });
  }
  const where = workspace === undefined ? '' : ' or the name of a dataset of the workspace';
  throw new DataError(
    `classify: DATA must be a folder or a table${where}, but there is no "${text}". Check the path.`,
    { data: text },
  );
}
