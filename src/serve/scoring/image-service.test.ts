import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePng, encodeWav } from '#data';
import { OnnxGraph } from '#engine';
import { createScoringServer, type ScoringServer } from './create-scoring-server.ts';

/** Tells red, green and blue pictures apart; a file as `exportClassifier` writes them. */
function coloursModel(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const graph = new OnnxGraph('colours');
  const images = graph.input('images', 'uint8', ['N', 'height', 'width', 3]);
  const means = graph.node('ReduceMean', [graph.cast(images, 'float32'), graph.int64([1, 2])], {
    attributes: { keepdims: { int: 0 } },
  });
  const logits = graph.node('Mul', [means, graph.float(10 / 255)]);
  const label = graph.node('ArgMax', [logits], {
    attributes: { axis: { int: 1 }, keepdims: { int: 0 } },
  });
  graph.output(logits, 'float32', ['N', 3], 'logits');
  graph.output(graph.node('Softmax', [logits]), 'float32', ['N', 3], 'probabilities');
  graph.output(label, 'int64', ['N'], 'label');
  const classes = '["red","green","blue"]';
  return graph.toModel({
    metadata: { task: 'image-classification', classes, image_size: '[8,8]', ...metadata },
  });
}

const model = coloursModel();
const sound = { sampleRate: 8000, windowSeconds: 1, nMels: 16, nFft: 256, colors: 'heat' };
const soundModel = coloursModel({ sound: JSON.stringify(sound) });

function png(channel: number, side = 6): Buffer {
  const data = new Uint8Array(side * side * 3);
  for (let i = channel; i < data.length; i += 3) data[i] = 255;
  return encodePng(side, side, data);
}

const wav = () =>
  encodeWav({
    sampleRate: 8000,
    channels: [Float32Array.from({ length: 16_000 }, (_, i) => Math.sin(i / 3))],
  });

let server: ScoringServer;
beforeAll(async () => {
  server = await createScoringServer({ model, port: 0, maxBodyBytes: 100_000, maxQueueRows: 4 });
});
afterAll(() => server.close());

interface Choice {
  readonly label: string;
  readonly probability: number;
}
type Result = Choice & { readonly top: readonly Choice[] };
type Answer = { status: number; body: { Results?: Result[]; message?: string } };

