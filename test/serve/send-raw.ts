import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';

/** Sends a request whose path is not tidied up before, as `fetch` would. */
export async function sendPath(
  url: string,
  method: string,
  path: string,
  { token, body }: { readonly token: string; readonly body?: string },
): Promise<{ readonly status: number; readonly text: string }> {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, method, path, headers: { authorization: `Bearer ${token}` } });
  sent.end(body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text };
}

/** Sends these bytes over a connection and gives all that comes back until the server closes it. */
export async function sendBytes(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(bytes);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
}
