import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '#workspace';
import { assignParameters } from './check-graph.ts';
import { Pipeline } from './pipeline.ts';
import { PipelineData, PipelineParameter } from './pipeline-data.ts';
import { ScriptStep, type ScriptStepOptions } from './script-step.ts';
import { digestSource } from './step-source.ts';

describe('Pipeline', () => {
  let folder: string;
  let script: string;
  let workspace: Workspace;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trainyard-graph-'));
    script = join(folder, 'step.mjs');
    await writeFile(script, 'export default () => {};\n');
    workspace = await Workspace.create({ path: folder });
  });
  afterEach(async () => {
    await workspace.close();
    await rm(folder, { recursive: true, force: true });
  });

  const step = (name: string, options: Partial<ScriptStepOptions> = {}) =>
    new ScriptStep({ name, script, ...options });

  it('refuses no step, and two of one name', () => {
    expect(() => new Pipeline(workspace, { steps: [] })).toThrow('must have a step');
    expect(() => new Pipeline(workspace, { steps: [step('a'), step('a')] })).toThrow('two are called "a"');
  });

  it('refuses a circle, and names it', () => {
    const [x, y] = [new PipelineData('x'), new PipelineData('y')];
    const steps = [step('a', { inputs: [y], outputs: [x] }), step('b', { inputs: [x], outputs: [y] })];
    expect(() => new Pipeline(workspace, { steps })).toThrow('a → b → a');
    const [first, second] = [step('first'), step('second')];
    first.runAfter(second);
    second.runAfter(first);
    expect(() => new Pipeline(workspace, { steps: [first, second] })).toThrow('first → second → first');
  });

  it('refuses data that no step writes, or that two do', () => {
    const data = new PipelineData('lost');
    expect(() => new Pipeline(workspace, { steps: [step('a', { inputs: [data] })] })).toThrow(
      '"lost" of step a is of none',
    );
    const steps = [step('a', { outputs: [data] }), step('b', { outputs: [data] })];
    expect(() => new Pipeline(workspace, { steps })).toThrow('"lost" is by a and b');
  });

  it('refuses to wait for a step that it does not have', () => {
    expect(() => new Pipeline(workspace, { steps: [step('a', { runAfter: [step('b')] })] })).toThrow(
      'but got b',
    );
  });

  it('refuses a script that does not exist', () => {
    expect(() => step('a', { script: join(folder, 'none.mjs') })).toThrow('script must be a file');
  });

  it('refuses unknown parameters and those of another type, and reads numbers from text', () => {
    const parameter = new PipelineParameter({ name: 'epochs', defaultValue: 3 });
    const { definition } = new Pipeline(workspace, { steps: [step('a', { parameters: { n: parameter } })] });
    expect(assignParameters(definition, {})).toEqual({ epochs: 3 });
    expect(assignParameters(definition, { epochs: '20' })).toEqual({ epochs: 20 });
    expect(() => assignParameters(definition, { epoch: 1 })).toThrow('Did you mean "epochs"?');
    expect(() => assignParameters(definition, { epochs: [1] })).toThrow('must be a number');
    expect(() => assignParameters(definition, { epochs: '' })).toThrow('must be a number');
  });

  it('is plain data, which another process can read', () => {
    const data = new PipelineData('x');
    const first = step('a', { outputs: [data] });
    const { definition } = new Pipeline(workspace, {
      description: 'é "<b>"',
      steps: [first, step('b', { arguments: ['--in', data] })],
    });
    expect(JSON.parse(JSON.stringify(definition))).toEqual(definition);
    expect(definition.steps[1].inputs).toEqual({ x: { kind: 'output', step: 'a', output: 'x' } });
  });

  it('counts what a script imports relatively as its source', async () => {
    await writeFile(script, "import { b } from './b.js';\nexport default () => b;\n");
    await writeFile(join(folder, 'b.ts'), "export { b } from './c.ts';\n");
    await writeFile(join(folder, 'c.ts'), 'export const b = 1;\n');
    const before = await digestSource(script, []);
    expect(Object.keys(before).sort()).toEqual([join(folder, 'b.ts'), join(folder, 'c.ts'), script].sort());
    await writeFile(join(folder, 'c.ts'), 'export const b = 2;\n');
    const after = await digestSource(script, []);
    const changed = Object.keys(after).filter((file) => after[file] !== before[file]);
    expect(changed).toEqual([join(folder, 'c.ts')]);
  });
});
