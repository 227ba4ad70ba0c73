import type { PickleMachine } from './pickle-machine.ts';
import { PickleGlobal, PickleRecord, PickleTensor, PickleTuple, type PickleValue } from './pickle-values.ts';

/** One instruction of the machine. */
export interface Opcode {
  readonly name: string;
  readonly run: (machine: PickleMachine) => void;
}

type Run = Opcode['run'];

const constants: Record<string, [code: number, value: PickleValue]> = {
  NONE: [0x4e, null],
  NEWTRUE: [0x88, true],
  NEWFALSE: [0x89, false],
};

/** Values that are read from the bytes that follow. */
const literals: Record<string, [code: number, read: (machine: PickleMachine) => PickleValue]> = {
  FLOAT: [0x46, ({ cursor }) => parseFloatText(cursor.line())],
  INT: [0x49, ({ cursor }) => parseInteger(cursor.line(), (text) => cursor.decimal(text))],
  BININT: [0x4a, ({ cursor }) => cursor.int32()],
  BININT1: [0x4b, ({ cursor }) => cursor.uint8()],
  LONG: [0x4c, ({ cursor }) => cursor.decimal(cursor.line().replace(/L$/, ''))],
  BININT2: [0x4d, ({ cursor }) => cursor.uint16()],
  STRING: [0x53, ({ cursor }) => unescapeString(cursor.line())],
  BINSTRING: [0x54, ({ cursor }) => cursor.oldText(cursor.int32())],
  SHORT_BINSTRING: [0x55, ({ cursor }) => cursor.oldText(cursor.uint8())],
  UNICODE: [0x56, ({ cursor }) => unescapeUnicode(cursor.line())],
  BINUNICODE: [0x58, ({ cursor }) => cursor.text(cursor.uint32())],
  SHORT_BINUNICODE: [0x8c, ({ cursor }) => cursor.text(cursor.uint8())],
  BINUNICODE8: [0x8d, ({ cursor }) => cursor.text(cursor.uint64())],
  BINFLOAT: [0x47, ({ cursor }) => cursor.float64BigEndian()],
  LONG1: [0x8a, ({ cursor }) => cursor.long(cursor.uint8())],
  LONG4: [0x8b, ({ cursor }) => cursor.long(cursor.int32())],
  BINBYTES: [0x42, ({ cursor }) => cursor.take(cursor.uint32())],
  SHORT_BINBYTES: [0x43, ({ cursor }) => cursor.take(cursor.uint8())],
  BINBYTES8: [0x8e, ({ cursor }) => cursor.take(cursor.uint64())],
  BYTEARRAY8: [0x96, ({ cursor }) => cursor.take(cursor.uint64())],
};

/** Containers, each made of values on the stack. */
const containers: Record<string, [code: number, make: (machine: PickleMachine) => PickleValue]> = {
  EMPTY_LIST: [0x5d, () => []],
  LIST: [0x6c, (machine) => machine.popToMark()],
  EMPTY_TUPLE: [0x29, () => new PickleTuple([])],
  TUPLE: [0x74, (machine) => new PickleTuple(machine.popToMark())],
  TUPLE1: [0x85, (machine) => new PickleTuple(popMany(machine, 1))],
  TUPLE2: [0x86, (machine) => new PickleTuple(popMany(machine, 2))],
  TUPLE3: [0x87, (machine) => new PickleTuple(popMany(machine, 3))],
  EMPTY_DICT: [0x7d, () => new Map()],
  DICT: [0x64, (machine) => setAll(machine, new Map(), machine.popToMark())],
  EMPTY_SET: [0x8f, () => new Set()],
  FROZENSET: [0x91, (machine) => new Set(machine.popToMark())],
};

const actions: Record<string, [code: number, run: Run]> = {
  PROTO: [0x80, ({ cursor }) => checkProtocol(cursor.uint8(), (got) => cursor.damaged(got))],
  FRAME: [0x95, ({ cursor }) => void cursor.uint64()],
  // The machine itself ends a pickle.
  STOP: [0x2e, () => undefined],
  MARK: [0x28, (machine) => machine.mark()],
  POP: [0x30, (machine) => machine.drop()],
  POP_MARK: [0x31, (machine) => void machine.popToMark()],
  DUP: [0x32, (machine) => machine.push(machine.top())],
  APPEND: [0x61, (machine) => addAll(machine, popMany(machine, 1))],
  APPENDS: [0x65, (machine) => addAll(machine, machine.popToMark())],
  ADDITEMS: [0x90, (machine) => addAll(machine, machine.popToMark())],
  SETITEM: [0x73, (machine) => setItems(machine, popMany(machine, 2))],
  SETITEMS: [0x75, (machine) => setItems(machine, machine.popToMark())],
  GET: [0x67, (machine) => machine.recall(Number(machine.cursor.line()))],
  BINGET: [0x68, (machine) => machine.recall(machine.cursor.uint8())],
  LONG_BINGET: [0x6a, (machine) => machine.recall(machine.cursor.uint32())],
  PUT: [0x70, (machine) => machine.remember(Number(machine.cursor.line()))],
  BINPUT: [0x71, (machine) => machine.remember(machine.cursor.uint8())],
  LONG_BINPUT: [0x72, (machine) => machine.remember(machine.cursor.uint32())],
  MEMOIZE: [0x94, (machine) => machine.remember(machine.memo.size)],
  PERSID: [0x50, (machine) => machine.push(machine.hooks.load(machine.cursor.line(), machine))],
  BINPERSID: [0x51, (machine) => machine.push(machine.hooks.load(machine.pop(), machine))],
  GLOBAL: [0x63, (machine) => pushGlobal(machine, machine.cursor.line(), machine.cursor.line())],
  STACK_GLOBAL: [
    0x93,
    (machine) => {
      const [module, name] = popMany(machine, 2);
      if (typeof module !== 'string' || typeof name !== 'string') {
        throw machine.cursor.damaged('the name of a class is no text');
      }
      pushGlobal(machine, module, name);
    },
  ],
  REDUCE: [0x52, (machine) => construct(machine, 'arguments')],
  NEWOBJ: [0x81, (machine) => construct(machine, 'arguments')],
  NEWOBJ_EX: [0x92, (machine) => construct(machine, 'named arguments')],
  INST: [
    0x69,
    (machine) => {
      const global = new PickleGlobal(machine.cursor.line(), machine.cursor.line());
      pushObject(machine, machine.hooks.resolve(global), machine.popToMark());
    },
  ],
  OBJ: [
    0x6f,
    (machine) => {
      const [callable, ...args] = machine.popToMark();
      if (callable === undefined) throw machine.cursor.damaged('an object has no class');
      pushObject(machine, callable, args);
    },
  ],
  BUILD: [
    0x62,
    (machine) => {
      const state = machine.pop();
      const target = machine.top();
      // The attributes of an ordered dict (a state dict's versions) and of a tensor are of no use here.
      if (target instanceof PickleRecord) target.state = state;
      else if (!(target instanceof Map || target instanceof PickleTensor)) {
        throw machine.cursor.damaged('BUILD has no object to fill');
      }
    },
  ],
};

