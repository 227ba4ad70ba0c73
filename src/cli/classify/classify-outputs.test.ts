import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePng, encodeWav } from '#data';
import type { Tensor } from '#engine';
import { Module } from '#nn';
import { exportClassifier } from '#vision';
import { classifyCommand } from './classify-command.ts';

/** Tells red, green and blue pictures apart; a sound's grey picture is of none. */
class Colours extends Module {
  override forward(x: Tensor): Tensor {
    return x.mean([2, 3]).mul(10);
  }
}

let folder: string;
const at = (...names: string[]) => join(folder, ...names);

async function run(...args: string[]): Promise<{ out: string; notes: string }> {
  const lines: string[] = [];
  const notes: string[] = [];
  const terminal = {
    out: (text: string) => void lines.push(text),
    note: (text: string) => void notes.push(text),
    interactive: false,
    width: 100,
    color: false,
  };
  await classifyCommand(terminal).exitOverride().parseAsync(args, { from: 'user' });
  return { out: lines.join('\n'), notes: notes.join('\n') };
}

function png(channel: number): Uint8Array {
  const data = new Uint8Array(6 * 5 * 3);
  for (let i = channel; i < data.length; i += 3) data[i] = 255;
  return encodePng(6, 5, data);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'classify-cli-'));
  const options = { architecture: 'own', imageSize: [8, 8], resize: 'stretch' } as const;
  const classes = ['red', 'green, light', 'blue'];
  await writeFile(at('model.onnx'), exportClassifier(new Colours(), { ...options, classes }));
  const sound = { sampleRate: 8000, windowSeconds: 1, nMels: 16, nFft: 256 };
  await writeFile(at('sounds.onnx'), exportClassifier(new Colours(), { ...options, classes, sound }));
  for (const [k, name] of classes.entries()) {
    await mkdir(at('data', name), { recursive: true });
    await writeFile(at('data', name, 'one.png'), png(k));
    await writeFile(at('data', name, 'two.png'), png(name === 'blue' ? 0 : k));
  }
  await writeFile(at('broken.png'), 'text');
  const tone = Float32Array.from({ length: 16_000 }, (_, i) => Math.sin(i / 3));
  await writeFile(at('tone.wav'), encodeWav({ sampleRate: 8000, channels: [tone] }));
});
afterAll(() => rm(folder, { recursive: true }));

describe('trainyard classify predict', () => {
  it('draws a bar for each of the likeliest classes of few files, and a table of many', async () => {
    const { out } = await run('predict', at('model.onnx'), at('data', 'red', 'one.png'), '--top', '2');
    expect(out.split('\n')).toEqual([
      at('data', 'red', 'one.png'),
      '  red           100.0 %  ████████████████████',
      '  green, light    0.0 %',
    ]);
    const many = (await run('predict', at('model.onnx'), at('data'))).out.split('\n');
    expect(many).toHaveLength(7);
    expect(many[0]).toMatch(/^file +class +probability +then$/);
    expect(many[1]).toMatch(/data\/blue\/one\.png +blue +100\.0 % +red 0\.0 %, green, light 0\.0 %$/);
  });

  it('prints one JSON document, or a table with quoted names', async () => {
    const json = JSON.parse((await run('predict', at('model.onnx'), at('data'), '--json')).out);
    expect(json).toMatchObject({ model: at('model.onnx'), skipped: [] });
    expect(json.results).toHaveLength(6);
    expect(json.results[2]).toMatchObject({
      path: at('data', 'green, light', 'one.png'),
      predictions: [{ label: 'green, light' }, {}, {}],
    });
    const csv = (await run('predict', at('model.onnx'), at('data'), '--csv', '--top', '1')).out.split('\n');
    expect(csv[0]).toBe('path,label,probability');
    expect(csv[3]).toMatch(/^"\/.*green, light\/one\.png","green, light",0\.9999/);
  });

  it('tells of the windows of a sound', async () => {
    const { out } = await run(
      'predict',
      at('sounds.onnx'),
      at('tone.wav'),
      '--windows',
      '--csv',
      '--top',
      '1',
    );
    expect(out.split('\n').map((line) => line.split(',')[1])).toEqual(['start', '', '0', '1']);
  });

  it('stops at a file that is no picture, or goes on without it', async () => {
    const inputs = [at('broken.png'), at('data', 'red')];
    await expect(run('predict', at('model.onnx'), ...inputs)).rejects.toThrow(/broken\.png" is not/);
    const { out, notes } = await run('predict', at('model.onnx'), ...inputs, '--skip-broken', '--json');
    expect(JSON.parse(out).results).toHaveLength(2);
    expect(JSON.parse(out).skipped[0].path).toBe(at('broken.png'));
    expect(notes).toMatch(/^skipped .*broken\.png: /);
  });
});

describe('trainyard classify evaluate', () => {
  it('prints metrics, classes and confusions', async () => {
    const { out } = await run('evaluate', at('model.onnx'), at('data'));
    expect(out).toMatch(/model\.onnx on .*data: 6 files/);
    expect(out).toMatch(/accuracy +0\.8333/);
    expect(out).toMatch(/blue → red: 1/);
  });

  it('prints one JSON document with names and paths, and writes a page with the mistakes as pictures', async () => {
    const { out } = await run('evaluate', at('model.onnx'), at('data'), '--json', '--report', at('r.html'));
    expect(JSON.parse(out)).toMatchObject({
      files: 6,
      metrics: { accuracy: 5 / 6 },
      mistakes: [{ path: at('data', 'blue', 'two.png'), actual: 'blue', predicted: 'red' }],
    });
    const html = await readFile(at('r.html'), 'utf8');
    expect(html).toMatch(/<h1>model\.onnx on data<\/h1>/);
    expect(html).toMatch(/<img src="data:image\/png;base64,/);
    expect(html).not.toMatch(/https?:\/\//);
  });
});
