import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AlertItem } from '../../core/alert.ts';
import type { Notification } from '../../core/event.ts';
import { alertFingerprint, alertmanagerFingerprint } from '../../lib/hash.ts';
import { cutBytes } from '../../lib/cut.ts';
import { noTurns } from '../../lib/turns.ts';
import type { Turns } from '../../lib/turns.ts';
import type { ReceiveResult, SourceRequest } from '../define.ts';
import { only } from '../../../test/support/formats.ts';
import { receiveNotification } from '../notification.ts';
import { alertmanager } from './alertmanager.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';
const receiveAlertmanager = (request: SourceRequest, turns: Turns) =>
  receiveNotification(only(alertmanager), request, turns);

function receive(body: unknown, headers: Record<string, string> = {}): Promise<ReceiveResult> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return receiveAlertmanager({ body: text, headers, receivedAt }, noTurns);
}

async function notification(received: Promise<ReceiveResult>): Promise<Notification> {
  const result = await received;
  if (!result.ok) throw new Error(result.message);
  return result.notification;
}

function captured(name: string): Promise<Notification> {
  const url = new URL(`../../../test/fixtures/alertmanager/${name}.json`, import.meta.url);
  return notification(receiveAlertmanager({ body: readFileSync(url), headers: {}, receivedAt }, noTurns));
}

const alert = {
  status: 'firing',
  labels: { alertname: 'TestAlert', severity: 'warning' },
  annotations: { summary: 'It hurts', description: 'Very much' },
  startsAt: '2026-03-01T10:00:00.123456789Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus/graph',
  fingerprint: 'f404ecabc8dd5cd7',
};

async function one(changes: object): Promise<AlertItem | undefined> {
  const { items } = await notification(receive({ version: '4', alerts: [{ ...alert, ...changes }] }));
  return items[0];
}

describe('an alert', () => {
  test('all fields, year-1 endsAt is none (wire format edge case 1)', async () => {
    expect(await one({})).toEqual({
      status: 'firing',
      name: 'TestAlert',
      severity: 'warning',
      fingerprint: 'e794940a02879c6b01136e0ff47db31c979a67aa37064eab62dee4b571e0421b',
      externalId: 'f404ecabc8dd5cd7',
      labels: alert.labels,
      annotations: alert.annotations,
      summary: 'It hurts',
      description: 'Very much',
      generatorUrl: 'http://prometheus/graph',
      startsAt: '2026-03-01T10:00:00.123Z',
      endsAt: null,
      skewed: false,
    });
  });

  test('a resolved one has its end, offsets become UTC', async () => {
    expect(await one({ status: 'resolved', endsAt: '2026-03-01T12:30:00+01:00' })).toMatchObject({
      status: 'resolved',
      endsAt: '2026-03-01T11:30:00.000Z',
    });
  });

  test.each([
    ['CRITICAL', 'critical'],
    ['Info', 'info'],
    ['page', 'warning'],
    ['', 'warning'],
    ['__proto__', 'warning'],
  ])('severity label %j is %s', async (label, severity) => {
    expect((await one({ labels: { alertname: 'A', severity: label } }))?.severity).toBe(severity);
  });

  test('empty texts are none; no alertname is unknown (edge case 9)', async () => {
    const item = await one({
      labels: { job: 'x' },
      annotations: { summary: '' },
      startsAt: '',
      endsAt: '',
      generatorURL: '',
    });
    expect(item).toMatchObject({
      name: 'unknown',
      summary: null,
      description: null,
      startsAt: null,
      endsAt: null,
      generatorUrl: null,
    });
    expect((await one({ labels: { alertname: '' } }))?.name).toBe('unknown');
  });

  test.each([undefined, '', null])(
    "fingerprint %j: Alertmanager's is computed, without empty labels (edge case 5)",
    async (fingerprint) => {
      const labels = {
        alertname: 'Watchdog',
        empty: '',
        prometheus: 'default/robusta-kube-prometheus-st-prometheus',
        severity: 'none',
      };
      expect((await one({ labels, fingerprint }))?.externalId).toBe('f482596675d33088');
    },
  );

  test('any label name and value is data (edge case 4)', async () => {
    const text =
      '{"version":"4","alerts":[{"status":"firing","labels":{"__proto__":"polluted","constructor":"c","名前":"値","a b":"{{ .x }}","nul":"a\\u0000b","line":"1\\n2"},"annotations":{"__proto__":"p"}}]}';
    const [item] = (await notification(receive(text))).items;
    expect(Object.keys(item?.labels ?? {})).toEqual(['__proto__', 'constructor', '名前', 'a b', 'nul', 'line']);
    expect(Object.entries(item?.labels ?? {})).toContainEqual(['__proto__', 'polluted']);
    expect(Object.entries(item?.annotations ?? {})).toEqual([['__proto__', 'p']]);
    expect(item?.labels['nul']).toBe('a\u0000b');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(item?.fingerprint).toBe(alertFingerprint('unknown', item?.labels ?? {}));
  });
});

