import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { problemOf, slackChannel, slackToken } from './slack.ts';
import type { Body } from './slack.ts';
import { acceptWebSocket } from './web-socket.ts';
import type { ServerSocket } from './web-socket.ts';

export const appToken = 'xapp-1-A0123456789-0123456789-abcdef';
export const signingSecret = '8f742231b10e8888abcd99yyyzzz85a5';
export const botUser = 'U0BOT00000';

/** What was posted, with the method. */
export type Posted = Body & { readonly method: string; readonly user?: unknown };

export interface SlackApp {
  /** Of the Web API. */
  readonly endpoint: string;
  readonly posts: readonly Posted[];
  /** What Slack would not take, in its words. */
  readonly refusals: readonly string[];
  /** Addresses that were given out for connections. */
  opened(): number;
  connections(): readonly ServerSocket[];
  /** Resolves when that many connections have said hello. */
  connected(count: number): Promise<void>;
  /** Sends an envelope over a connection, the newest by default; resolves to what acknowledges it. */
  send(type: string, payload: object, options?: SendOptions): Promise<{ readonly payload?: Record<string, unknown> }>;
  /** What the Web API answers to a method from now on; null = as it should. */
  refuse(method: string, error: string | null): void;
  /** Whether a connection is greeted. Default true. */
  greets: boolean;
  /** Resolves when so many posts came. */
  posted(count: number): Promise<void>;
  stop(): Promise<void>;
}

interface SendOptions {
  readonly over?: ServerSocket;
  readonly id?: string;
}

/**
 * An app of Slack with Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode): a token for each kind of call, one address for one
 * connection, an acknowledgement for each envelope.
 */
export async function startSlackApp(): Promise<SlackApp> {
  const posts: Posted[] = [];
  const refusals: string[] = [];
  const refused = new Map<string, string>();
  const tickets = new Set<string>();
  const connections: ServerSocket[] = [];
  const sent = new Map<string, (ack: { readonly payload?: Record<string, unknown> }) => void>();
  const waiting = new Set<{ readonly isDone: () => boolean; readonly done: () => void }>();
  let opened = 0;
  let greeted = 0;
  let envelopes = 0;

  const no = (error: string): object => {
    refusals.push(error);
    return { ok: false, error };
  };
  function changed(): void {
    for (const one of waiting) if (one.isDone()) one.done();
  }
  const until = (isDone: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const one = {
        isDone,
        done() {
          waiting.delete(one);
          resolve();
        },
      };
      waiting.add(one);
      changed();
    });

  function answer(method: string, token: string, body: Posted): object {
    const error = refused.get(method);
    if (error !== undefined) return no(error);
    if (method === 'apps.connections.open') {
      if (token !== appToken) return no(token.startsWith('xoxb-') ? 'not_allowed_token_type' : 'invalid_auth');
      opened += 1;
      const ticket = `t${opened}`;
      tickets.add(ticket);
      return { ok: true, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/link/?ticket=${ticket}` };
    }
    if (token !== slackToken) return no('invalid_auth');
    if (method !== 'chat.postMessage' && method !== 'chat.postEphemeral') return no('unknown_method');
    if (body.channel !== slackChannel) return no('channel_not_found');
    if (method === 'chat.postEphemeral' && typeof body.user !== 'string') return no('user_not_in_channel');
    const problem = problemOf(body);
    if (problem !== null) return no(problem);
    posts.push({ ...body, method });
    return { ok: true, channel: body.channel, ts: `1772366400.${String(posts.length).padStart(6, '0')}` };
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Posted;
      const token = (request.headers.authorization ?? '').replace('Bearer ', '');
      const given = answer((request.url ?? '').replace('/api/', ''), token, body);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(given));
      changed();
    });
  });
  server.on('upgrade', (request: IncomingMessage, stream) => {
    const ticket = new URL(request.url ?? '', 'http://slack.invalid').searchParams.get('ticket') ?? '';
    if (!tickets.delete(ticket)) {
      stream.end('HTTP/1.1 404 Not Found\r\n\r\n');
      return;
    }
    const socket = acceptWebSocket(request, stream, {
      onText: acknowledged,
      onEnd() {
        connections.splice(connections.indexOf(socket), 1);
        changed();
      },
    });
    connections.push(socket);
    if (!app.greets) return;
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: connections.length,
        connection_info: { app_id: 'A0123456789' },
      }),
    );
    greeted += 1;
    changed();
  });

  function acknowledged(text: string): void {
    const { envelope_id: id, ...ack } = JSON.parse(text) as { readonly envelope_id?: unknown };
    const done = sent.get(String(id));
    if (done === undefined) return void refusals.push(`no such envelope: ${text}`);
    sent.delete(String(id));
    done(ack);
  }

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const app: SlackApp = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    posts,
    refusals,
    greets: true,
    opened: () => opened,
    connections: () => connections,
    connected: (count) => until(() => greeted >= count),
    posted: (count) => until(() => posts.length >= count),
    send(type, payload, { over = connections.at(-1), id = `e${(envelopes += 1)}` } = {}) {
      return new Promise((resolve) => {
        sent.set(id, resolve);
        const accepts = type === 'slash_commands';
        over?.send(JSON.stringify({ envelope_id: id, type, payload, accepts_response_payload: accepts }));
      });
    },
    refuse: (method, error) => void (error === null ? refused.delete(method) : refused.set(method, error)),
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const connection of connections.slice()) connection.drop();
        server.closeAllConnections();
      }),
  };
  return app;
}

let events = 0;

/** An `app_mention` as the Events API wraps it. */
export function mention(text: string, changes: object = {}, more: object = {}): Record<string, unknown> {
  events += 1;
  return {
    token: 'XXYYZZ',
    team_id: 'T0123456789',
    api_app_id: 'A0123456789',
    type: 'event_callback',
    event_id: `Ev${events}`,
    event_time: 1772366400,
    authorizations: [{ team_id: 'T0123456789', user_id: botUser, is_bot: true }],
    event: {
      type: 'app_mention',
      user: 'U0ALICE000',
      text: `<@${botUser}> ${text}`,
      ts: '1772366400.000100',
      channel: slackChannel,
      event_ts: '1772366400.000100',
      ...changes,
    },
    ...more,
  };
}

/** A slash command, as Socket Mode has it; over HTTP the same fields are a form. */
export function command(text: string, changes: Readonly<Record<string, string>> = {}): Record<string, string> {
  events += 1;
  return {
    token: 'XXYYZZ',
    team_id: 'T0123456789',
    channel_id: slackChannel,
    channel_name: 'ops',
    user_id: 'U0ALICE000',
    user_name: 'alice',
    command: '/fist',
    text,
    response_url: 'https://hooks.slack.com/commands/T0123456789/1/x',
    trigger_id: `1.2.${events}`,
    ...changes,
  };
}

/** Headers of what Slack signs. */
export function signedHeaders(body: string | Buffer, atMs: number, secret = signingSecret): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const signature = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex');
  return { 'x-slack-request-timestamp': timestamp, 'x-slack-signature': `v0=${signature}` };
}
