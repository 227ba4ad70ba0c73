import { DataError } from '#core';
import { PickleGlobal, PickleRecord, PickleTensor, PickleTuple, type PickleValue } from './pickle-values.ts';

/** Names under which checkpoints keep the weights, the usual first. */
const wrappers = ['state_dict', 'model_state_dict', 'state_dict_ema', 'model', 'model_state', 'net', 'ema'];
const averages = ['ema', 'model_ema', 'state_dict_ema', 'ema_state_dict'];
const maxDepth = 100;
const maxVisits = 300_000;
/** Characters of all names together; a real model's take some hundred thousand. */
const maxNameLength = 2 ** 26;

/** The tensors of an unpickled file by dotted names, and what else it says. */
export interface ExtractedState {
  readonly tensors: ReadonlyMap<string, PickleTensor>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * Finds the weights: a state dict, a pickled module, or a checkpoint that holds one of them under a usual name.
 * Other nests of dicts and lists give dotted names.
 *
 * @param path for errors
 * @param preferEma takes the moving average where a checkpoint has one
 * @throws DataError when the file holds no tensor, or nests deeper than 100
 */
export function extractState(path: string, root: PickleValue, preferEma: boolean): ExtractedState {
  const order = preferEma ? [...averages, ...wrappers] : [...wrappers, ...averages];
  let holder = root;
  let metadata: Record<string, unknown> = {};
  // A wrapper may hold a wrapper, as in { model: { state_dict } }.
  for (let level = 0; level < 3 && holder instanceof Map; level++) {
    const outer: Map<PickleValue, PickleValue> = holder;
    const name = order.find((key) => holdsWeights(outer.get(key)));
    if (name === undefined || [...outer.values()].some((value) => value instanceof PickleTensor)) break;
    metadata = { ...metadata, ...plainEntries(outer, name) };
    holder = outer.get(name)!;
  }
  const tensors = new Map<string, PickleTensor>();
  collect(holder, '', tensors, { path, open: new Set(), visits: 0, nameLength: 0 });
  if (tensors.size === 0) {
    throw new DataError(
      `readPytorch: a file of weights holds tensors, but "${path}" holds none where they are looked for (${order.join(', ')}, or at the top). Save model.state_dict().`,
      { file: path },
    );
  }
  if (holder instanceof Map && holder === root) metadata = plainEntries(holder, undefined);
  return { tensors, metadata };
}

function holdsWeights(value: PickleValue | undefined): boolean {
  if (value instanceof PickleRecord) return attributes(value).has('_modules');
  return value instanceof Map && value.size > 0;
}

interface Walk {
  readonly path: string;
  /** Containers that are being walked, so that a container inside itself ends. */
  readonly open: Set<PickleValue>;
  /** References may double from level to level; this ends them. */
  visits: number;
  /** Names grow by each level, as visits do. */
  nameLength: number;
}

function collect(value: PickleValue, prefix: string, tensors: Map<string, PickleTensor>, walk: Walk): void {
  if (value instanceof PickleTensor) {
    walk.nameLength += prefix.length;
    if (walk.nameLength > maxNameLength) {
      throw new DataError(
        `readPytorch: the names of all tensors may take ${maxNameLength} characters, but those of "${walk.path}" take more from "${prefix.slice(0, 100)}" on. Save model.state_dict().`,
        { file: walk.path },
      );
    }
    tensors.set(prefix === '' ? 'tensor' : prefix, value);
    return;
  }
  const children = childrenOf(value);
  if (children.length === 0) return;
  walk.visits += children.length;
  if (walk.open.has(value) || walk.open.size >= maxDepth || walk.visits > maxVisits) {
    throw new DataError(
      `readPytorch: a file of weights is a tree of at most ${maxDepth} levels and ${maxVisits} nodes, but "${walk.path}" goes on below "${prefix.slice(0, 100)}". Save model.state_dict().`,
      { file: walk.path },
    );
  }
  walk.open.add(value);
  for (const [name, child] of children)
    collect(child, prefix === '' ? name : `${prefix}.${name}`, tensors, walk);
  walk.open.delete(value);
}

/** A module's parameters, then persistent buffers, then modules, as `state_dict()` lists them. */
function childrenOf(value: PickleValue): [string, PickleValue][] {
  if (value instanceof Map) return named(value);
  if (Array.isArray(value) || value instanceof PickleTuple) {
    const items = Array.isArray(value) ? value : value.items;
    return items.flatMap((item, i) => (mayHold(item) ? [[`${i}`, item] as [string, PickleValue]] : []));
  }
  if (!(value instanceof PickleRecord)) return [];
  const fields = attributes(value);
  const transient = fields.get('_non_persistent_buffers_set');
  const buffers = named(fields.get('_buffers')).filter(
    ([name]) => !(transient instanceof Set && transient.has(name)),
  );
  return [...named(fields.get('_parameters')), ...buffers, ...named(fields.get('_modules'))];
}

function named(value: PickleValue | undefined): [string, PickleValue][] {
  if (!(value instanceof Map)) return [];
  return [...value].flatMap(([key, item]) =>
    (typeof key === 'string' || typeof key === 'number') && mayHold(item)
      ? [[`${key}`, item] as [string, PickleValue]]
      : [],
  );
}

function mayHold(value: PickleValue): boolean {
  return (
    typeof value === 'object' && value !== null && !(value instanceof Set || value instanceof PickleGlobal)
  );
}

/** An object's `__dict__`; with slots, a pair of dicts. */
function attributes({ state }: PickleRecord): Map<PickleValue, PickleValue> {
  const dict = state instanceof PickleTuple ? state.items[0] : state;
  return dict instanceof Map ? dict : new Map();
}

/** What a checkpoint says besides tensors, as plain data: numbers, texts and small nests of them. */
function plainEntries(
  map: Map<PickleValue, PickleValue>,
  without: string | undefined,
): Record<string, unknown> {
  const plain: [string, unknown][] = [];
  const budget = { nodes: 10_000 };
  for (const [key, value] of map) {
    if (key === without || typeof key !== 'string') continue;
    const converted = toPlain(value, budget, 0);
    if (converted !== undefined) plain.push([key, converted]);
  }
  return Object.fromEntries(plain);
}

function toPlain(value: PickleValue, budget: { nodes: number }, depth: number): unknown {
  budget.nodes--;
  if (budget.nodes < 0 || depth > 8) return undefined;
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (value instanceof PickleGlobal) return value.path;
  if (Array.isArray(value) || value instanceof PickleTuple || value instanceof Set) {
    const items = value instanceof PickleTuple ? value.items : [...value];
    const list = items.map((item) => toPlain(item, budget, depth + 1));
    return list.includes(undefined) ? undefined : list;
  }
  if (!(value instanceof Map)) return undefined;
  const entries: [string, unknown][] = [];
  for (const [key, item] of value) {
    const converted = toPlain(item, budget, depth + 1);
    if (converted !== undefined && (typeof key === 'string' || typeof key === 'number')) {
      entries.push([`${key}`, converted]);
    }
  }
  return entries.length === 0 && value.size > 0 ? undefined : Object.fromEntries(entries);
}
