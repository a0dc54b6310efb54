import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Notification } from '../core/event.ts';
import { alertFingerprint } from '../lib/hash.ts';
import { receiveAlertmanager } from './alertmanager.ts';
import type { ReceiveResult } from './define.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';

function receive(body: unknown, headers: Record<string, string> = {}): ReceiveResult {
  return receiveAlertmanager({ body: typeof body === 'string' ? body : JSON.stringify(body), headers, receivedAt });
}

function notification(result: ReceiveResult): Notification {
  if (!result.ok) throw new Error(result.message);
  return result.notification;
}

function captured(name: string): Notification {
  const url = new URL(`../../test/fixtures/alertmanager/${name}.json`, import.meta.url);
  return notification(receiveAlertmanager({ body: readFileSync(url), headers: {}, receivedAt }));
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

function one(changes: object): ReturnType<typeof notification>['items'][number] | undefined {
  return notification(receive({ version: '4', alerts: [{ ...alert, ...changes }] })).items[0];
}

describe('an alert', () => {
  test('all fields, year-1 endsAt is none (wire format edge case 1)', () => {
    expect(one({})).toEqual({
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

  test('a resolved one has its end, offsets become UTC', () => {
    expect(one({ status: 'resolved', endsAt: '2026-03-01T12:30:00+01:00' })).toMatchObject({
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
  ])('severity label %j is %s', (label, severity) => {
    expect(one({ labels: { alertname: 'A', severity: label } })?.severity).toBe(severity);
  });

  test('empty texts are none; no alertname is unknown (edge case 9)', () => {
    const item = one({
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
    expect(one({ labels: { alertname: '' } })?.name).toBe('unknown');
  });

  test.each([undefined, '', null])(
    "fingerprint %j: Alertmanager's is computed, without empty labels (edge case 5)",
    (fingerprint) => {
      const labels = {
        alertname: 'Watchdog',
        empty: '',
        prometheus: 'default/robusta-kube-prometheus-st-prometheus',
        severity: 'none',
      };
      expect(one({ labels, fingerprint })?.externalId).toBe('f482596675d33088');
    },
  );

  test('any label name and value is data (edge case 4)', () => {
    const text =
      '{"version":"4","alerts":[{"status":"firing","labels":{"__proto__":"polluted","constructor":"c","名前":"値","a b":"{{ .x }}","nul":"a\\u0000b","line":"1\\n2"},"annotations":{"__proto__":"p"}}]}';
    const [item] = notification(receive(text)).items;
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
    ['alerts[1].annotations["value"]', { ...alert, annotations: { value: 1.5 } }],
    ['alerts[1].annotations["value"]', { ...alert, annotations: { value: null } }],
    ['alerts[1].startsAt', { ...alert, startsAt: 'yesterday' }],
    ['alerts[1].startsAt', { ...alert, startsAt: 1_772_359_200 }],
    ['alerts[1].endsAt', { ...alert, endsAt: '2026-02-30T00:00:00Z' }],
    ['alerts[1].generatorURL', { ...alert, generatorURL: {} }],
    ['alerts[1].fingerprint', { ...alert, fingerprint: 7 }],
  ])('%s is named, the others count', (field, wrong) => {
    const { items, bad } = notification(receive({ version: '4', alerts: [alert, wrong, alert] }));
    expect(items).toHaveLength(2);
    expect(bad).toEqual([
      { index: 1, field, message: expect.stringContaining('must be'), body: JSON.stringify(wrong) },
    ]);
  });

  test('deep nesting ends nothing', () => {
    const depth = 200_000;
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const { items, bad } = notification(
      receive(`{"version":"4","alerts":[${deep},${JSON.stringify(alert)}],"extra":${deep}}`),
    );
    expect(items).toHaveLength(1);
    expect(bad[0]?.body === deep).toBe(true);
  });
});

describe('the envelope', () => {
  test('missing fields at the top and unknown ones are accepted', () => {
    const read = notification(receive({ alerts: [alert], numFiring: 1, futureField: { a: [1] } }));
    expect(read).toMatchObject({ groupKey: null, receiver: null, truncatedAlerts: 0, deliveryKey: null });
    expect(read.items).toHaveLength(1);
  });

  test('no alerts are no error', () => {
    expect(notification(receive({ version: '4', alerts: [] })).items).toEqual([]);
  });

  test.each([
    ['version', { version: '1', orgId: 1, alerts: [] }, 'version is "1", as Grafana sends it; this Source takes'],
    ['version', { version: '3', alerts: [] }, 'version is "3"; this Source takes'],
    ['version', { version: {}, alerts: [] }, 'version is not text'],
    ['alerts', { version: '4' }, 'alerts is missing'],
    ['alerts', { version: '4', alerts: {} }, 'alerts must be a list'],
    ['', [], 'the body must be a JSON object'],
    ['', 'null', 'the body must be a JSON object'],
    ['', '{"version":', 'the body is not JSON'],
    ['', '', 'the body is not JSON'],
  ])('refused at %j', (field, body, message) => {
    expect(receive(body)).toEqual({ ok: false, status: 400, field, message: expect.stringContaining(message) });
  });

  test("the sender's delivery id is taken from Idempotency-Key", () => {
    const key = (value: string) => notification(receive({ alerts: [] }, { 'idempotency-key': value })).deliveryKey;
    expect(key('abc')).toBe('abc');
    expect(key('')).toBeNull();
    expect(key('x'.repeat(256))).toBeNull();
  });

  test('truncatedAlerts that is no count is none', () => {
    expect(notification(receive({ alerts: [], truncatedAlerts: 'many' })).truncatedAlerts).toBe(0);
    expect(notification(receive({ alerts: [], truncatedAlerts: -1 })).truncatedAlerts).toBe(0);
  });
});

describe('notifications of a real Alertmanager', () => {
  test('firing, repeat, mixed, resolved: each alert has its own status (edge case 2)', () => {
    expect(captured('firing').items.map(({ status }) => status)).toEqual(['firing', 'firing']);
    expect(
      captured('mixed')
        .items.map(({ status }) => status)
        .sort(),
    ).toEqual(['firing', 'resolved']);
    const [resolved] = captured('resolved').items;
    expect(resolved?.status).toBe('resolved');
    expect(resolved?.endsAt).toMatch(/^20\d\d-.*Z$/);
    expect(captured('repeat').items.map(({ fingerprint }) => fingerprint)).toEqual(
      captured('firing').items.map(({ fingerprint }) => fingerprint),
    );
  });

  test('the body is kept as it came', () => {
    const url = new URL('../../test/fixtures/alertmanager/firing.json', import.meta.url);
    expect(captured('firing').body).toBe(readFileSync(url, 'utf8'));
  });

  test.each(['firing', 'mixed', 'truncated', 'utf8', 'no-alertname', 'group-1', 'group-2'])(
    "%s: the computed fingerprint is Alertmanager's own",
    (name) => {
      for (const item of captured(name).items) {
        const again = one({ labels: item.labels, fingerprint: undefined });
        expect(again?.externalId).toBe(item.externalId);
      }
    },
  );

  test('truncated: the number of alerts left out is known (edge case 3)', () => {
    const { items, truncatedAlerts } = captured('truncated');
    expect(items).toHaveLength(2);
    expect(truncatedAlerts).toBe(3);
  });

  test('receiver-name: the quoting is taken off', () => {
    expect(captured('receiver-name').receiver).toBe('a.b');
  });

  test('no-alertname', () => {
    expect(captured('no-alertname').items[0]?.name).toBe('unknown');
  });

  test('utf8: names and values are as the sender has them', () => {
    const labels = captured('utf8').items.flatMap((item) => Object.keys(item.labels));
    expect(labels).toContain('__proto__');
    expect(captured('utf8').bad).toEqual([]);
  });
});
