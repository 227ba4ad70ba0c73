import { DataError } from '#core';
import { decodePixels } from './decode-pixels.ts';
import type { ImageItem } from './image-index.ts';

export interface BrokenImage {
  readonly path: string;
  readonly reason: string;
}

export interface CheckImagesOptions {
  /** `fail` (default) throws when pictures are broken; `skip` leaves them out. */
  readonly onBroken?: 'skip' | 'fail';
}

/**
 * Decodes every picture once, to find missing and damaged ones before training.
 * @throws DataError listing the broken pictures (all in `details.broken`), unless they are skipped
 */
export async function checkImages<T extends Pick<ImageItem, 'path'>>(
  items: readonly T[],
  { onBroken = 'fail' }: CheckImagesOptions = {},
): Promise<{ items: T[]; broken: BrokenImage[] }> {
  const reasons: (string | undefined)[] = new Array(items.length).fill(undefined);
  let next = 0;
  const check = async () => {
    while (next < items.length) {
      const i = next++;
      await decodePixels(items[i].path, { maxSide: 64 }).catch((error: Error) => {
        reasons[i] = error.message;
      });
    }
  };
  await Promise.all(Array.from({ length: 4 }, check));
  const broken = items.flatMap(({ path }, i) => {
    const reason = reasons[i];
    return reason === undefined ? [] : [{ path, reason }];
  });
  if (broken.length > 0 && onBroken === 'fail') {
    const shown = broken.slice(0, 5).map(({ path }) => path);
    throw new DataError(
      `checkImages: pictures must be readable, but ${broken.length} of ${items.length} are not (${shown.join(', ')}${broken.length > 5 ? ', …' : ''}): ${broken[0].reason} Mend them, or skip them with onBroken: 'skip'.`,
      { broken },
    );
  }
  return { items: items.filter((_, i) => reasons[i] === undefined), broken };
}
