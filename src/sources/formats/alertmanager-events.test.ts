import { describe, expect, test } from 'vitest';
import type { AlertItem } from '../../core/alert.ts';
import type { Notification } from '../../core/event.ts';
import { alertmanagerFingerprint } from '../../lib/hash.ts';
import { noTurns } from '../../lib/turns.ts';
import { only } from '../../../test/support/formats.ts';
import { readCapture } from '../../../test/support/wire.ts';
import { receiveNotification } from '../notification.ts';
import { alertmanagerEvents } from './alertmanager-events.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';

async function read(body: unknown, at = receivedAt): Promise<Notification> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const request = { body: text, headers: {}, receivedAt: at, subpath: '/api/v2/alerts' };
  const result = await receiveNotification(only(alertmanagerEvents), request, noTurns);
  if (!result.ok) throw new Error(`${result.field}: ${result.message}`);
  return result.notification;
}

const labels = { alertname: 'PodDown', pod: 'web-0', severity: 'critical' };

async function one(changes: object): Promise<AlertItem> {
  const { items, bad } = await read([{ labels, ...changes }]);
  expect(bad).toEqual([]);
  return items[0] as AlertItem;
}

describe('what rulers send', () => {
  test.each(['prometheus', 'vmalert'])('%s: one that fires until further notice, one that has ended', async (name) => {
    const request = readCapture(`rulers/${name}`).requests.find((one) => one.name === 'mixed');
    const sent = JSON.parse(request?.body ?? '') as readonly { readonly startsAt: string; readonly endsAt: string }[];
    const { items, bad, unread } = await read(request?.body, request?.receivedAt);
    expect({ bad, unread }).toEqual({ bad: [], unread: null });
    const [firing, ended] = items.toSorted((one, other) => (one.status < other.status ? -1 : 1));
    expect(firing).toMatchObject({ status: 'firing', labels: { pod: 'web-1' }, endsAt: null, skewed: false });
    expect(ended).toMatchObject({ status: 'resolved', labels: { pod: 'web-0' }, skewed: false });
    const toMilliseconds = (time: string) => new Date(time).toISOString();
    expect(items.map(({ startsAt }) => startsAt)).toEqual(sent.map(({ startsAt }) => toMilliseconds(startsAt)));
    expect(sent.map(({ endsAt }) => toMilliseconds(endsAt))).toContain(ended?.endsAt);
  });

  test('nothing', async () => {
    expect((await read([])).items).toEqual([]);
  });
});

test('labels are all that it needs: it fires, and began when it came', async () => {
  expect(await one({})).toMatchObject({
    status: 'firing',
    startsAt: null,
    endsAt: null,
    skewed: false,
    annotations: {},
    externalId: alertmanagerFingerprint(labels),
  });
});

test.each([
  ['2026-03-01T11:59:59.999Z', 'resolved'],
  ['2026-03-01T12:00:00Z', 'resolved'],
  ['2026-03-01T12:00:00.001Z', 'firing'],
  ['2026-03-01T14:00:00+01:00', 'firing'],
  ['0001-01-01T00:00:00Z', 'firing'],
  [null, 'firing'],
])('an end at %s at noon: %s', async (endsAt, status) => {
  expect((await one({ endsAt })).status).toBe(status);
});

test('an end that cannot be read does not end it', async () => {
  const { items, unread } = await read([{ labels, endsAt: 'soon', startsAt: 'then' }]);
  expect(items).toMatchObject([{ status: 'firing', skewed: true }]);
  expect(unread).toMatchObject({ fields: 2, first: '[0].startsAt must be an RFC 3339 time' });
});

test('labels without a value are none, as Alertmanager has it', async () => {
  expect((await one({ labels: { ...labels, team: '' } })).labels).toEqual(labels);
});

test('one that cannot be used does not keep the others out', async () => {
  const { items, bad } = await read([{ labels }, { labels: {} }, { labels: { a: '' } }, null, { labels: { a: 1 } }]);
  expect(items).toHaveLength(1);
  expect(bad.map(({ field, message }) => `${field} ${message}`)).toEqual([
    '[1].labels must have a label with a value',
    '[2].labels must have a label with a value',
    '[3] must be an object',
    '[4].labels["a"] must be text',
  ]);
});

test.each(['{}', '[7]', '[{"alertname":"x"}]'])('%s is refused', async (body) => {
  await expect(read(body)).rejects.toThrow('this Source takes the format alertmanager-events');
});
