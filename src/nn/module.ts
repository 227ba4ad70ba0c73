import { ConfigError, DataError, type HostTensor } from '#core';
import { Buffer, Parameter, State, type Tensor } from '#engine';

/** Parameters and buffers by name, as saved. */
export type StateDict = Map<string, HostTensor>;

/** Names matched by a text (the name itself, or everything below `name.`) or a regular expression. */
export type NamePattern = string | RegExp;

export function matchesName(pattern: NamePattern, name: string): boolean {
  if (typeof pattern === 'string') return name === pattern || name.startsWith(`${pattern}.`);
  return new RegExp(pattern.source, pattern.flags.replace('g', '')).test(name);
}

/**
 * Part of a model: properties that are parameters, buffers and other modules, and a forward pass over them. A property
 * that is an array or a `Map` of them counts too.
 *
 * Names are made of property names, joined by dots, with PyTorch's spelling: `layers[0].runningMean` is
 * `layers.0.running_mean`. So a class with the properties of its PyTorch counterpart reads its weights.
 *
 * @example
 * class Net extends Module {
 *   l1 = new Linear(784, 10, { seed: 0 });
 *   forward(x: Tensor) { return this.l1.forward(x.flatten(1)); }
 * }
 */
export abstract class Module {
  /** Whether layers that differ behave as in training; changed by `train` and `eval`. */
  training = true;

  abstract forward(...inputs: Tensor[]): Tensor;

  /** Modules directly inside this one, with their names. */
  namedChildren(): Map<string, Module> {
    return new Map(membersOf(this).filter((entry): entry is [string, Module] => entry[1] instanceof Module));
  }

  /** This module and all inside it; the name of the outermost is ''. */
  namedModules(prefix = ''): Map<string, Module> {
    const found = new Map<string, Module>([[prefix, this]]);
    for (const [name, child] of this.namedChildren()) {
      for (const [inner, module] of child.namedModules(joinName(prefix, name))) found.set(inner, module);
    }
    return found;
  }

  /** Every parameter once, under the first of its names. */
  namedParameters(): Map<string, Parameter> {
    return collect(this, Parameter);
  }

  /** Every buffer once, under the first of its names. */
  namedBuffers(): Map<string, Buffer> {
    return collect(this, Buffer);
  }

  /** Parameters, in the order of their names. */
  parameters(): Parameter[] {
    return [...this.namedParameters().values()];
  }

  /** Number of elements of all parameters. */
  parameterCount(): number {
    return this.parameters().reduce((total, parameter) => total + parameter.size, 0);
  }

