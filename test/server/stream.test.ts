import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Change } from '../../src/core/changes.ts';
import { newId } from '../../src/lib/id.ts';
import { streamChanges } from '../../src/server/api/stream.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createCleanup } from '../support/cleanup.ts';
import { runFixture } from '../support/deliveries.ts';
import { apiToken, emptyLists } from '../support/fake-server.ts';
import { alertFixture } from '../support/rows.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld } from './world.ts';

// The stream over HTTP, on a real store.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const soon = { streamPollMs: 10, closeTimeoutMs: 2000 };

async function start(changes: Parameters<typeof createWorld>[0] = {}) {
  const world = await createWorld({ limits: soon, clock: systemClock(), ...changes });
  cleanup.defer(() => world.close());
  const { port } = await world.server.listen();
  return { ...world, port };
}

interface StreamEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

async function connect(port: number, query = '', lastId?: string) {
  const headers = { authorization: `Bearer ${apiToken}`, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
  const sent = request({ host: '127.0.0.1', port, path: `/api/v1/stream${query}`, headers, agent: false });
  sent.on('error', () => undefined);
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  cleanup.defer(() => void sent.destroy());
  let text = '';
  response.setEncoding('utf8');
  response.on('error', () => undefined);
  const ended = new Promise((resolve) => void response.on('close', resolve));
  return {
    response,
    ended,
    close: () => sent.destroy(),
    listen: () => response.on('data', (part: string) => (text += part)),
    /** Events so far, of those with a name. */
    events: (): readonly StreamEvent[] =>
      text
        .split('\n\n')
        .slice(0, -1)
        .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2))) as StreamEvent)
        .filter(({ event }) => event !== undefined),
    lastId: () => [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '',
  };
}

const until = (isSo: () => boolean) => waitFor('what is told', isSo);

const now = () => new Date().toISOString();
type Started = Awaited<ReturnType<typeof start>>;
const addAlert = (world: Started, changes: Partial<Parameters<typeof alertFixture>[0]> = {}) => {
  const alert = alertFixture({ id: newId(), fingerprint: newId(), receivedAt: now(), ...changes });
  return world.store.transaction('intake', (tx) => tx.alerts.insertAll([alert])).then(() => alert.id);
};
const addRun = (world: Started, alertId: string) => {
  const run = runFixture({
    id: newId(),
    alertId,
    status: 'pending',
    createdAt: now(),
    startedAt: null,
    completedAt: null,
  });
  return world.store.transaction('intake', (tx) => tx.runs.insertAll([{ run, plan: null }])).then(() => run.id);
};

describe('GET /api/v1/stream', () => {
  it('tells alerts and runs as they change, each as it is described', async () => {
    const world = await start();
    const stream = await connect(world.port);
    stream.listen();
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    const alert = await addAlert(world);
    await addRun(world, alert);
    await until(() => stream.events().length >= 2);
    const told = stream.events().map(({ data }) => JSON.parse(data ?? '') as Change);
    for (const change of told) expect(streamChanges.answer().parse(change)).toEqual(change);
    expect(stream.events().map(({ event }) => event)).toEqual(['alert', 'run']);
    expect(told).toMatchObject([
      { kind: 'alert', id: alert, status: 'received' },
      { kind: 'run', alertId: alert, status: 'pending' },
    ]);
  });

  it('tells only what is asked for', async () => {
    const world = await start();
    const [mine, other] = [newId(), newId()];
    const [alerts, one, all] = await Promise.all([
      connect(world.port, '?topics=alerts'),
      connect(world.port, `?alert=${mine}`),
      connect(world.port, '?topics=alerts,runs'),
    ]);
    for (const stream of [alerts, one, all]) stream.listen();
    for (const id of [mine, other]) {
      await addAlert(world, { id });
      await addRun(world, id);
    }
    await until(() => all.events().length >= 4);
    const seen = (stream: typeof all) =>
      stream
        .events()
        .map(({ event }) => event)
        .toSorted((one = '', other = '') => one.localeCompare(other));
    expect(seen(alerts)).toEqual(['alert', 'alert']);
    expect(seen(one)).toEqual(['alert', 'run']);
    expect(seen(all)).toEqual(['alert', 'alert', 'run', 'run']);
  });

  it('goes on after the last id', async () => {
    const world = await start();
    const stream = await connect(world.port);
    stream.listen();
    await addAlert(world);
    await until(() => stream.events().length === 1);
    const position = stream.lastId();
    stream.close();
    const missed = await addAlert(world);
    const again = await connect(world.port, '', position);
    again.listen();
    await until(() => again.events().length >= 1);
    expect(again.events().map(({ data }) => JSON.parse(data ?? '').id)).toEqual([missed]);
  });

  it('resets a client that reads too slowly, and keeps nothing for it', async () => {
    let round = 0;
    const change = (n: number) =>
      ({
        kind: 'alert',
        id: `${round}-${n}`,
        name: 'x'.repeat(1000),
        namespace: 'shop',
        source: 'am',
        status: 'received',
        severity: 'info',
        episode: round,
        mutedReason: null,
        runId: null,
        at: now(),
      }) as const;
    const lists = {
      ...emptyLists(),
      async changesSince() {
        round += 1;
        return Array.from({ length: round < 60 ? 300 : 0 }, (_, n) => change(n));
      },
    };
    const base = await start();
    const limits = { ...soon, streamPollMs: 1 };
    const world = await start({ reader: { ...base.store.read, lists }, limits });
    const slow = await connect(world.port);
    await until(() => round > 60);
    slow.listen();
    const resets = () => slow.events().filter(({ event }) => event === 'reset');
    await until(() => resets().length > 0);
    expect(JSON.parse(resets()[0]?.data ?? '')).toEqual({ reason: 'the client reads too slowly' });
    expect(slow.events().length).toBeLessThan(17_000);
  });

  it('ends when the server closes, long before that would break it off', async () => {
    const world = await start({ limits: { ...soon, closeTimeoutMs: 3_600_000 } });
    const stream = await connect(world.port);
    stream.listen();
    await expect(world.server.close()).resolves.toBeUndefined();
    await stream.ended;
  });

  it('is bounded, and takes no room from other requests', async () => {
    const world = await start({ limits: { ...soon, maxStreams: 2, maxApiRequests: 1 } });
    for (let n = 0; n < 2; n += 1) (await connect(world.port)).listen();
    const third = await connect(world.port);
    expect([third.response.statusCode, third.response.headers['retry-after']]).toEqual([503, expect.any(String)]);
    expect((await world.get('/api/v1/alerts')).statusCode).toBe(200);
  });

  it.each([
    ['?topics=alerts,everything', 'topics', 'topics is not a list of alerts, runs'],
    ['?topic=alerts', 'topic', 'there is no query parameter "topic" here'],
  ])('%s is refused', async (query, field, message) => {
    const world = await createWorld();
    cleanup.defer(() => world.close());
    expect((await world.get(`/api/v1/stream${query}`)).json()).toMatchObject({ code: 'InvalidInput', field, message });
  });

  it('is 503 while the server stops or the store is away', async () => {
    const draining = await createWorld({ state: () => 'draining' });
    cleanup.defer(() => draining.close());
    expect((await draining.get('/api/v1/stream')).json()).toMatchObject({ code: 'Draining' });
  });
});
