import { expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import { readAlerts } from './alert-payload.ts';

const labels = { alertname: 'KubePodNotReady', namespace: 'shop', pod: 'web-1' };
const startsAt = '2026-01-01T11:40:00Z';

test.each([
  ['a notification', { version: '4', status: 'firing', alerts: [{ status: 'firing', labels, startsAt }] }],
  [
    'API v2 of Alertmanager, and amtool -o json',
    [
      {
        labels,
        annotations: {},
        startsAt,
        endsAt: '2026-01-01T12:40:00Z',
        updatedAt: startsAt,
        status: { state: 'active', silencedBy: [], inhibitedBy: [] },
        receivers: [{ name: 'fist' }],
        fingerprint: 'x',
      },
    ],
  ],
  [
    'alerts of Prometheus',
    {
      status: 'success',
      data: { alerts: [{ labels, annotations: {}, state: 'firing', activeAt: startsAt, value: '1e+00' }] },
    },
  ],
  ['API v2 within an answer of older versions', { status: 'success', data: [{ labels, startsAt }] }],
  ['one alert', { labels, startsAt }],
])('%s', async (_, payload) => {
  const [alert, ...others] = await readAlerts(JSON.stringify(payload));
  expect(others).toEqual([]);
  expect(alert).toMatchObject({
    name: 'KubePodNotReady',
    status: 'firing',
    labels,
    startsAt: '2026-01-01T11:40:00.000Z',
    endsAt: null,
  });
});

test('an alert that has ended stays so', async () => {
  const [alert] = await readAlerts(
    JSON.stringify([{ labels, startsAt, status: 'resolved', endsAt: '2026-01-01T11:50:00Z' }]),
  );
  expect(alert).toMatchObject({ status: 'resolved', endsAt: '2026-01-01T11:50:00.000Z' });
});

test.each([
  ['{', /the alert is not JSON/],
  ['7', /neither a JSON object nor a list/],
  ['[]', /no alerts/],
  ['[7]', /must be an object/],
  ['{"data":{"alerts":[]}}', /no alerts/],
])('%s is refused in words', async (payload, message) => {
  const refused: unknown = await Promise.resolve()
    .then(() => readAlerts(payload))
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(AppError);
  expect((refused as AppError).message).toMatch(message);
});