/** Opcodes by their byte. Left out, and so refused: the extension registry and out-of-band buffers. */
export const opcodes: ReadonlyMap<number, Opcode> = new Map([
  ...Object.entries(constants).map(([name, [code, value]]) =>
    define(name, code, (machine) => machine.push(value)),
  ),
  ...Object.entries(literals).map(([name, [code, read]]) =>
    define(name, code, (machine) => machine.push(read(machine))),
  ),
  ...Object.entries(containers).map(([name, [code, make]]) =>
    define(name, code, (machine) => {
      machine.charge(1);
      machine.push(make(machine));
    }),
  ),
  ...Object.entries(actions).map(([name, [code, run]]) => define(name, code, run)),
]);

function define(name: string, code: number, run: Run): [number, Opcode] {
  return [code, { name, run }];
}

function popMany(machine: PickleMachine, count: number): PickleValue[] {
  const items = Array.from({ length: count }, () => machine.pop());
  return items.reverse();
}

function addAll(machine: PickleMachine, items: PickleValue[]): void {
  const target = machine.top();
  if (target instanceof Set) for (const item of items) target.add(item);
  else {
    const list = target instanceof PickleRecord ? target.items : target;
    if (!Array.isArray(list)) throw machine.cursor.damaged('items are added to what is no list or set');
    for (const item of items) list.push(item);
  }
}

function setItems(machine: PickleMachine, pairs: PickleValue[]): void {
  const target = machine.top();
  const entries = target instanceof PickleRecord ? target.entries : target;
  if (!(entries instanceof Map)) throw machine.cursor.damaged('items are set in what is no dict');
  setAll(machine, entries, pairs);
}

function setAll(machine: PickleMachine, entries: Map<PickleValue, PickleValue>, pairs: PickleValue[]) {
  if (pairs.length % 2 !== 0) throw machine.cursor.damaged('a key has no value');
  for (let i = 0; i < pairs.length; i += 2) entries.set(pairs[i], pairs[i + 1]);
  return entries;
}

function pushGlobal(machine: PickleMachine, module: string, name: string): void {
  machine.push(machine.hooks.resolve(new PickleGlobal(module, name)));
}

function construct(machine: PickleMachine, form: 'arguments' | 'named arguments'): void {
  const named = form === 'named arguments' ? machine.pop() : null;
  const args = machine.pop();
  const callable = machine.pop();
  if (!(args instanceof PickleTuple)) throw machine.cursor.damaged('the arguments of a call are no tuple');
  const hasNames = named instanceof Map && named.size > 0;
  pushObject(machine, callable, hasNames ? [...args.items, named] : args.items);
}

function pushObject(machine: PickleMachine, callable: PickleValue, args: readonly PickleValue[]): void {
  machine.charge(1);
  machine.push(machine.hooks.construct(callable, args, machine));
}

function checkProtocol(protocol: number, damaged: (got: string) => Error): void {
  if (protocol > 5) throw damaged(`protocol ${protocol} is not among 0 to 5`);
}

/** Python's text of a float: digits, `inf` or `nan`. */
function parseFloatText(text: string): number {
  const value = Number(text.trim().replace(/^([+-]?)inf(inity)?$/i, '$1Infinity'));
  return value;
}

/** `00` and `01` are the booleans of protocol 1. */
function parseInteger(text: string, decimal: (text: string) => number | bigint): PickleValue {
  if (text === '00') return false;
  if (text === '01') return true;
  return decimal(text);
}

/** A quoted Python string with the escapes that `repr` writes. */
function unescapeString(line: string): string {
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
  return line
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex: string | undefined, char: string) =>
      hex === undefined ? (escapes[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

/** Python's raw-unicode-escape. */
function unescapeUnicode(line: string): string {
  return line.replace(/\\u([0-9a-f]{4})|\\U(00(?:0[0-9a-f]|10)[0-9a-f]{4})/gi, (_, short, long) =>
    String.fromCodePoint(Number.parseInt((short ?? long) as string, 16)),
  );
}
