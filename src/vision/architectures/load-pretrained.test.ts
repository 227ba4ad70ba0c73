import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostTensor } from '#core';
import type { Tensor } from '#engine';
import { BatchNorm2d, Conv2d, exportOnnx, GlobalAvgPool2d, Linear, Sequential, type StateDict } from '#nn';
import { writeSafetensors } from '#train';
import { createModel, findArchitecture, loadPretrained, registerArchitecture } from './index.ts';
import { type StageStep, VisionModel } from './vision-model.ts';

/** Has the names and shapes of the modules that were pickled whole for the tests of the reader. */
class Tiny extends VisionModel {
  override readonly headName = 'head';
  override readonly stemWeight = 'stem.0.weight';
  private readonly stem: Sequential;
  private readonly pool = new GlobalAvgPool2d();
  protected override head: Linear;

  constructor(inChannels: number, numClasses: number, hasNorm: boolean) {
    super();
    const conv = new Conv2d(inChannels, 2, 3, { bias: false });
    this.stem = new Sequential(conv, ...(hasNorm ? [new BatchNorm2d(2)] : []));
    this.head = new Linear(2, numClasses);
  }

  protected override steps(): readonly StageStep[] {
    return [
      { name: 'stem', members: ['stem'], forward: (x: Tensor) => this.stem.forward(x) },
      {
        name: 'head',
        members: ['head'],
        forward: (x: Tensor) => this.head.forward(this.pool.forward(x)),
      },
    ];
  }
}

const facts = findArchitecture('resnet18');
for (const hasNorm of [true, false]) {
  registerArchitecture({
    ...facts,
    name: hasNorm ? 'tiny' : 'tiny_plain',
    aliases: [],
    dialects: [{ source: 'own' }, { source: 'other', rename: [[/^backbone\./, 'stem.']] }],
    create: ({ inChannels, numClasses }) => new Tiny(inChannels, numClasses, hasNorm),
  });
}

const pickled = 'test/fixtures/weights/module.pth';
const wanted = JSON.parse(readFileSync('test/fixtures/weights/expected.json', 'utf8')) as Record<
  string,
  { key: string; values: number[] }[]
>;
const expectedValues = (key: string) => wanted['module.pth'].find((each) => each.key === key)?.values ?? [];
const valuesOf = (model: VisionModel, key: string) =>
  Array.from(model.stateDict().get(key)?.data as Float32Array);
const tiny = (numClasses = 3, inChannels = 1) => createModel('tiny', { numClasses, inChannels });

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trainyard-weights-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function save(name: string, state: StateDict): Promise<string> {
  const path = join(folder, name);
  await writeSafetensors(path, state);
  return path;
}
const renamed = (state: StateDict, rename: (name: string) => string): StateDict =>
  new Map([...state].map(([name, tensor]) => [rename(name), tensor]));

