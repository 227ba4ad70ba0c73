import { readFile } from 'node:fs/promises';
import { DataError } from '#core';
import { importGraph } from '#engine';
import type { StateDict } from '#nn';
import { formatWeightReport, mapKeys, matchState, readWeights, type WeightReport } from '#train';
import type { KeyDialect } from './architecture.ts';
import { type FetchWeightsOptions, fetchWeights } from './fetch-weights.ts';
import { findArchitecture } from './registry.ts';
import type { VisionModel } from './vision-model.ts';

export interface LoadPretrainedOptions extends FetchWeightsOptions {
  /**
   * What becomes of the head: `auto` (default) loads it when the file has as many classes, and leaves it as it is
   * otherwise; `replace` always leaves it; `strict` refuses a file with another number of classes.
   */
  readonly headPolicy?: 'auto' | 'replace' | 'strict';
  /** Loads what fits, and leaves the rest of the model as it is; false by default. */
  readonly allowPartial?: boolean;
  /**
   * Prefixes to take from names that have them, one after the other. By default `model.`, `module.` and `_orig_mod.`,
   * where all names have them.
   */
  readonly keyPrefixes?: readonly string[];
  /** Takes the moving average of the weights where a checkpoint has both; false by default. */
  readonly preferEma?: boolean;
}

/** What fits and what does not, by the model's names. */
export interface PretrainedReport extends WeightReport {
  /** The file that was read: given, or in the cache. */
  readonly file: string;
  /** Whose names the file has. */
  readonly source: string;
  /** Whether the head was loaded; otherwise it is as it was. */
  readonly headLoaded: boolean;
  /** Tensors recomputed for another number of channels or size of image. */
  readonly adapted: readonly string[];
}

/**
 * Loads weights into a model: safetensors, PyTorch's checkpoints (`.pth`, `.pt`; state dicts, or whole modules, whose
 * code is not run), or the initializers of an ONNX model (`.onnx`). Names of timm and torchvision become the
 * model's.
 *
 * @param fileOrUrl a path or an http(s) address, which is downloaded to the cache once
 * @returns the report; `formatWeightReport` of `trainyard/train` puts it into words
 * @throws DataError when the file is missing, damaged or of no known format; when names or shapes outside the head
 *   differ and `allowPartial` is not set (the model is then unchanged); or when the head differs under `strict`
 * @example
 * const model = createModel('resnet18', { numClasses: 10 });
 * const report = await loadPretrained(model, 'resnet18.safetensors');
 */
export async function loadPretrained(
  model: VisionModel,
  fileOrUrl: string,
  options: LoadPretrainedOptions = {},
): Promise<PretrainedReport> {
  const { headPolicy = 'auto', allowPartial = false, keyPrefixes, preferEma = false } = options;
  const file = await fetchWeights(fileOrUrl, options);
  const target = model.stateDict();
  const { state, source } = mapDialect(
    await readState(file, preferEma),
    target,
    dialectsOf(model),
    keyPrefixes,
  );
  const isHead = (name: string) => name.startsWith(`${model.headName}.`);
  if (headPolicy === 'replace') for (const name of [...state.keys()].filter(isHead)) state.delete(name);
  const adapted = model.adaptWeights(state);
  for (const [name, tensor] of adapted) state.set(name, tensor);
  // What differs is judged below: here nothing is refused.
  const matched = matchState(target, state, {
    headPattern: model.headName,
    allowPartial: true,
    allowMismatched: true,
  });
  const { report } = matched;
  const headLoaded = report.matched.includes(`${model.headName}.weight`);
  const result: PretrainedReport = { ...report, file, source, headLoaded, adapted: [...adapted.keys()] };
  if (!allowPartial) refuseOther(model, fileOrUrl, result, isHead);
  if (headPolicy === 'strict' && !headLoaded) refuseHead(model, fileOrUrl, state);
  model.loadStateDict(matched.state, { strict: false });
  return result;
}

function dialectsOf(model: VisionModel): readonly KeyDialect[] {
  return model.architecture === '' ? [{ source: 'model' }] : findArchitecture(model.architecture).dialects;
}

async function readState(path: string, preferEma: boolean): Promise<StateDict> {
  if (!/\.onnx$/i.test(path)) return (await readWeights(path, { allowRecords: true, preferEma })).state;
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError(
      `loadPretrained: the file must be readable, but "${path}" is not: ${(cause as Error).message}. Check the path.`,
      { file: path },
      { cause },
    );
  });
  const { parameters, statistics } = importGraph(bytes);
  return new Map([...parameters, ...statistics]);
}

/** The state under the names of the dialect that agrees with most of the model's. */
function mapDialect(
  given: StateDict,
  target: StateDict,
  dialects: readonly KeyDialect[],
  keyPrefixes: readonly string[] | undefined,
): { readonly state: StateDict; readonly source: string } {
  let best: { state: StateDict; source: string; agreement: number } | undefined;
  let fault: unknown;
  for (const { source, rename = [] } of dialects) {
    try {
      const stripPrefix = keyPrefixes ?? 'auto';
      const state = mapKeys(given, { stripPrefix, rename, target: target.keys() });
      const agreement = [...state.keys()].filter((name) => target.has(name)).length;
      if (best === undefined || agreement > best.agreement) best = { state, source, agreement };
    } catch (error) {
      // Another dialect's names may become one; the file is then not of it.
      fault = error;
    }
  }
  if (best === undefined) throw fault;
  return best;
}

function refuseOther(
  model: VisionModel,
  file: string,
  report: PretrainedReport,
  isHead: (name: string) => boolean,
): void {
  const differing = [
    ...report.missing,
    ...report.unexpected,
    ...report.mismatched.map(({ key }) => key),
  ].filter((name) => !isHead(name));
  if (differing.length === 0) return;
  const name = model.architecture === '' ? 'the model' : model.architecture;
  throw new DataError(
    `loadPretrained: the file must hold the weights of ${name}, but got "${file}":\n${formatWeightReport(report)}\n` +
      'Create the model that the file was made with, name the prefixes in keyPrefixes, or pass allowPartial: true.',
    { ...report },
  );
}

function refuseHead(model: VisionModel, file: string, state: StateDict): void {
  const classes = state.get(`${model.headName}.weight`)?.shape[0];
  throw new DataError(
    `loadPretrained: with headPolicy "strict" the file must have the model's ${model.numClasses} classes, but "${file}" has ${classes ?? 'no head'}. ` +
      `${classes === undefined ? 'Pass' : `Create the model with numClasses: ${classes}, or pass`} headPolicy: "auto".`,
    { file, expected: model.numClasses, classes },
  );
}
