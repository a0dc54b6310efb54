import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CatalogSource } from '../../src/core/catalog.ts';
import { formats } from '../../src/sources/formats/index.ts';
import { sourceDefinitions } from '../../src/sources/index.ts';
import { apiSource, apiToken, sourceToken, webhookSource } from '../support/fake-server.ts';
import { malformedBodies } from '../support/malformed.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

// What every Source that takes bodies must do, whatever its type and format. A new format is a line in `cases`.

interface Case {
  readonly name: string;
  readonly source: CatalogSource;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A body that it takes, with one alert or one run. */
  readonly good: unknown;
}

const labels = { alertname: 'Down', severity: 'critical', pod: 'p1' };
const annotations = { summary: 'it is down' };
const times = { startsAt: '2026-01-01T00:00:00Z', endsAt: '0001-01-01T00:00:00Z' };
const alert = { status: 'firing', labels, annotations, ...times, fingerprint: '0123456789abcdef' };
const mapping = { name: '{{ .item.title }}', labels: { pod: '{{ .item.pod }}' } };

function webhookCase(format: string, good: unknown, more: Partial<Case> & { readonly config?: object } = {}): Case {
  const source = webhookSource({ path: format, format, ...more.config }, { name: format });
  return { name: format, source, url: `/webhook/${format}`, good, ...more };
}

const cases: readonly Case[] = [
  webhookCase('alertmanager', { version: '4', groupKey: 'k', receiver: 'r', alerts: [alert] }),
  webhookCase('grafana', { version: '1', orgId: 1, title: 't', alerts: [{ ...alert, values: { B: 1 } }] }),
  webhookCase('alertmanager-events', [{ labels, annotations, startsAt: times.startsAt }]),
  webhookCase('pagerduty', {
    event: {
      id: 'e1',
      event_type: 'incident.triggered',
      occurred_at: times.startsAt,
      data: { id: 'P1', type: 'incident', status: 'triggered', title: 'it is down', urgency: 'high' },
    },
  }),
  webhookCase(
    'cloudevents',
    { specversion: '1.0', id: '1', source: '/m', type: 't', data: alert },
    { headers: { 'content-type': 'application/cloudevents+json' } },
  ),
  webhookCase(
    'generic',
    { problems: [{ title: 'it is down', pod: 'p1' }] },
    { config: { mapping, items: '.problems' } },
  ),
  {
    name: 'api',
    source: apiSource({ schema: { type: 'object', required: ['title'], properties: { title: { type: 'string' } } } }),
    url: '/api/v1/sources/shop/deploys/events',
    headers: { authorization: `Bearer ${apiToken}` },
    good: { title: 'it is down' },
  },
];

let world: World;

function post({ url, headers }: Case, payload: string | Buffer, more: Readonly<Record<string, string>> = {}) {
  const defaults = { authorization: `Bearer ${sourceToken}`, 'content-type': 'application/json' };
  return world.server.inject({ method: 'POST', url, headers: { ...defaults, ...headers, ...more }, payload });
}

async function items(list: string): Promise<readonly { readonly id: string }[]> {
  return (await world.get(`/api/v1/${list}?limit=500`)).json<{ items: { id: string }[] }>().items;
}

/** Ids of the last two, newest first; undefined where there are none yet. */
async function newestLetters(): Promise<readonly (string | undefined)[]> {
  const page = (await world.get('/api/v1/dead-letters?limit=2')).json<{ items: readonly { readonly id: string }[] }>();
  return [...page.items.map(({ id }) => id), undefined];
}

/** All that is stored but dead letters; of the store itself, for which hundreds of times the API is too slow. */
async function rows(): Promise<readonly (readonly object[])[]> {
  const { lists } = world.store.read;
  const page = { limit: 500 };
  const pages = await Promise.all([lists.alerts(page), lists.runs(page), lists.events(page), lists.deliveries(page)]);
  return pages.map(({ items: stored }) => stored);
}

it('every format, and every type that takes bodies, is among them', () => {
  expect(cases.map(({ name }) => name)).toEqual(expect.arrayContaining(formats.map(({ name }) => name)));
  // Those that answer a chat: test/chat.test.ts.
  const taking = sourceDefinitions.filter(({ receive, receiveEvent }) => receive !== null || receiveEvent !== null);
  expect(new Set(cases.map(({ source }) => source.type))).toEqual(new Set(taking.map(({ type }) => type)));
});

