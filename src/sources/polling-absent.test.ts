import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { compiled, createSourceWorld } from '../../test/support/sources.ts';
import type { SourceWorld } from '../../test/support/sources.ts';
import { sinkFixture } from '../../test/support/deliveries.ts';
import type { CatalogSource } from '../core/catalog.ts';
import type { HttpResponse } from '../core/ports.ts';
import { noTurns } from '../lib/turns.ts';
import { api } from './api.ts';
import type { RunningSourcesOptions } from './running.ts';

// What becomes of an alert that an endpoint no longer answers.

const endpoint = 'https://status.example/incidents';
const mapping = { name: 'Incident', labels: { id: '{{ .item.id }}' }, annotations: { summary: '{{ .item.title }}' } };
const asked = (more: object = {}): CatalogSource => {
  const config = { endpoint, format: 'generic', items: 'incidents', mapping, absent: 'resolve', ...more };
  return { ...compiled(api, config, { name: 'status' }), expireAfterMs: 24 * 3_600_000 };
};

describe.each(contractStores)('an alert that is absent from an answer, on $name', ({ open }) => {
  let world: SourceWorld;
  let clock: FakeClock;
  let answer: () => Promise<Partial<HttpResponse>> | Partial<HttpResponse>;
  let requests: number;

  beforeEach(async () => {
    clock = createFakeClock('2026-03-01T12:00:00.000Z');
    const opened = await open({ clock });
    world = createSourceWorld(opened.store, clock, [api]);
    world.sources = [asked()];
    world.sinks = [sinkFixture({ namespace: 'default', name: 'out', sendResolved: true })];
    requests = 0;
    return async () => {
      await world.stop();
      await opened.close();
    };
  });

  const list = (...ids: readonly string[]) => ({
    body: JSON.stringify({ incidents: ids.map((id) => ({ id, title: `Incident ${id}` })) }),
  });

  /** One more replica. */
  function start() {
    const http = {
      async send() {
        requests += 1;
        return { status: 200, headers: {}, body: '', truncated: false, ...(await answer()) };
      },
    } as unknown as RunningSourcesOptions['http'];
    return world.start({ http });
  }

  /** The next answer, when the endpoint is asked again. */
  async function next(given: typeof answer | Partial<HttpResponse>): Promise<void> {
    answer = typeof given === 'function' ? given : () => given;
    await clock.advance(60_000);
  }

  async function begin(given: Partial<HttpResponse>) {
    answer = () => given;
    const running = start();
    await clock.advance(0);
    return running;
  }

  /** `1 resolved` and the like, and how often each was opened and closed. */
  async function alerts(): Promise<Readonly<Record<string, string>>> {
    const all = (await world.alerts()).toSorted((one, other) => (one.id < other.id ? -1 : 1));
    const told = await Promise.all(
      all.map(async ({ id, labels }) => {
        const transitions = await world.store.read.lists.transitions(id);
        return [labels['id'] ?? '', transitions.map(({ reason }) => reason).join(' ')] as const;
      }),
    );
    return Object.fromEntries(told);
  }

  const ends = async () =>
    (await world.store.read.lists.deliveries({ limit: 50 })).items.filter(({ event }) => event === 'alert-resolved');

  test('is over, once, with the content that it had', async () => {
    await begin(list('1', '2'));
    await next(list('2'));
    await next(list('2', '3'));
    expect(await alerts()).toEqual({ 1: 'Opened Resolved', 2: 'Opened', 3: 'Opened' });
    const [first] = (await world.alerts()).filter(({ labels }) => labels['id'] === '1');
    expect(first).toMatchObject({ endsAt: '2026-03-01T12:01:00.000Z', summary: 'Incident 1', episode: 1 });
    expect(await ends()).toHaveLength(1);
    await next(list('1', '2', '3'));
    expect(await alerts()).toMatchObject({ 1: 'Opened Resolved Reopened' });
  });

  test('goes on where nothing else was asked for', async () => {
    world.sources = [asked({ absent: 'keep' })];
    await begin(list('1'));
    await next(list('2'));
    expect(await alerts()).toEqual({ 1: 'Opened', 2: 'Opened' });
  });

  test('is over, once, also where it went while no server ran, or another replica asked', async () => {
    const first = await begin(list('1', '2', '3'));
    await first.stop();
    answer = () => list('2', '3');
    const [second] = [start(), start()];
    await clock.advance(31_000);
    expect(await alerts()).toEqual({ 1: 'Opened Resolved', 2: 'Opened', 3: 'Opened' });
    const before = requests;
    await second?.stop();
    answer = () => list('3');
    await clock.advance(62_000);
    expect(requests).toBeGreaterThan(before);
    expect(await alerts()).toEqual({ 1: 'Opened Resolved', 2: 'Opened Resolved', 3: 'Opened' });
    expect(await ends()).toHaveLength(2);
  });

  test.each<[string, Partial<HttpResponse>, string]>([
    ['of which some cannot be read', { body: '{"incidents":[{"id":"2"},7]}' }, 'has items that cannot be read (1)'],
    ['that is a page', { ...list('2'), headers: { link: '<https://x/?p=2>; rel="next"' } }, 'is one page of several'],
  ])('goes on after an answer %s, and that is said', async (_, given, why) => {
    await begin(list('1'));
    await next(given);
    expect(await alerts()).toMatchObject({ 1: 'Opened', 2: 'Opened' });
    expect(await world.problem('status')).toContain(why);
    // The same again: it is still so.
    await next(given);
    expect(await world.problem('status')).toContain(why);
    await next(list('2'));
    expect(await alerts()).toMatchObject({ 1: 'Opened Resolved', 2: 'Opened' });
    expect(await world.problem('status')).toBeNull();
  });

  test('goes on after a refusal, and after what is no list', async () => {
    world.sources = [asked({ items: undefined })];
    await begin({ body: '[{"id":"1"}]' });
    await next({ status: 500 });
    await clock.advance(15 * 60_000);
    expect(await alerts()).toEqual({ 1: 'Opened' });
    await next({ body: '{"id":"2"}' });
    await clock.advance(15 * 60_000);
    expect(await alerts()).toMatchObject({ 1: 'Opened', 2: 'Opened' });
    expect(await world.problem('status')).toContain('is no list');
    await next({ body: '[]' });
    expect(await alerts()).toEqual({ 1: 'Opened Resolved', 2: 'Opened Resolved' });
  });

  test('goes on where it was told after the endpoint was asked', async () => {
    await begin(list('1'));
    await next(async () => {
      clock.shiftWallClock(1000);
      const source = world.sources[0] as CatalogSource;
      const request = { body: list('1', '9').body, headers: {}, receivedAt: '2026-03-01T12:01:01.000Z' };
      const received = await api.receive?.(request, noTurns, source.settings);
      if (received?.ok === true) await world.intake.accept(source, received.notification);
      return list();
    });
    expect(await alerts()).toEqual({ 1: 'Opened', 9: 'Opened' });
  });
});
