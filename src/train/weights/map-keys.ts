import { DataError } from '#core';
import type { StateDict } from './state-dict.ts';

/** How the names of a file become the names of a model; first prefixes go, then renamings apply in order. */
export interface KeyMapping {
  /**
   * `'auto'`: the prefixes `module.` (DataParallel), `_orig_mod.` (torch.compile) and `model.`, as often as every
   * name has one and, where `target` is given, the names agree better without. Or: prefixes to take from each
   * name that has them, one after the other. Default: none.
   */
  readonly stripPrefix?: 'auto' | readonly string[];
  /** As in `String.replace`: a text stands for its first occurrence, a pattern may use `$1`. */
  readonly rename?: readonly (readonly [pattern: string | RegExp, replacement: string])[];
  /** Names that the model has, for `'auto'`. */
  readonly target?: Iterable<string>;
}

const commonPrefixes = ['module.', '_orig_mod.', 'model.'];

/**
 * The same tensors under other names.
 *
 * @example
 * mapKeys(state, { stripPrefix: 'auto', rename: [[/^classifier\./, 'head.']] });
 * @throws DataError when two names become one
 */
export function mapKeys(state: StateDict, mapping: KeyMapping): StateDict {
  const { stripPrefix = [], rename = [], target } = mapping;
  const names = [...state.keys()];
  const rewrite = (name: string): string => {
    let result = name;
    for (const [pattern, replacement] of rename) result = result.replace(pattern, replacement);
    return result;
  };
  const stripped =
    stripPrefix === 'auto'
      ? stripCommon(names, target === undefined ? undefined : new Set(target), rewrite)
      : names.map((name) => stripPrefix.reduce(withoutPrefix, name));
  const mapped: StateDict = new Map();
  const origin = new Map<string, string>();
  stripped.forEach((strippedName, i) => {
    const name = rewrite(strippedName);
    const other = origin.get(name);
    if (other !== undefined) {
      throw new DataError(
        `mapKeys: names must stay different, but "${other}" and "${names[i]}" both become "${name}". Make the patterns narrower.`,
        { key: name },
      );
    }
    origin.set(name, names[i]);
    mapped.set(name, state.get(names[i])!);
  });
  return mapped;
}

function withoutPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function stripCommon(
  names: readonly string[],
  target: ReadonlySet<string> | undefined,
  rewrite: (name: string) => string,
): readonly string[] {
  const agreement = (candidates: readonly string[]) =>
    target === undefined ? 0 : candidates.filter((name) => target.has(rewrite(name))).length;
  let best = names;
  let current = names;
  for (;;) {
    const prefix = commonPrefixes.find((start) => current.every((name) => name.startsWith(start)));
    if (prefix === undefined || current.length === 0) return best;
    current = current.map((name) => name.slice(prefix.length));
    if (target === undefined || agreement(current) > agreement(best)) best = current;
  }
}
