import { describe, expect, it } from 'vitest';
import { startTestServer } from './test-server.ts';

const { call, store, token, server } = await startTestServer();
const secret = await token(['read']);

interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Reads Server-Sent Events until `enough` is satisfied or the server ends the stream. */
async function listen(
  id: string,
  headers: Record<string, string> = {},
  enough: (messages: readonly Message[]) => boolean = () => false,
): Promise<{ status: number; messages: Message[] }> {
  const aborter = new AbortController();
  const response = await fetch(`${server.url}/api/v1/runs/${id}/events`, {
    headers: { authorization: `Bearer ${secret}`, accept: 'text/event-stream', ...headers },
    signal: aborter.signal,
  });
  const messages: Message[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2) ?? '';
      if (field('event') !== '')
        messages.push({ id: field('id'), event: field('event'), data: field('data') });
    }
    if (enough(messages)) break;
  }
  aborter.abort();
  return { status: response.status, messages };
}

const numbers = (messages: readonly Message[]) =>
  messages.filter(({ event }) => event === 'step').map(({ data }) => JSON.parse(data).data.i);

describe('events of a run as a stream', () => {
  it('come as they happen, go on after an interruption without loss or repetition, and end with the run', async () => {
    const { id } = await store.createRun({ experimentName: 'events', state: 'Running' });
    const child = await store.createRun({ experimentName: 'events', parentId: id });
    const heard = listen(id, {}, (messages) => numbers(messages).length >= 3);
    for (let i = 0; i < 5; i++) await store.appendEvent(child.id, 'step', { i, text: 'line\nbreak <b>' });
    const first = await heard;
    const seen = numbers(first.messages);
    expect(seen.slice(0, 3)).toEqual([0, 1, 2]);
    for (let i = 5; i < 8; i++) await store.appendEvent(id, 'step', { i });
    const last = first.messages.at(-1)?.id ?? '';
    const rest = listen(id, { 'last-event-id': last });
    await store.appendEvent(id, 'step', { i: 8 });
    await store.transition(id, 'Completed');
    const { messages } = await rest;
    expect([...seen, ...numbers(messages)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(messages.at(-1)).toMatchObject({ event: 'end', data: '{"state":"Completed"}' });
    const nothingMore = messages.at(-2)?.id ?? '';
    expect(await listen(id, { 'last-event-id': nothingMore })).toEqual({ status: 204, messages: [] });
  });

  it('are a list for those who ask for JSON', async () => {
    const { id } = await store.createRun({ experimentName: 'events' });
    const own = await call('POST', `/api/v1/runs/${id}/events`, { type: 'note', data: { a: [1, null] } });
    expect(own.body).toMatchObject({ type: 'note', data: { a: [1, null] } });
    const { body } = await call(
      'GET',
      `/api/v1/runs/${id}/events?after=${Number(own.body['seq']) - 1}&limit=1`,
    );
    expect(body).toMatchObject({ items: [{ type: 'note', runId: id }] });
  });

  it('refuse a number that is none', async () => {
    const { id } = await store.createRun({ experimentName: 'events' });
    expect((await listen(id, { 'last-event-id': 'x' })).status).toBe(400);
  });

  it('do not hold up the end of the server', async () => {
    const other = await startTestServer();
    const { id } = await other.store.createRun({ experimentName: 'events', state: 'Running' });
    const response = await fetch(`${other.server.url}/api/v1/runs/${id}/events`, {
      headers: { authorization: `Bearer ${await other.token(['read'])}`, accept: 'text/event-stream' },
    });
    const ended = response.text();
    await other.server.close();
    expect(await ended).toContain('event: created');
  });
});