describe('loadPretrained', () => {
  it('loads a module that was pickled whole, without running its code', async () => {
    const model = tiny();
    const report = await loadPretrained(model, pickled);
    expect(report).toMatchObject({ missing: [], unexpected: [], mismatched: [], share: 1, headLoaded: true });
    expect(report.source).toBe('own');
    expect(valuesOf(model, 'stem.0.weight')).toEqual(expectedValues('stem.0.weight'));
    expect(valuesOf(model, 'head.bias')).toEqual(expectedValues('head.bias'));
  });

  it('takes the usual prefixes and given ones from names, and knows the names of other libraries', async () => {
    const state = tiny().stateDict();
    const files = {
      usual: await save(
        'usual.safetensors',
        renamed(state, (name) => `model.${name}`),
      ),
      given: await save(
        'given.safetensors',
        renamed(state, (name) => `net.student.${name}`),
      ),
      other: await save(
        'other.safetensors',
        renamed(state, (name) => name.replace('stem.', 'backbone.')),
      ),
    };
    const loadedFrom = async (file: string, keyPrefixes?: readonly string[]) => {
      const model = tiny();
      const report = await loadPretrained(model, file, keyPrefixes === undefined ? {} : { keyPrefixes });
      expect(model.stateDict()).toEqual(state);
      return report.source;
    };
    expect(await loadedFrom(files.usual)).toBe('own');
    expect(await loadedFrom(files.given, ['net.', 'student.'])).toBe('own');
    expect(await loadedFrom(files.other)).toBe('other');
  });

  it('leaves a head of another number of classes as it is, and reports it', async () => {
    const model = tiny(5);
    const head = valuesOf(model, 'head.weight');
    const report = await loadPretrained(model, pickled);
    expect(report.headLoaded).toBe(false);
    expect(report.mismatched.map(({ key }) => key)).toEqual(['head.weight', 'head.bias']);
    expect(report.share).toBe(1);
    expect(valuesOf(model, 'head.weight')).toEqual(head);
    expect(valuesOf(model, 'stem.0.weight')).toEqual(expectedValues('stem.0.weight'));
  });

  it('never loads the head under "replace", and refuses another number of classes under "strict"', async () => {
    const model = tiny();
    const head = valuesOf(model, 'head.weight');
    const report = await loadPretrained(model, pickled, { headPolicy: 'replace' });
    expect(report).toMatchObject({ headLoaded: false, missing: ['head.weight', 'head.bias'] });
    expect(valuesOf(model, 'head.weight')).toEqual(head);
    await expect(loadPretrained(tiny(2), pickled, { headPolicy: 'strict' })).rejects.toThrow(
      /must have the model's 2 classes, but ".*module\.pth" has 3\. Create the model with numClasses: 3/,
    );
  });

  it('refuses a checkpoint of another architecture, with the report, and leaves the model as it was', async () => {
    const model = createModel('mobilenet_v3_small', { numClasses: 3, seed: 0 });
    const before = valuesOf(model, 'features.0.0.weight');
    await expect(loadPretrained(model, pickled)).rejects.toThrow(
      /must hold the weights of mobilenet_v3_small, but got ".*module\.pth":\n0 of 210 tensors loaded/,
    );
    expect(valuesOf(model, 'features.0.0.weight')).toEqual(before);
  });

  it('refuses a file that fits in part or has more than the model, unless told', async () => {
    const state = tiny().stateDict();
    const part = new Map([...state].filter(([name]) => name !== 'stem.1.running_var'));
    const more: StateDict = new Map([
      ...state,
      ['stem.2.weight', { dtype: 'float32', shape: [1], data: Float32Array.of(1) } as HostTensor],
    ]);
    const files = [await save('part.safetensors', part), await save('more.safetensors', more)];
    for (const [i, name] of ['stem.1.running_var', 'stem.2.weight'].entries()) {
      const model = tiny();
      await expect(loadPretrained(model, files[i])).rejects.toThrow(name);
      const report = await loadPretrained(model, files[i], { allowPartial: true });
      expect([...report.missing, ...report.unexpected]).toEqual([name]);
      expect(valuesOf(model, 'stem.0.weight')).toEqual(
        Array.from(state.get('stem.0.weight')?.data as Float32Array),
      );
    }
  });

  it('spreads the weights of the stem over another number of channels', async () => {
    const model = tiny(3, 3);
    const report = await loadPretrained(model, pickled);
    expect(report.adapted).toEqual(['stem.0.weight']);
    const one = expectedValues('stem.0.weight');
    // Two outputs of 9 weights, three channels: each gets a third, so that a grey image gives the same.
    const three = [0, 1].flatMap((out) =>
      [0, 1, 2].flatMap(() => one.slice(9 * out, 9 * out + 9).map((value) => Math.fround(value / 3))),
    );
    expect(valuesOf(model, 'stem.0.weight')).toEqual(three);
    const grey = tiny();
    const colour = await save('colour.safetensors', model.stateDict());
    await loadPretrained(grey, colour);
    valuesOf(grey, 'stem.0.weight').forEach((value, i) => {
      expect(value).toBeCloseTo(one[i], 6);
    });
  });

  it('reads the initializers of an ONNX model', async () => {
    const model = createModel('tiny_plain', { numClasses: 3, inChannels: 1 });
    const path = join(folder, 'tiny.onnx');
    writeFileSync(path, exportOnnx(model, { inputs: [{ name: 'image', shape: ['N', 1, 8, 8] }] }));
    const other = createModel('tiny_plain', { numClasses: 3, inChannels: 1 });
    await loadPretrained(other, path);
    expect(valuesOf(other, 'stem.0.weight')).toEqual(valuesOf(model, 'stem.0.weight'));
    expect(valuesOf(other, 'head.bias')).toEqual(valuesOf(model, 'head.bias'));
  });

  it('names a file that is missing or of no known format', async () => {
    await expect(loadPretrained(tiny(), join(folder, 'nothing.pth'))).rejects.toThrow('nothing.pth');
    await expect(loadPretrained(tiny(), join(folder, 'nothing.onnx'))).rejects.toThrow('nothing.onnx');
    await expect(loadPretrained(tiny(), 'package.json')).rejects.toThrow('package.json');
  });
});

