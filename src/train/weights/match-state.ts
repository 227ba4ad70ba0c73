import { DataError, type Shape, sizeOf } from '#core';
import type { NamePattern } from '#nn';
import { convertTensor } from './convert-tensor.ts';
import type { StateDict, TensorSpec } from './state-dict.ts';

/** When weights that fit only in part are accepted. */
export interface MatchOptions {
  /** Every name and shape must agree. Default `false`. */
  readonly strict?: boolean;
  /** Leaves tensors of another shape at their initial values anywhere, not only in the head. Default `false`. */
  readonly allowMismatched?: boolean;
  /** The part of the model that may differ, as when the number of classes does: `'head'` or a pattern. */
  readonly headPattern?: NamePattern;
  /** Accepts any share of matching elements. Default `false`. */
  readonly allowPartial?: boolean;
  /** Least share of the model's elements outside the head that must match, 0 to 1. Default 0.5. */
  readonly minShare?: number;
  /** Names whose absence on either side does not matter. Default: batch norm's `num_batches_tracked`. */
  readonly ignore?: NamePattern;
}

/** What fits and what does not. */
export interface WeightReport {
  /** Names that are loaded, the reshaped ones included. */
  readonly matched: readonly string[];
  /** In the model only; stay at their initial values. */
  readonly missing: readonly string[];
  /** In the file only; not used. */
  readonly unexpected: readonly string[];
  /** In both, but of another shape or kind of element; stay at their initial values. */
  readonly mismatched: readonly Mismatch[];
  /** Loaded although the shapes differ by axes of size 1. */
  readonly reshaped: readonly Mismatch[];
  /** Share of the model's elements outside the head that are loaded, 0 to 1. */
  readonly share: number;
}

/** A tensor that differs; with the element type where that is the reason. */
export interface Mismatch {
  readonly key: string;
  readonly expected: TensorSpec;
  readonly got: TensorSpec;
}

/**
 * Fits a file's tensors to a model. Element types are converted; shapes that differ only by axes of size 1 are
 * reshaped (a linear layer's weight into a 1×1 convolution's).
 *
 * @param target what the model expects, by name
 * @param source the file's tensors, after `mapKeys`
 * @returns `state`: what to load, each tensor in the model's shape and type; and the report
 * @throws DataError with the report when it is not acceptable: anything differs under `strict`; a tensor outside
 *   the head has another shape; or too little matches
 */
export function matchState(
  target: ReadonlyMap<string, TensorSpec>,
  source: StateDict,
  options: MatchOptions = {},
): { readonly state: StateDict; readonly report: WeightReport } {
  const { headPattern, ignore = /(^|\.)num_batches_tracked$/ } = options;
  const isHead = (name: string) => headPattern !== undefined && matches(headPattern, name);
  const isOfInterest = (name: string) => !matches(ignore, name);
  const state: StateDict = new Map();
  const missing: string[] = [];
  const mismatched: Mismatch[] = [];
  const reshaped: Mismatch[] = [];
  let wanted = 0;
  let found = 0;
  for (const [key, expected] of target) {
    const size = isHead(key) ? 0 : sizeOf(expected.shape);
    wanted += size;
    const got = source.get(key);
    if (got === undefined) {
      if (isOfInterest(key)) missing.push(key);
      else wanted -= size;
      continue;
    }
    const difference = {
      key,
      expected: { dtype: expected.dtype, shape: expected.shape },
      got: { dtype: got.dtype, shape: got.shape },
    };
    const isSame = `${expected.shape}` === `${got.shape}` && expected.shape.length === got.shape.length;
    const fits = isSame || `${withoutOnes(expected.shape)}` === `${withoutOnes(got.shape)}`;
    const tensor = fits ? convertTensor(got, expected.dtype, expected.shape) : undefined;
    if (tensor === undefined) {
      mismatched.push(difference);
      continue;
    }
    if (!isSame) reshaped.push(difference);
    state.set(key, tensor);
    found += size;
  }
  const report: WeightReport = {
    matched: [...state.keys()],
    missing,
    unexpected: [...source.keys()].filter((key) => !target.has(key) && isOfInterest(key)),
    mismatched,
    reshaped,
    share: wanted === 0 ? 1 : found / wanted,
  };
  refuse(report, options, isHead);
  return { state, report };
}

/**
 * The report in a few lines: how much fits, and the first names of each kind that does not.
 * @example
 * // 358 of 360 tensors loaded (100.0% of the elements outside the head).
 * // 2 of another shape, left as they were: classifier.weight [10, 1280] and not [264, 1280], …
 */
export function formatWeightReport(report: WeightReport): string {
  const { matched, missing, unexpected, mismatched, reshaped, share } = report;
  const total = matched.length + missing.length + mismatched.length;
  const lines = [
    `${matched.length} of ${total} tensors loaded (${(100 * share).toFixed(1)}% of the elements outside the head).`,
    listLine(mismatched.map(describe), 'of another shape or type, left as they were'),
    listLine(missing, 'missing in the file, left as they were'),
    listLine(unexpected, 'in the file only, not used'),
    listLine(reshaped.map(describe), 'reshaped by axes of size 1'),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function listLine(names: readonly string[], what: string): string {
  if (names.length === 0) return '';
  const more = names.length > 4 ? ` and ${names.length - 4} more` : '';
  return `${names.length} ${what}: ${names.slice(0, 4).join(', ')}${more}`;
}

function describe({ key, expected, got }: Mismatch): string {
  const type = `${expected.shape}` === `${got.shape}`;
  const text = ({ dtype, shape }: TensorSpec) => `${type ? `${dtype} ` : ''}[${shape.join(', ')}]`;
  return `${key} ${text(expected)} and not ${text(got)}`;
}

function refuse(report: WeightReport, options: MatchOptions, isHead: (name: string) => boolean): void {
  const { strict = false, allowMismatched = false, allowPartial = false, minShare = 0.5 } = options;
  const { missing, unexpected, mismatched, share } = report;
  const outside = mismatched.filter(({ key }) => !isHead(key));
  let rule: string | undefined;
  let wayOut = '';
  if (strict && missing.length + unexpected.length + mismatched.length > 0) {
    rule = 'with strict, all names and shapes must agree';
    wayOut = 'Rename with mapKeys, or pass strict: false.';
  } else if (!allowPartial && share < minShare) {
    rule = `at least ${100 * minShare}% of the model must match`;
    wayOut = `Rename with mapKeys (the file has ${example(unexpected)}, the model ${example(missing)}), or pass allowPartial: true.`;
  } else if (!allowMismatched && outside.length > 0) {
    rule = 'shapes and element types outside the head must agree';
    wayOut = 'Build the same model, widen headPattern, or pass allowMismatched: true.';
  }
  if (rule === undefined) return;
  throw new DataError(`matchState: ${rule}, but got:\n${formatWeightReport(report)}\n${wayOut}`, {
    ...report,
  });
}

function example(names: readonly string[]): string {
  return names.length === 0 ? 'no other names' : `"${names[0]}"`;
}

/** A text names a tensor or everything below `text.`. */
function matches(pattern: NamePattern, name: string): boolean {
  if (typeof pattern === 'string') return name === pattern || name.startsWith(`${pattern}.`);
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(name);
}

function withoutOnes(shape: Shape): number[] {
  return shape.filter((dim) => dim !== 1);
}
