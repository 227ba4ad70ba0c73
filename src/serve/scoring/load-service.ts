import { readFile } from 'node:fs/promises';
import { readOnnxModel } from '#engine';
import type { ScoringLimits, ScoringService } from './scoring-service.ts';

/** What a model scores. */
export type ModelKind = 'rows' | 'images';

/** How many may wait and are scored together, and the largest body. A decoded picture takes some megabytes. */
export const defaultLimits: Readonly<Record<ModelKind, Omit<ScoringLimits, 'onBatch'>>> = {
  rows: { maxQueueRows: 4096, maxBatchRows: 256, maxBodyBytes: 8 * 1024 * 1024 },
  images: { maxQueueRows: 64, maxBatchRows: 32, maxBodyBytes: 32 * 1024 * 1024 },
};

/** By the file's metadata; `rows` for a file that says nothing or cannot be read, which loading then refuses. */
export async function kindOfModel(model: string | Uint8Array): Promise<ModelKind> {
  try {
    const bytes = typeof model === 'string' ? await readFile(model) : model;
    return readOnnxModel(bytes).metadata['task'] === 'image-classification' ? 'images' : 'rows';
  } catch {
    return 'rows';
  }
}

/**
 * Loads only what the model needs: a server of the REST API scores nothing.
 * @param limits the kind's own where absent
 * @throws DataError when there is no such model
 */
export async function loadService(
  model: string | Uint8Array,
  version: string,
  limits: Partial<ScoringLimits> & Pick<ScoringLimits, 'onBatch' | 'maxBodyBytes'>,
): Promise<ScoringService> {
  const kind = await kindOfModel(model);
  const all = { ...defaultLimits[kind], ...limits };
  if (kind === 'images') {
    const [{ ImageScorer }, { ImageService }] = await Promise.all([
      import('./image-scorer.ts'),
      import('./image-service.ts'),
    ]);
    return new ImageService(await ImageScorer.load(model, version), all);
  }
  const [{ TabularScorer }, { RowService }] = await Promise.all([
    import('./tabular-scorer.ts'),
    import('./row-service.ts'),
  ]);
  return new RowService(await TabularScorer.load(model, version), all);
}