describe('an alert that cannot be used', () => {
  test.each([
    ['alerts[1]', 'text'],
    ['alerts[1]', null],
    ['alerts[1]', []],
    ['alerts[1].status', { ...alert, status: 'pending' }],
    ['alerts[1].status', { ...alert, status: undefined }],
    ['alerts[1].labels', { ...alert, labels: undefined }],
    ['alerts[1].labels', { ...alert, labels: ['a'] }],
    ['alerts[1].labels["port"]', { ...alert, labels: { alertname: 'A', port: 8080 } }],
    ['alerts[1].labels["on"]', { ...alert, labels: { on: true } }],
    ['alerts[1].labels', { ...alert, labels: pairs(129) }],
    [`alerts[1].labels["${'n'.repeat(80)}"]`, { ...alert, labels: { ['n'.repeat(1025)]: 'v' } }],
    ['alerts[1].labels', { ...alert, labels: { a: 'x'.repeat(65_000), b: 'x'.repeat(65_000), c: 'x'.repeat(1100) } }],
    ['alerts[1].labels["long"]', { ...alert, labels: { long: 'é'.repeat(32 * 1024 + 1) } }],
  ])('%s is named, the others count', async (field, wrong) => {
    const { items, bad } = await notification(receive({ version: '4', alerts: [alert, wrong, alert] }));
    expect(items).toHaveLength(2);
    expect(bad).toEqual([
      {
        index: 1,
        field,
        message: expect.stringContaining('must '),
        body: cutBytes(Buffer.from(JSON.stringify(wrong)), 64 * 1024),
      },
    ]);
  });

  test('the first hundred are kept, the others counted', async () => {
    const { items, bad, moreBad } = await notification(receive({ alerts: [...zeros(250), alert] }));
    expect(items).toHaveLength(1);
    expect(bad.map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(moreBad).toBe(150);
  });

  test.each([
    ['nested more than 32 deep', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    ['more than 2000 values', JSON.stringify({ ...alert, more: zeros(2001) })],
    ['more than 512 KiB', JSON.stringify({ ...alert, annotations: { long: 'x'.repeat(1024 * 1024) } })],
  ])('one that has %s is not parsed, and its beginning is kept', async (what, text) => {
    const { items, bad } = await notification(receive(`{"alerts":[${text},${JSON.stringify(alert)}]}`));
    expect(items).toHaveLength(1);
    expect(bad).toMatchObject([{ index: 0, field: 'alerts[0]', message: expect.stringContaining(what) as string }]);
    expect(bad[0]?.body.length).toBeLessThanOrEqual(64 * 1024);
    expect(text.startsWith(bad[0]?.body.slice(0, 1000) ?? '?')).toBe(true);
  });

  test('labels at the bounds are taken', async () => {
    const labels = { ...pairs(126), ['n'.repeat(1024)]: 'v', long: 'é'.repeat(32 * 1024) };
    expect((await one({ labels }))?.labels).toEqual(labels);
  });
});

function zeros(count: number): readonly number[] {
  return Array.from({ length: count }, () => 0);
}

function pairs(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`label${index}`, 'v']));
}

