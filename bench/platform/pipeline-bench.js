/** Pipelines: what a step costs besides its own work. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Pipeline, PipelineData, ScriptStep } from '../../dist/pipeline/index.js';
import { Experiment, Workspace } from '../../dist/workspace/index.js';
import { ownRow } from '../report.js';

const overheadMustMs = 300;

const source = `import { readFileSync, writeFileSync } from 'node:fs';
export default function work({ inputs, outputs }) {
  const text = inputs.data === undefined ? '0' : readFileSync(inputs.data, 'utf8');
  writeFileSync(outputs[Object.keys(outputs)[0]], String(Number(text) + 1));
}
`;

/**
 * A chain of steps, each reading what the one before wrote, against the same functions called one after another.
 *
 * @param {{ steps?: number, repeats?: number }} [size]
 * @returns {Promise<{ rows: object[], notes: string[] }>}
 */
export async function benchPipeline({ steps = 5, repeats = 5 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-pipeline-bench-'));
  const url = process.env.TRAINYARD_DATABASE_URL;
  delete process.env.TRAINYARD_DATABASE_URL;
  try {
    const script = join(folder, 'work.mjs');
    writeFileSync(script, source);
    const workspace = await Workspace.create({ path: folder });
    const single = [];
    const chained = [];
    const reused = [];
    const direct = [];
    // The first round warms up.
    for (let round = 0; round <= repeats; round++) {
      const one = await timeChain(workspace, script, 1, true);
      const many = await timeChain(workspace, script, steps, true);
      const again = await timeChain(workspace, script, steps, false);
      const alone = await timeDirect(folder, script, steps);
      if (round === 0) continue;
      single.push(one);
      chained.push(many / steps);
      reused.push(again / steps);
      direct.push(alone / steps);
    }
    await workspace.close();
    const base = median(direct);
    return {
      rows: [
        row(
          'pipeline-step',
          `a step in a chain of ${steps}, over running its function directly`,
          median(chained) - base,
        ),
        row(
          'pipeline-single',
          'a pipeline of one step, over running its function directly',
          median(single) - base,
        ),
        row('pipeline-reused', `a step that is reused, in a chain of ${steps}`, median(reused)),
      ],
      notes: [
        `pipeline steps: median of ${repeats} rounds; the function directly takes ${base.toFixed(2)} ms`,
      ],
    };
  } finally {
    if (url !== undefined) process.env.TRAINYARD_DATABASE_URL = url;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timeChain(workspace, script, count, regenerateOutputs) {
  const chain = [];
  let before;
  for (let i = 0; i < count; i++) {
    const output = new PipelineData(`out_${i}`);
    const inputs = before === undefined ? {} : { data: before };
    chain.push(new ScriptStep({ name: `step ${i} of ${count}`, script, inputs, outputs: [output] }));
    before = output;
  }
  const pipeline = new Pipeline(workspace, { steps: chain });
  const start = performance.now();
  const run = await pipeline.submit(new Experiment(workspace, 'bench'), {
    regenerateOutputs,
    showOutput: false,
  });
  await run.waitForCompletion({ showOutput: false });
  return performance.now() - start;
}

async function timeDirect(folder, script, count) {
  const { default: work } = await import(script);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const inputs = i === 0 ? {} : { data: join(folder, `direct_${i - 1}`) };
    await work({ inputs, outputs: { out: join(folder, `direct_${i}`) } });
  }
  return performance.now() - start;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function row(id, what, ms) {
  const ours = Number(ms.toFixed(1));
  const pass = ours <= overheadMustMs;
  return ownRow({
    id,
    what,
    unit: 'ms',
    ours,
    must: `≤ ${overheadMustMs} ms`,
    pass,
  });
}

if (process.argv[1] === import.meta.filename) {
  const { rows, notes } = await benchPipeline();
  console.table(rows.map(({ what, ours, unit, must, pass }) => ({ what, ours, unit, must, pass })));
  for (const note of notes) console.log(note);
}
