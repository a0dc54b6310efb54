import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { compiled, createSourceWorld } from '../../test/support/sources.ts';
import type { SourceWorld } from '../../test/support/sources.ts';
import { waitFor } from '../../test/support/wait.ts';
import { createHttpClient } from '../lib/http.ts';
import { eventLoopTurns } from '../lib/turns.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { api } from './api.ts';

const cleanup = createCleanup();
let world: SourceWorld;
let clock: FakeClock;
let url: string;
let asked: { readonly method: string; readonly headers: IncomingHttpHeaders }[];
/** How the next requests are answered; the last one stays. */
let answers: ((response: ServerResponse) => void)[];

beforeEach(async () => {
  asked = [];
  answers = [];
  const server = createServer((request, response) => {
    asked.push({ method: request.method ?? '', headers: request.headers });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/incidents`;
  clock = createFakeClock('2026-03-01T12:00:00.000Z');
  const store = openSqliteStore({ path: ':memory:' });
  cleanup.defer(() => store.close());
  world = createSourceWorld(store, clock, [api]);
});
afterEach(() => cleanup.run());

const mapping = { name: '{{ .item.title }}', status: '{{ .item.state }}', labels: { id: '{{ .item.id }}' } };

function begin(config: object = {}, changes: object = {}): void {
  const all = { endpoint: url, format: 'generic', items: 'incidents', mapping, ...config };
  world.sources = [compiled(api, all, { name: 'status', expireAfterMs: 24 * 3_600_000, ...changes })];
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  const secrets = { get: () => 'let-me-in\n' };
  world.start({ http, secrets, isAlone: true });
  cleanup.defer(() => world.stop());
}

/** Waits until so many requests were answered and the next one is waited for. */
async function polled(count: number): Promise<void> {
  await waitFor(`${count} requests`, () => asked.length >= count);
  // The Source and whoever looks after changes of the catalog.
  await waitFor('the pause', () => clock.sleeping() >= 2);
}

const incident = (id: string, state = 'open') => ({ id, title: `Incident${id}`, state });
const json =
  (incidents: readonly object[], headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(200, headers).end(JSON.stringify({ incidents }));
const status =
  (code: number, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end();

describe('an endpoint that is asked', () => {
  test('beside it a Source that does not fit its schema is left alone, and ends nothing', async () => {
    answers = [json([incident('1')])];
    begin();
    world.sources = [
      { ...compiled(api, {}, { name: 'broken' }), settings: null, triggerWorkflow: '' },
      ...world.sources,
    ];
    await polled(1);
    await clock.advance(60_000);
    await polled(2);
    expect(world.warned).toEqual([]);
  });

  test('its items are alerts; what did not change is not asked for again whole, and changes nothing', async () => {
    const named = { etag: '"v1"', 'last-modified': 'Sun, 01 Mar 2026 11:00:00 GMT' };
    answers = [json([incident('1')], named), status(304), json([incident('1', 'closed'), incident('2')])];
    begin({ authentication: { type: 'bearer', secretRef: 'status' } });
    await polled(1);
    await clock.advance(60_000);
    await polled(2);
    await clock.advance(60_000);
    await polled(3);
    expect(asked.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET']);
    expect(asked[0]?.headers).toMatchObject({ authorization: 'Bearer let-me-in', accept: 'application/json' });
    expect(asked[0]?.headers['if-none-match']).toBeUndefined();
    expect(asked[1]?.headers).toMatchObject({
      'if-none-match': '"v1"',
      'if-modified-since': 'Sun, 01 Mar 2026 11:00:00 GMT',
    });
    const alerts = (await world.alerts()).map(({ name, status: is, labels }) => `${name} ${labels['id']} ${is}`);
    expect(alerts.toSorted((one, other) => (one < other ? -1 : 1))).toEqual([
      'Incident1 1 resolved',
      'Incident2 2 received',
    ]);
    expect(await world.events()).toHaveLength(2);
    expect(await world.runs()).toHaveLength(2);
  });

  test('a long answer is read in turns with others', async () => {
    answers = [json(Array.from({ length: 100 }, (_, at) => incident(String(at))))];
    const asksForTurns = vi.spyOn(eventLoopTurns, 'isOver');
    begin();
    await polled(1);
    // Each field of each item.
    expect(asksForTurns.mock.calls.length).toBeGreaterThanOrEqual(300);
    asksForTurns.mockRestore();
    expect(await world.alerts()).toHaveLength(100);
  });

  test('the same answer without a name is the same; what goes on is told again before it expires', async () => {
    answers = [json([incident('1')])];
    begin({ interval: '1m' }, { expireAfterMs: 20 * 60_000 });
    for (let count = 1; count <= 7; count += 1) {
      await polled(count);
      if (count === 5) expect((await world.alerts())[0]?.receiveCount).toBe(1);
      await clock.advance(60_000);
    }
    await polled(8);
    expect((await world.alerts())[0]?.receiveCount).toBe(2);
    expect(await world.runs()).toHaveLength(1);
  });

  test('an answer that names itself as an event does is told again as well', async () => {
    const data = { version: '4', alerts: [{ status: 'firing', labels: { alertname: 'Down' } }] };
    const event = { specversion: '1.0', id: '1', source: '/status', type: 'down', data };
    answers = [(response) => void response.writeHead(200).end(JSON.stringify(event))];
    begin(
      { interval: '1m', format: 'cloudevents', items: undefined, mapping: undefined },
      { expireAfterMs: 20 * 60_000 },
    );
    for (let count = 1; count <= 7; count += 1) {
      await polled(count);
      await clock.advance(60_000);
    }
    await polled(8);
    expect(await world.alerts()).toMatchObject([{ name: 'Down', receiveCount: 2 }]);
  });

  test('a refusal is trouble until it is over; the pause is what the endpoint asks for', async () => {
    answers = [status(503, { 'retry-after': '300' }), json([])];
    begin();
    await polled(1);
    expect(await world.problem('status')).toBe(`Failing: PollRefused: ${url} answered 503; next: curl -i ${url}`);
    await clock.advance(299_000);
    expect(asked).toHaveLength(1);
    await clock.advance(1000);
    await polled(2);
    await waitFor('the end of trouble', async () => (await world.problem('status')) === null);
  });

  test.each([
    ['no JSON', (response: ServerResponse) => void response.end('<html>'), 'cannot be read'],
    ['no list', (response: ServerResponse) => void response.end('{"incidents":1}'), 'must be a list'],
    ['a redirect', status(302, { location: '/x' }), 'redirects are not followed'],
    ['a refusal', status(401), 'does not let this server in'],
    [
      'an answer that is too long',
      (response: ServerResponse) => void response.end('x'.repeat(4 * 1024 * 1024)),
      'more than 3 MiB',
    ],
    ['a hang-up', (response: ServerResponse) => void response.destroy(), 'could not be reached'],
  ])('%s is trouble', async (_title, answer, message) => {
    answers = [answer];
    begin();
    await polled(1);
    await waitFor('the trouble', async () => (await world.problem('status'))?.includes(message));
    expect(await world.alerts()).toEqual([]);
  });

  test('POST asks with POST; a Source of POST /alerts asks nothing', async () => {
    answers = [json([])];
    begin({ method: 'POST' });
    await polled(1);
    expect(asked[0]?.method).toBe('POST');
    expect(api.runs(api.compile(api.config.parse({})).settings)).toBe(false);
  });

  test.each([
    ['endpoint', { endpoint: 'ftp://example.com' }],
    ['endpoint', { endpoint: 'https://user:word@example.com' }],
    ['endpoint', { endpoint: '/other' }],
    ['interval', { endpoint: 'https://example.com', interval: '1s' }],
    ['format', { endpoint: 'https://example.com', format: 'generic' }],
    ['authentication.type', { endpoint: 'https://example.com', authentication: { type: 'none' } }],
    ['absent', { endpoint: 'https://example.com', absent: 'resolve' }],
    ['absent', { endpoint: 'https://example.com', absent: 'resolve', format: 'pagerduty' }],
  ])('wrong %s: %j', (field, config) => {
    expect(api.config.safeParse(config).error?.issues.map(({ path }) => path.join('.'))).toEqual([field]);
  });
});