  train(mode = true): this {
    for (const module of this.namedModules().values()) module.training = mode;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /**
   * Takes parameters out of training.
   * @param pattern a module's or parameter's name, or a regular expression over names; everything when absent
   * @returns names of the parameters that it matched
   * @throws ConfigError when it matches none
   */
  freeze(pattern?: NamePattern): string[] {
    return this.setRequiresGrad(pattern, false, 'freeze');
  }

  /** Puts frozen parameters back into training. */
  unfreeze(pattern?: NamePattern): string[] {
    return this.setRequiresGrad(pattern, true, 'unfreeze');
  }

  private setRequiresGrad(pattern: NamePattern | undefined, value: boolean, where: string): string[] {
    const parameters = [...this.namedParameters()];
    const matched = parameters.filter(([name]) => pattern === undefined || matchesName(pattern, name));
    if (matched.length === 0) {
      throw new ConfigError(
        `${where}: the pattern must match a parameter, but ${String(pattern)} matches none of ${parameters.length}. Names are like ${parameters[0]?.[0] ?? '(none)'}.`,
        { pattern: String(pattern) },
      );
    }
    for (const [, parameter] of matched) parameter.requiresGrad = value;
    return matched.map(([name]) => name);
  }

  /** Copies of all parameters and buffers, by name. */
  stateDict(): StateDict {
    const state: StateDict = new Map();
    for (const [name, each] of namedStates(this)) {
      const { dtype, shape, data } = each.contents();
      state.set(name, { dtype, shape, data: data.slice() } as HostTensor);
    }
    return state;
  }

  /**
   * Sets parameters and buffers to copies of saved ones.
   * @param options strict: names must agree completely (true by default)
   * @returns names that were missing from `state`, and names in it that the module does not have
   * @throws DataError naming all missing, unexpected and mismatched entries at once
   */
  loadStateDict(state: ReadonlyMap<string, HostTensor>, options: { strict?: boolean } = {}) {
    const { strict = true } = options;
    const own = namedStates(this);
    const missing = [...own.keys()].filter((name) => !state.has(name));
    const unexpected = [...state.keys()].filter((name) => !own.has(name));
    const mismatched = [...own].flatMap(([name, each]) => {
      const given = state.get(name);
      if (given === undefined || String(given.shape) === String(each.shape)) return [];
      return [`${name} [${each.shape.join(', ')}] and not [${given.shape.join(', ')}]`];
    });
    if (mismatched.length > 0 || (strict && (missing.length > 0 || unexpected.length > 0))) {
      throw new DataError(
        `loadStateDict: names and shapes must agree, but ${describe(missing, 'missing')}${describe(unexpected, 'unexpected')}${describe(mismatched, 'of another shape')}got ${state.size} entries for ${own.size}. Map the names first, or pass strict: false.`,
        { missing, unexpected, mismatched },
      );
    }
    for (const [name, each] of own) {
      const given = state.get(name);
      if (given !== undefined) each.set(converted(given, each));
    }
    return { missing, unexpected };
  }
}

function describe(names: readonly string[], what: string): string {
  if (names.length === 0) return '';
  return `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''} ${what}, `;
}

/** A copy in the state's own element type. */
function converted(given: HostTensor, state: State): HostTensor {
  const { dtype, shape, data } = state.contents();
  const copy = data.slice();
  for (let i = 0; i < copy.length; i++) {
    if (copy instanceof BigInt64Array) copy[i] = BigInt(given.data[i]);
    else copy[i] = Number(given.data[i]);
  }
  return { dtype, shape, data: copy } as HostTensor;
}

/** All states once, in the order in which a state dict lists them. */
export function namedStates(module: Module): Map<string, State> {
  return collect(module, State);
}

function collect<S extends State>(
  module: Module,
  kind: abstract new (...args: never[]) => S,
): Map<string, S> {
  const found = new Map<string, S>();
  const seen = new Set<State>();
  const visit = (owner: Module, prefix: string): void => {
    const members = membersOf(owner);
    for (const [name, member] of members) {
      if (member instanceof kind && !seen.has(member)) {
        seen.add(member);
        const full = joinName(prefix, name);
        if (member.variable.name === '') member.variable.name = full;
        found.set(full, member);
      }
    }
    for (const [name, member] of members) if (member instanceof Module) visit(member, joinName(prefix, name));
  };
  visit(module, '');
  return found;
}

const joinName = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

/** `runningMean` as `running_mean`: the spelling of PyTorch's state dicts. */
function stateName(property: string): string {
  return property.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, letter: string) => `${before}_${letter.toLowerCase()}`,
  );
}

function membersOf(owner: Module): [string, Module | State][] {
  const members: [string, Module | State][] = [];
  for (const [property, value] of Object.entries(owner)) {
    if (value instanceof Module || value instanceof State) members.push([stateName(property), value]);
    else if (value instanceof Map) {
      // Names that come from elsewhere stay as they are.
      for (const [name, item] of value) if (item instanceof State) members.push([String(name), item]);
    }
    if (Array.isArray(value)) {
      value.forEach((item, i) => {
        if (item instanceof Module || item instanceof State)
          members.push([`${stateName(property)}.${i}`, item]);
      });
    }
  }
  return members;
}