describe('a field that an alert can do without', () => {
  async function taken(changes: object) {
    const { items, bad, unread } = await notification(receive({ alerts: [{ ...alert, ...changes }] }));
    expect(bad).toEqual([]);
    return { item: items[0], unread };
  }

  test.each(['yesterday', 1_772_359_200, '2026-02-30T00:00:00Z', {}])(
    'a start that is %j opens the alert, skewed',
    async (startsAt) => {
      const { item, unread } = await taken({ startsAt });
      expect(item).toMatchObject({ status: 'firing', startsAt: null, skewed: true });
      expect(unread).toEqual({ fields: 1, first: 'alerts[0].startsAt must be an RFC 3339 time' });
    },
  );

  test('an end that cannot be read makes only a resolve skewed', async () => {
    expect(await taken({ status: 'resolved', endsAt: 'soon' })).toMatchObject({
      item: { status: 'resolved', endsAt: null, skewed: true },
      unread: { fields: 1, first: 'alerts[0].endsAt must be an RFC 3339 time' },
    });
    expect((await taken({ endsAt: 'soon' })).item).toMatchObject({ startsAt: expect.any(String), skewed: false });
  });

  test.each([
    ['generatorURL', {}, { generatorUrl: null }],
    ['generatorURL', 'x'.repeat(64 * 1024 + 1), { generatorUrl: null }],
    ['fingerprint', 7, { externalId: alertmanagerFingerprint(alert.labels) }],
    ['fingerprint', 'x'.repeat(1025), { externalId: alertmanagerFingerprint(alert.labels) }],
    ['annotations', ['a'], { annotations: {} }],
    ['annotations["value"]', { value: 1.5, on: 'x' }, { annotations: { value: '1.5', on: 'x' } }],
    ['annotations["value"]', { value: null, on: 'x' }, { annotations: { on: 'x' } }],
    ['annotations["on"]', { on: { a: [1] } }, { annotations: { on: '{"a":[1]}' } }],
    [`annotations["${'n'.repeat(80)}"]`, { ['n'.repeat(1025)]: 'v', on: 'x' }, { annotations: { on: 'x' } }],
    ['annotations', { ...pairs(129) }, { annotations: pairs(128) }],
  ])('%s: the alert counts without it', async (field, value, expected: Partial<AlertItem>) => {
    const name = field.replace(/\[.*/, '');
    const { item, unread } = await taken({ [name]: value });
    expect(item).toMatchObject({ ...expected, status: 'firing', skewed: false });
    expect(item?.annotations).toEqual(expected.annotations ?? alert.annotations);
    expect(unread).toMatchObject({ fields: 1, first: expect.stringContaining(`alerts[0].${field} must`) as string });
  });

  test('a long annotation is cut', async () => {
    const { item } = await taken({ annotations: { summary: 'é'.repeat(40_000) } });
    expect(Buffer.byteLength(item?.summary ?? '')).toBeLessThanOrEqual(64 * 1024);
    expect(item?.summary).toMatch(/^é+\n\[cut: 80000 bytes came\]$/);
  });
});

describe('the envelope', () => {
  test('missing fields at the top and unknown ones are accepted', async () => {
    const read = await notification(receive({ alerts: [alert], numFiring: 1, futureField: { a: [1] } }));
    expect(read).toMatchObject({ groupKey: null, receiver: null, truncatedAlerts: 0, deliveryKey: null });
    expect(read.items).toHaveLength(1);
  });

  test('no alerts are no error', async () => {
    expect((await notification(receive({ version: '4', alerts: [] }))).items).toEqual([]);
  });

  test.each([
    [
      'version',
      { version: '1', orgId: 1, alerts: [] },
      'version is "1", as Grafana sends it, and not "4"; this Source takes',
    ],
    ['version', { version: '3', alerts: [] }, 'version is "3" and not "4"; this Source takes'],
    ['version', { version: {}, alerts: [] }, 'version is not text'],
    ['alerts', { version: '4' }, 'alerts is missing'],
    ['alerts', { version: '4', alerts: {} }, 'alerts must be a list'],
    ['', [], 'the body is a list; this Source takes the format alertmanager'],
    ['', 'null', 'the body must be a JSON object'],
    ['', '{"version":', 'the body is not JSON'],
    ['', '', 'the body is not JSON'],
  ])('refused at %j', async (field, body, message) => {
    expect(await receive(body)).toEqual({ ok: false, status: 400, field, message: expect.stringContaining(message) });
  });

  test.each([
    ['more than 20000 items', `{"alerts":[${'0,'.repeat(1_500_000)}0]}`],
    ['more than 20000 items', `{"alerts":[${'{},'.repeat(15_000)}0],"alerts":[${'0,'.repeat(5001)}0]}`],
    ['nested more than 32 deep', `{"alerts":[],"extra":${'['.repeat(32)}${']'.repeat(32)}}`],
    ['nested more than 32 deep', '{"a":'.repeat(500_000)],
    ['more than 10000 values beside', JSON.stringify({ alerts: [], extra: zeros(10_001) })],
    ['more than 1024 KiB beside', JSON.stringify({ alerts: [], extra: 'x'.repeat(1024 * 1024) })],
  ])('a body with %s is refused', async (what, body) => {
    expect(await receive(body)).toMatchObject({
      ok: false,
      field: '',
      message: expect.stringContaining(what) as string,
    });
  });

  test('20,000 alerts are taken', async () => {
    const alerts = Array.from({ length: 20_000 }, (_, index) => ({ ...alert, fingerprint: String(index) }));
    const { items, body } = await notification(receive({ alerts }));
    expect(items).toHaveLength(20_000);
    expect(body.length).toBeLessThanOrEqual(3 * 1024 * 1024);
  });

  test('a long group key is its hash, because each alert has it', async () => {
    const key = async (groupKey: string) => (await notification(receive({ alerts: [], groupKey }))).groupKey;
    expect(await key('k'.repeat(4096))).toBe('k'.repeat(4096));
    expect(await key('k'.repeat(4097))).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test("the sender's delivery id is taken from Idempotency-Key", async () => {
    const key = async (value: string) =>
      (await notification(receive({ alerts: [] }, { 'idempotency-key': value }))).deliveryKey;
    expect(await key('abc')).toBe('abc');
    expect(await key('')).toBeNull();
    expect(await key('x'.repeat(256))).toBeNull();
  });

  test('truncatedAlerts that is no count is none', async () => {
    expect((await notification(receive({ alerts: [], truncatedAlerts: 'many' }))).truncatedAlerts).toBe(0);
    expect((await notification(receive({ alerts: [], truncatedAlerts: -1 }))).truncatedAlerts).toBe(0);
  });
});

describe('notifications of a real Alertmanager', () => {
  test('firing, repeat, mixed, resolved: each alert has its own status (edge case 2)', async () => {
    expect((await captured('firing')).items.map(({ status }) => status)).toEqual(['firing', 'firing']);
    expect((await captured('mixed')).items.map(({ status }) => status).sort()).toEqual(['firing', 'resolved']);
    const [resolved] = (await captured('resolved')).items;
    expect(resolved?.status).toBe('resolved');
    expect(resolved?.endsAt).toMatch(/^20\d\d-.*Z$/);
    expect((await captured('repeat')).items.map(({ fingerprint }) => fingerprint)).toEqual(
      (await captured('firing')).items.map(({ fingerprint }) => fingerprint),
    );
  });

  test('the body is kept as it came', async () => {
    const url = new URL('../../../test/fixtures/alertmanager/firing.json', import.meta.url);
    expect((await captured('firing')).body).toBe(readFileSync(url, 'utf8'));
  });

  test.each(['firing', 'mixed', 'truncated', 'utf8', 'no-alertname', 'group-1', 'group-2'])(
    "%s: the computed fingerprint is Alertmanager's own",
    async (name) => {
      for (const item of (await captured(name)).items) {
        const again = await one({ labels: item.labels, fingerprint: undefined });
        expect(again?.externalId).toBe(item.externalId);
      }
    },
  );

  test('truncated: the number of alerts left out is known (edge case 3)', async () => {
    const { items, truncatedAlerts } = await captured('truncated');
    expect(items).toHaveLength(2);
    expect(truncatedAlerts).toBe(3);
  });

  test('receiver-name: the quoting is taken off', async () => {
    expect((await captured('receiver-name')).receiver).toBe('a.b');
  });

  test('no-alertname', async () => {
    expect((await captured('no-alertname')).items[0]?.name).toBe('unknown');
  });

  test('utf8: names and values are as the sender has them', async () => {
    const labels = (await captured('utf8')).items.flatMap((item) => Object.keys(item.labels));
    expect(labels).toContain('__proto__');
    expect((await captured('utf8')).bad).toEqual([]);
  });
});
