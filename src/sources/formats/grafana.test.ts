import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { AlertItem } from '../../core/alert.ts';
import type { Notification } from '../../core/event.ts';
import { noTurns } from '../../lib/turns.ts';
import { only } from '../../../test/support/formats.ts';
import { receiveNotification } from '../notification.ts';
import { grafana } from './grafana.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';

async function read(body: string | Buffer): Promise<Notification> {
  const result = await receiveNotification(only(grafana), { body, headers: {}, receivedAt }, noTurns);
  if (!result.ok) throw new Error(result.message);
  return result.notification;
}

const alert = {
  status: 'firing',
  labels: { alertname: 'HighMemory', severity: 'critical' },
  annotations: { summary: 'It is full' },
  startsAt: '2026-03-01T10:00:00Z',
  endsAt: '0001-01-01T00:00:00Z',
  fingerprint: 'c6eadffa33fcdf37',
};

async function one(changes: object): Promise<AlertItem> {
  const { items, bad } = await read(JSON.stringify({ version: '1', alerts: [{ ...alert, ...changes }] }));
  expect(bad).toEqual([]);
  return items[0] as AlertItem;
}

test('what the documentation of version 11.3 shows', async () => {
  const body = readFileSync(new URL('../../../test/fixtures/grafana/firing.json', import.meta.url));
  const { items, bad, groupKey, receiver, truncatedAlerts, unread } = await read(body);
  expect({ bad, groupKey, receiver, truncatedAlerts, unread }).toEqual({
    bad: [],
    groupKey: '{}:{}',
    receiver: 'My Super Webhook',
    truncatedAlerts: 0,
    unread: null,
  });
  expect(items).toHaveLength(2);
  expect(items[0]).toMatchObject({
    status: 'firing',
    name: 'High memory usage',
    severity: 'warning',
    externalId: 'c6eadffa33fcdf37',
    startsAt: '2021-10-12T07:51:03.157Z',
    endsAt: null,
    skewed: false,
    generatorUrl: 'https://play.grafana.org/alerting/1afz29v7z/edit',
  });
  expect(Object.keys(items[0]?.annotations ?? {})).toEqual([
    'description',
    'runbook_url',
    'summary',
    'silenceURL',
    'values',
  ]);
  expect(items[0]?.annotations['values']).toBe('{"B":44.23943737541908,"C":1}');
});

test("values and links are annotations, and the rule's own of the same name stay", async () => {
  const { annotations } = await one({
    annotations: { summary: 's', panelURL: 'mine' },
    valueString: "[ var='A' value=95.2 ]",
    dashboardURL: 'http://grafana/d/1',
    panelURL: 'http://grafana/d/1?viewPanel=2',
    imageURL: 7,
    values: null,
  });
  expect(annotations).toEqual({
    summary: 's',
    panelURL: 'mine',
    valueString: "[ var='A' value=95.2 ]",
    dashboardURL: 'http://grafana/d/1',
  });
});

test('a picture in the alert is left out, however large', async () => {
  const { annotations } = await one({ embeddedImage: 'A'.repeat(2 * 1024 * 1024) });
  expect(annotations).toEqual(alert.annotations);
});

test.each([
  ['DatasourceNoData', 'rule Disk has no data'],
  ['DatasourceError', 'rule Disk could not be evaluated'],
])('%s is a warning, whatever severity the rule has, and says which rule', async (alertname, summary) => {
  const labels = { alertname, rulename: 'Disk', severity: 'critical', datasource_uid: 'P1' };
  expect(await one({ labels, annotations: {} })).toMatchObject({ name: alertname, severity: 'warning', summary });
  expect(await one({ labels: { ...labels, severity: 'info' } })).toMatchObject({
    severity: 'info',
    summary: 'It is full',
  });
  // Somebody's own alert of that name has no rule.
  expect(await one({ labels: { alertname, severity: 'critical' } })).toMatchObject({ severity: 'critical' });
});

test('a resolved alert has its end', async () => {
  expect(await one({ status: 'resolved', endsAt: '2026-03-01T11:00:00+01:00' })).toMatchObject({
    status: 'resolved',
    endsAt: '2026-03-01T10:00:00.000Z',
  });
});