async function post(
  body: string | Uint8Array<ArrayBuffer> | FormData,
  type?: string,
  url = server.url,
): Promise<Answer> {
  const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
  const response = await fetch(`${url}/score`, { method: 'POST', headers, body });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

function form(...files: readonly (readonly [name: string, bytes: Uint8Array, type: string])[]): FormData {
  const data = new FormData();
  for (const [name, bytes, type] of files)
    data.append('image', new Blob([new Uint8Array(bytes)], { type }), name);
  return data;
}

const labels = ({ body }: Answer) => body.Results?.map(({ label }) => label);

describe('an image classifier that is served', () => {
  it('classifies the files of a form in their order, with the likeliest classes of each', async () => {
    const data = form(['b.png', png(2), 'image/png'], ['r.png', png(0, 9), 'image/png']);
    data.append('note', 'fields that are no files do not matter');
    const answer = await post(data);
    expect([answer.status, labels(answer)]).toEqual([200, ['blue', 'red']]);
    const [first] = answer.body.Results ?? [];
    // Logits 10 and 0, 0.
    expect(first.probability).toBeCloseTo(Math.exp(10) / (Math.exp(10) + 2), 5);
    expect(first.top).toHaveLength(3);
    expect(first.top[0]).toEqual({ label: 'blue', probability: first.probability });
  });

  it('classifies a picture that is the body, and pictures as base64', async () => {
    expect(labels(await post(new Uint8Array(png(1)), 'image/png'))).toEqual(['green']);
    const images = [png(0).toString('base64'), `data:image/png;base64,${png(2).toString('base64')}`];
    expect(labels(await post(JSON.stringify({ Inputs: { images } }), 'application/json'))).toEqual([
      'red',
      'blue',
    ]);
  });

  it('names the part that is no picture', async () => {
    const broken = form(['ok.png', png(0), 'image/png'], ['text.png', Buffer.from('text'), 'image/png']);
    expect(await post(broken)).toMatchObject({
      status: 400,
      body: {
        message: expect.stringMatching(/^score: part 2, "image" \(text\.png\), must be an intact PNG/),
      },
    });
    const half = png(0, 90).subarray(0, 200);
    expect(await post(new Uint8Array(half), 'image/png')).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/^score: the body must be an intact PNG/) },
    });
    const json = JSON.stringify({ Inputs: { images: [png(0).toString('base64'), 'no base64!'] } });
    expect(await post(json, 'application/json')).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/Inputs\.images\[1\] must be a file as base64/) },
    });
  });

  it('says what it takes where a request has no picture', async () => {
    const empty = new FormData();
    empty.append('note', 'nothing');
    expect(await post(empty)).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/at least one file/) },
    });
    expect((await post('{"Inputs":{"data":[{"x":1}]}}', 'application/json')).status).toBe(400);
    expect((await post('no form', 'multipart/form-data; boundary=x')).status).toBe(400);
    expect((await post('no form', 'multipart/form-data')).status).toBe(400);
    const cut = `--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n${'a'.repeat(50)}`;
    expect((await post(cut, 'multipart/form-data; boundary=x')).status).toBe(400);
  });

  it('refuses other types, large bodies and more pictures than may wait', async () => {
    expect((await post('a,b', 'text/csv')).status).toBe(415);
    expect(await post(new Uint8Array(wav()), 'audio/wav')).toMatchObject({
      status: 415,
      body: { message: 'score: this model takes no audio/wav. See /swagger.json.' },
    });
    expect((await post(new Uint8Array(100_001), 'image/png')).status).toBe(413);
    expect((await post(form(['big.png', new Uint8Array(100_001), 'image/png']))).status).toBe(413);
    // Sent in pieces, a body does not say how long it is.
    const parts = ['a', 'b'].map(
      (name) =>
        `--x\r\nContent-Disposition: form-data; name="image"; filename="${name}"\r\n\r\n${name.repeat(60_000)}\r\n`,
    );
    const pieces = [...parts, '--x--\r\n'].map((text) => Buffer.from(text));
    const response = await fetch(`${server.url}/score`, {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: new ReadableStream({
        pull: (controller) => {
          const piece = pieces.shift();
          if (piece === undefined) controller.close();
          else controller.enqueue(piece);
        },
      }),
      duplex: 'half',
    } as RequestInit);
    expect([response.status, await response.json()]).toEqual([
      413,
      { message: expect.stringMatching(/a body may have at most 100000 bytes/) },
    ]);
    const many = Array.from({ length: 5 }, (_, i) => [`${i}.png`, png(0), 'image/png'] as const);
    expect(await post(form(...many))).toMatchObject({
      status: 413,
      body: { message: expect.stringMatching(/at most 4 pictures, but has 5/) },
    });
  });

  it('asks callers to come again when too many wait, and answers the others', async () => {
    // Large ones take a while.
    const pair = [png(0, 1500), png(1, 1500)].map((bytes, i) => [`${i}.png`, bytes, 'image/png'] as const);
    const answers = await Promise.all(Array.from({ length: 24 }, () => post(form(...pair))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    for (const answer of answers.filter(({ status }) => status === 200)) {
      expect(labels(answer)).toEqual(['red', 'green']);
    }
    expect(labels(await post(form(['a.png', png(0), 'image/png'])))).toEqual(['red']);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/^trainyard_score_queue_rows 0$/m);
  });

  it('fails no request while the model is swapped', async () => {
    let swapped = false;
    const caller = async () => {
      for (let i = 0; i < 3 || !swapped; i++) {
        const { status, body } = await post(new Uint8Array(png(2)), 'image/png');
        expect([status, body.Results?.[0].label]).toEqual([200, 'blue']);
      }
    };
    const callers = Array.from({ length: 4 }, caller);
    await server.swap(model, '2');
    swapped = true;
    await Promise.all(callers);
    expect((await fetch(server.url)).headers.get('azureml-model-deployment')).toBe('2');
  });

  it('describes itself, with an example that can be sent', async () => {
    const swagger = (await (await fetch(`${server.url}/swagger.json`)).json()) as {
      consumes: string[];
      definitions: Record<string, { example: object }>;
    };
    expect(swagger.consumes).toEqual(expect.arrayContaining(['multipart/form-data', 'image/png']));
    const example = JSON.stringify(swagger.definitions['ServiceInput'].example);
    expect((await post(example, 'application/json')).status).toBe(200);
    const openApi = await (await fetch(`${server.url}/swagger.json?version=3`)).json();
    expect(openApi).toMatchObject({
      paths: {
        '/score': {
          post: {
            requestBody: { content: { 'multipart/form-data': {}, 'image/jpeg': {}, 'application/json': {} } },
          },
        },
      },
    });
  });

  it('takes sounds where the model does', async () => {
    const sounds = await createScoringServer({ model: soundModel, port: 0 });
    try {
      const alone = await post(new Uint8Array(wav()), 'audio/wav', sounds.url);
      const both = await post(
        form(['a.wav', wav(), 'audio/wav'], ['g.png', png(1), 'image/png']),
        undefined,
        sounds.url,
      );
      expect([alone.status, both.status]).toEqual([200, 200]);
      expect(labels(both)).toEqual([labels(alone)?.[0], 'green']);
      const silent = encodeWav({ sampleRate: 8000, channels: [new Float32Array(0)] });
      expect(await post(form(['empty.wav', silent, 'audio/wav']), undefined, sounds.url)).toMatchObject({
        status: 400,
        body: { message: expect.stringMatching(/part 1, "image" \(empty\.wav\)/) },
      });
    } finally {
      await sounds.close();
    }
  });
});