it('there are five hundred malformed bodies', () => {
  const count = cases.reduce((sum, { good }) => sum + malformedBodies(JSON.stringify(good)).length, 0);
  expect(count).toBeGreaterThanOrEqual(500);
});

describe.each(cases)('$name', (one) => {
  /** What there was after the body before. */
  let newest: string | undefined;
  let stored: readonly (readonly object[])[];
  beforeAll(async () => {
    world = await createWorld({ sourceTypes: sourceDefinitions }, [one.source]);
    [newest] = await newestLetters();
    stored = await rows();
  });
  afterAll(() => world.close());
  const good = JSON.stringify(one.good);

  it.each(malformedBodies(good))('$what: refused, nothing stored but a dead letter of at most 64 KiB', async (bad) => {
    const [letterBefore, storedBefore] = [newest, stored];
    const response = await post(one, bad.body, bad.headers);
    const letters = await newestLetters();
    [newest] = letters;
    stored = await rows();
    expect([400, 413, 415]).toContain(response.statusCode);
    expect(response.json()).toMatchObject({ code: 'InvalidInput', message: expect.any(String) });
    expect(letters.indexOf(letterBefore)).toBe(response.statusCode === 400 ? 1 : 0);
    if (response.statusCode === 400) {
      const letter = (await world.get(`/api/v1/dead-letters/${letters[0]}`)).json<{ body: string }>();
      expect(Buffer.byteLength(letter.body)).toBeLessThanOrEqual(64 * 1024);
    }
    expect(stored).toEqual(storedBefore);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('whatever stands in the place of a value, it is answered, and the server goes on', async () => {
    const wrong = [
      null,
      7,
      -1,
      true,
      '',
      'x',
      {},
      [],
      [[]],
      { a: { b: 1 } },
      '\ud800',
      'y'.repeat(70_000),
      '__proto__',
    ];
    for (const [path, value] of leaves(one.good)) {
      for (const other of wrong) {
        if (other === value) continue;
        const response = await post(one, JSON.stringify(replaced(one.good, path, other)));
        expect([200, 400], `${path.join('.')} = ${JSON.stringify(other).slice(0, 40)}`).toContain(response.statusCode);
      }
    }
    expect((await post(one, good)).statusCode).toBe(200);
  });

  it('takes a good body, with spaces, with a mark, and with more fields than it knows', async () => {
    const spaced = JSON.stringify(one.good, null, 4);
    for (const body of [good, ` \n${spaced}\n`, `\ufeff${good}`]) {
      const response = await post(one, body);
      expect(response.statusCode, body.slice(0, 40)).toBe(200);
    }
    const more = Array.isArray(one.good) ? one.good : { ...(one.good as object), aFieldOfTomorrow: { a: [1] } };
    expect((await post(one, JSON.stringify(more))).statusCode).toBe(200);
  });

  it('makes the same of the same, in whatever order its fields stand', async () => {
    await post(one, good);
    const alerts = await items('alerts');
    await post(one, JSON.stringify(reversed(one.good)));
    expect((await items('alerts')).map(({ id }) => id).toSorted()).toEqual(alerts.map(({ id }) => id).toSorted());
  });

  it('takes nothing of a stranger, and keeps nothing of it', async () => {
    const before = [await rows(), await items('dead-letters')];
    for (const body of [good, 'x']) expect((await post(one, body, { authorization: 'Bearer x' })).statusCode).toBe(401);
    expect([await rows(), await items('dead-letters')]).toEqual(before);
  });
});

type Path = readonly (string | number)[];

/** Every value of a body with its path, containers too. */
function leaves(value: unknown, path: Path = []): readonly (readonly [Path, unknown])[] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  const inner = Array.isArray(value)
    ? value.flatMap((each: unknown, index) => leaves(each, [...path, index]))
    : Object.entries(value).flatMap(([name, each]) => leaves(each, [...path, name]));
  return path.length === 0 ? inner : [[path, value], ...inner];
}

function replaced(value: unknown, [first, ...rest]: Path, by: unknown): unknown {
  if (first === undefined) return by;
  if (Array.isArray(value))
    return value.map((each: unknown, index) => (index === first ? replaced(each, rest, by) : each));
  return { ...(value as object), [first]: replaced((value as Record<string, unknown>)[first], rest, by) };
}

function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return Array.isArray(value) ? value.map(reversed) : value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, each]) => [name, reversed(each)] as const)
      .toReversed(),
  );
}
