import { Agent, request } from 'node:http';
import type { JsonValue } from '../../src/core/json.ts';

/** A request to a server on this machine. */
export interface Asked {
  readonly port: number;
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A body as JSON, or as it stands. */
  readonly json?: JsonValue;
  readonly text?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/** Asks and reads the whole answer; of a stream of events its beginning. */
export function ask({ port, method, url, headers = {}, json, text }: Asked): Promise<HttpAnswer> {
  const body = json === undefined ? text : JSON.stringify(json);
  const own =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, method, path: url, agent, headers: { ...own, ...headers } },
      (response) => {
        const contentType = response.headers['content-type'] ?? '';
        const status = response.statusCode ?? 0;
        let all = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          all += part;
          if (!contentType.startsWith('text/event-stream')) return;
          response.destroy();
          resolve({ status, contentType, body: all });
        });
        response.on('end', () => resolve({ status, contentType, body: all }));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
