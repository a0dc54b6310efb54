import { describe, expect, test } from 'vitest';
import type { Notification } from '../../core/event.ts';
import { noTurns } from '../../lib/turns.ts';
import type { SourceRequest } from '../define.ts';
import { webhook } from '../webhook.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';
const structured = { mediaType: 'application/cloudevents+json' };
const batch = { mediaType: 'application/cloudevents-batch+json' };
const event = { specversion: '1.0', id: 'A1', source: '/monitor', type: 'com.example.alert', time: receivedAt };
const alert = { status: 'firing', labels: { alertname: 'Down', pod: 'p1' } };
const notification = { version: '4', alerts: [alert, { ...alert, labels: { alertname: 'Up' } }] };
const mapping = { name: '{{ .item.title }}', labels: { type: '{{ .event.type }}', site: '{{ .body.site }}' } };

async function read(body: unknown, request: Partial<SourceRequest>, config: object = {}): Promise<Notification> {
  const { settings } = webhook.compile(webhook.config.parse({ path: 'a', format: 'cloudevents', ...config }));
  const result = await webhook.receive?.(
    { body: JSON.stringify(body), headers: {}, receivedAt, ...request },
    noTurns,
    settings,
  );
  if (result?.ok !== true) throw new Error(`${result?.field}: ${result?.message}`);
  return result.notification;
}

const names = ({ items }: Notification) => items.map(({ name }) => name);

describe('structured mode', () => {
  test.each([
    ['a notification of Alertmanager', notification, ['Down', 'Up']],
    ['one alert', alert, ['Down']],
    ['an alert as rulers send it', { labels: alert.labels }, ['Down']],
    ['a list of them', [{ labels: alert.labels }, alert], ['Down', 'Down']],
    ['a notification without alerts', { alerts: [] }, []],
  ])('%s', async (_what, data, expected) => {
    const read1 = await read({ ...event, data }, structured);
    expect(names(read1)).toEqual(expected);
    expect(read1.bad).toEqual([]);
  });

  test('source and id name the delivery', async () => {
    const key = async (changes: object) => (await read({ ...event, ...changes, data: alert }, structured)).deliveryKey;
    const first = await key({});
    expect(first).toMatch(/^cloudevent:[0-9a-f]{64}$/);
    expect(await key({ time: 'later', type: 'other' })).toBe(first);
    expect(await key({ id: 'A2' })).not.toBe(first);
    expect(await key({ source: '/other' })).not.toBe(first);
  });

  test('data in base64', async () => {
    const data_base64 = Buffer.from(JSON.stringify(alert)).toString('base64');
    expect(names(await read({ ...event, data_base64 }, structured))).toEqual(['Down']);
    const bomb = Buffer.from('['.repeat(1000)).toString('base64');
    await expect(read({ ...event, data_base64: bomb }, structured)).rejects.toThrow('data must be JSON');
  });

  test('data by a mapping: one alert', async () => {
    const { items } = await read({ ...event, data: { title: 'Slow', site: 'eu' } }, structured, { mapping });
    expect(items).toMatchObject([{ name: 'Slow', labels: { type: 'com.example.alert', site: 'eu' } }]);
  });

  test('data by a mapping: a list in it', async () => {
    const data = { site: 'eu', found: { problems: [{ title: 'Slow' }, { title: 'Full' }, { title: '' }] } };
    const config = { mapping, items: '.found.problems' };
    const { items, bad } = await read({ ...event, data }, structured, config);
    expect(items).toMatchObject([{ name: 'Slow', labels: { site: 'eu' } }, { name: 'Full' }]);
    expect(bad).toMatchObject([{ field: 'data.found.problems[2]', message: expect.stringContaining('mapping.name') }]);
    await expect(read({ ...event, data: { title: 'x' } }, structured, config)).rejects.toThrow('must be a list');
  });

  test.each([
    [{ ...event, specversion: '0.3' }, 'specversion must be "1.0"'],
    [{ ...event, id: '' }, 'id must be text'],
    [{ ...event, source: undefined }, 'source must be text'],
    [{ ...event, type: 7 }, 'type must be text'],
    [{ ...event }, 'data must be JSON'],
    [{ ...event, data: 'text' }, 'data is no alert of Alertmanager'],
    [{ ...event, data: { a: 1 } }, 'a mapping says what it is'],
    [{}, 'specversion is missing'],
  ])('%j: %s', async (body, message) => {
    await expect(read(body, structured)).rejects.toThrow(message);
  });
});

describe('batch mode', () => {
  test('every event counts by itself', async () => {
    const events = [
      { ...event, data: alert },
      { ...event, id: '2', data: notification },
      { ...event, id: '3', data: 'text' },
      { id: '4' },
      null,
    ];
    const { items, bad, deliveryKey } = await read(events, batch);
    expect(items.map(({ name }) => name)).toEqual(['Down', 'Down', 'Up']);
    expect(bad.map(({ field }) => field)).toEqual(['[2].data', '[3].specversion', '[4]']);
    expect(deliveryKey).toBeNull();
  });

  test('of one event it has its name; of none it is empty', async () => {
    const single = await read([{ ...event, data: alert }], batch);
    expect(single.deliveryKey).toBe((await read({ ...event, data: alert }, structured)).deliveryKey);
    expect((await read([], batch)).items).toEqual([]);
  });
});

describe('binary mode', () => {
  const headers = { 'ce-specversion': '1.0', 'ce-id': 'A1', 'ce-source': '%2Fmonitor', 'ce-type': 'com.example.alert' };
  const binary = { headers, mediaType: 'application/json' };

  test('attributes are headers, the body is the data', async () => {
    const read1 = await read(notification, binary);
    expect(names(read1)).toEqual(['Down', 'Up']);
    expect(read1.deliveryKey).toBe((await read({ ...event, data: alert }, structured)).deliveryKey);
    expect(names(await read(alert, binary))).toEqual(['Down']);
    expect((await read({ title: 'Slow', site: 'eu' }, binary, { mapping })).items).toMatchObject([
      { name: 'Slow', labels: { type: 'com.example.alert', site: 'eu' } },
    ]);
  });

  test('an attribute that is missing is named', async () => {
    await expect(read(alert, { headers: { 'ce-specversion': '1.0' } })).rejects.toThrow('ce-id must be text');
  });
});

describe('a Source without a format', () => {
  const auto = { format: undefined };

  test('takes events by their media type, headers, or what they have', async () => {
    for (const request of [structured, {}, { mediaType: 'application/json' }])
      expect(names(await read({ ...event, data: notification }, request, auto))).toEqual(['Down', 'Up']);
    expect(names(await read([{ ...event, data: alert }], {}, auto))).toEqual(['Down']);
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/m', 'ce-type': 't' };
    expect((await read(notification, { headers }, auto)).deliveryKey).toMatch(/^cloudevent:/);
  });
});