describe('loadPretrained from an address', () => {
  const body = readFileSync(pickled);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const requests: string[] = [];
  let breaksAt: number | undefined;
  const server = createServer((request, response) => {
    const range = /bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1];
    const isRest = range !== undefined && request.headers['if-range'] === '"one"';
    requests.push(`${request.url} ${isRest ? range : 'all'}`);
    if (request.url?.includes('missing')) return response.writeHead(404).end();
    const rest = body.subarray(isRest ? Number(range) : 0);
    response.writeHead(isRest ? 206 : 200, { etag: '"one"', 'content-length': rest.length });
    if (breaksAt === undefined) return response.end(rest);
    response.write(rest.subarray(0, breaksAt));
    return breakOff(response, breaksAt);
  });
  /** Ends the connection once what was sent is on the disk. */
  function breakOff(response: ServerResponse, size: number): void {
    const path = readdirSync(brokenCache, { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('.part'),
    );
    const isKept = path !== undefined && statSync(join(brokenCache, path)).size === size;
    if (isKept) response.destroy();
    else setImmediate(breakOff, response, size);
  }
  let base = '';
  let brokenCache = '';
  beforeAll(async () => {
    brokenCache = join(folder, 'cache-broken');
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((closed) => server.close(closed)));

  it('downloads once, checks the sum in the name, and reads the cache after that', async () => {
    const cacheFolder = join(folder, 'cache-once');
    const url = `${base}/tiny-${sha256.slice(0, 8)}.pth`;
    requests.length = 0;
    const first = await loadPretrained(tiny(), url, { cacheFolder });
    const second = await loadPretrained(tiny(), url, { cacheFolder });
    expect(requests).toHaveLength(1);
    expect(second.file).toBe(first.file);
    expect(readFileSync(first.file).equals(body)).toBe(true);
    expect(readdirSync(join(cacheFolder, 'weights'))).toHaveLength(2);
  });

  it('goes on where a download broke off', async () => {
    const cacheFolder = brokenCache;
    const url = `${base}/broken.pth`;
    requests.length = 0;
    breaksAt = 500;
    await expect(loadPretrained(tiny(), url, { cacheFolder, sha256, retries: 0 })).rejects.toThrow(
      /broken\.pth did not: .*call again to go on/,
    );
    breaksAt = undefined;
    const { file } = await loadPretrained(tiny(), url, { cacheFolder, sha256 });
    expect(requests).toEqual(['/broken.pth all', '/broken.pth 500']);
    expect(readFileSync(file).equals(body)).toBe(true);
  });

  it('keeps nothing of a file with another checksum, and names an address without a file', async () => {
    const cacheFolder = join(folder, 'cache-wrong');
    const options = { cacheFolder, sha256: '0'.repeat(64) };
    await expect(loadPretrained(tiny(), `${base}/wrong.pth`, options)).rejects.toThrow(
      `wrong.pth has ${sha256}`,
    );
    expect(readdirSync(join(cacheFolder, 'weights'))).toEqual([]);
    await expect(loadPretrained(tiny(), `${base}/missing.pth`, { cacheFolder })).rejects.toThrow(
      'missing.pth did not: it answers 404',
    );
    await expect(loadPretrained(tiny(), pickled, { sha256: 'abc' })).rejects.toThrow(
      'must have the SHA-256 abc',
    );
  });

  it('stops when told', async () => {
    const cacheFolder = join(folder, 'cache-stopped');
    const signal = AbortSignal.abort();
    await expect(
      loadPretrained(tiny(), `${base}/stopped.pth`, { cacheFolder, signal }),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
