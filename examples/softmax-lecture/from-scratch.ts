/**
 * The idea of the engine in 150 lines, without the engine: record what a model computes as a graph, derive the graph of
 * its gradients by a table of rules, put the update behind it, and run the whole step again and again. The engine does
 * this with more ops, shapes that broadcast, several ways to compute each op, and ONNX Runtime instead of the loops.
 */

type Op = 'add' | 'mul' | 'sub' | 'tanh' | 'matmul' | 'transpose' | 'sum' | 'spread';

/** A matrix that will be computed: an op on other nodes, or a leaf with contents. */
interface Node {
  readonly op: Op | 'leaf';
  readonly inputs: readonly Node[];
  readonly rows: number;
  readonly columns: number;
  /** Contents of a leaf. */
  data?: Float64Array;
}

interface Rule {
  /** Rows and columns of the result. */
  readonly shape: (...inputs: Node[]) => readonly [number, number];
  /** Contents of the result. */
  readonly compute: (out: Node, ...inputs: Float64Array[]) => Float64Array;
  /** Gradients of the inputs, as more nodes. */
  readonly gradient: (dy: Node, y: Node, ...inputs: Node[]) => readonly Node[];
}

const same = (x: Node): readonly [number, number] => [x.rows, x.columns];

/** Everything there is to know about an op, in one entry. */
const rules: Record<Op, Rule> = {
  add: {
    shape: same,
    compute: (_, a, b) => a.map((value, i) => value + b[i]),
    gradient: (dy) => [dy, dy],
  },
  mul: {
    shape: same,
    compute: (_, a, b) => a.map((value, i) => value * b[i]),
    gradient: (dy, _, a, b) => [apply('mul', dy, b), apply('mul', dy, a)],
  },
  sub: {
    shape: same,
    compute: (_, a, b) => a.map((value, i) => value - b[i]),
    gradient: (dy) => [dy, apply('sub', filled(dy, 0), dy)],
  },
  tanh: {
    shape: same,
    compute: (_, x) => x.map(Math.tanh),
    gradient: (dy, y) => [apply('mul', dy, apply('sub', filled(y, 1), apply('mul', y, y)))],
  },
  matmul: {
    shape: (a, b) => [a.rows, b.columns],
    compute: (out, a, b) => {
      const inner = a.length / out.rows;
      return Float64Array.from({ length: out.rows * out.columns }, (_, i) => {
        const [row, column] = [Math.floor(i / out.columns), i % out.columns];
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += a[row * inner + k] * b[k * out.columns + column];
        return sum;
      });
    },
    gradient: (dy, _, a, b) => [
      apply('matmul', dy, apply('transpose', b)),
      apply('matmul', apply('transpose', a), dy),
    ],
  },
  transpose: {
    shape: (x) => [x.columns, x.rows],
    compute: (out, x) => x.map((_, i) => x[(i % out.columns) * out.rows + Math.floor(i / out.columns)]),
    gradient: (dy) => [apply('transpose', dy)],
  },
  sum: {
    shape: () => [1, 1],
    compute: (_, x) => Float64Array.of(x.reduce((a, b) => a + b, 0)),
    gradient: (dy, _, x) => [apply('spread', dy, x)],
  },
  /** One number in every place of another matrix. */
  spread: {
    shape: (_, like) => same(like),
    compute: (out, x) => new Float64Array(out.rows * out.columns).fill(x[0]),
    gradient: (dy, _, __, like) => [apply('sum', dy), filled(like, 0)],
  },
};

function leaf(rows: number, columns: number, value: (i: number) => number): Node {
  return {
    op: 'leaf',
    inputs: [],
    rows,
    columns,
    data: Float64Array.from({ length: rows * columns }, (_, i) => value(i)),
  };
}

const filled = (like: Node, value: number): Node => leaf(like.rows, like.columns, () => value);

function apply(op: Op, ...inputs: Node[]): Node {
  const [rows, columns] = rules[op].shape(...inputs);
  return { op, inputs, rows, columns };
}

/** Nodes that the outputs need, inputs first. */
function sort(outputs: readonly Node[]): Node[] {
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    node.inputs.forEach(visit);
    seen.add(node);
  };
  outputs.forEach(visit);
  return [...seen];
}

/** Reverse mode: hands the gradient of every node to its rule, last node first, and adds up what arrives. */
function gradients(y: Node, wanted: readonly Node[]): Node[] {
  const found = new Map<Node, Node>([[y, filled(y, 1)]]);
  for (const node of sort([y]).reverse()) {
    const dy = found.get(node);
    if (dy === undefined || node.op === 'leaf') continue;
    rules[node.op].gradient(dy, node, ...node.inputs).forEach((part, i) => {
      const held = found.get(node.inputs[i]);
      found.set(node.inputs[i], held === undefined ? part : apply('add', held, part));
    });
  }
  return wanted.map((node) => found.get(node)!);
}

/** Computes outputs in one go, as a session does with a compiled graph. */
function run(outputs: readonly Node[]): Float64Array[] {
  const values = new Map<Node, Float64Array>();
  for (const node of sort(outputs)) {
    const inputs = node.inputs.map((input) => values.get(input)!);
    values.set(node, node.op === 'leaf' ? node.data! : rules[node.op].compute(node, ...inputs));
  }
  return outputs.map((node) => values.get(node)!);
}

/** Learns the exclusive or with two layers. @returns the last loss */
export function fromScratch(): number {
  const x = leaf(4, 3, (i) => [0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1][i]);
  const target = leaf(4, 1, (i) => [0, 1, 1, 0][i]);
  const w1 = leaf(3, 4, (i) => Math.sin(i * 5 + 1));
  const w2 = leaf(4, 1, (i) => Math.cos(i * 3));
  const rate = 0.05;

  // Forward, backward and update are recorded once …
  const error = apply('sub', apply('matmul', apply('tanh', apply('matmul', x, w1)), w2), target);
  const loss = apply('sum', apply('mul', error, error));
  const parameters = [w1, w2];
  const next = gradients(loss, parameters).map((g, i) =>
    apply('sub', parameters[i], apply('mul', filled(g, rate), g)),
  );

  // … and run as one graph, whose results are the next step's parameters.
  let last = 0;
  for (let step = 1; step <= 600; step++) {
    const [value, ...updated] = run([loss, ...next]);
    parameters.forEach((parameter, i) => {
      parameter.data = updated[i];
    });
    last = value[0];
    if (step % 200 === 0) console.log(`step ${step}: loss ${last.toFixed(6)}`);
  }
  return last;
}
