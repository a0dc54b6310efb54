import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCapture } from '../../test/support/wire.ts';
import { noTurns } from '../lib/turns.ts';
import type { ReceiveResult, SourceRequest } from './define.ts';
import { webhook } from './webhook.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';
const alert = { status: 'firing', labels: { alertname: 'Down' } };

function receive(body: unknown, request: Partial<SourceRequest> = {}, config: object = {}): Promise<ReceiveResult> {
  const { settings } = webhook.compile(webhook.config.parse({ path: 'alerts', ...config }));
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const result = webhook.receive?.({ body: text, headers: {}, receivedAt, ...request }, noTurns, settings);
  if (result === undefined) throw new Error('webhook Sources take requests');
  return result;
}

function fixture(path: string): Buffer {
  return readFileSync(new URL(`../../test/fixtures/${path}`, import.meta.url));
}

describe('a Source without a format', () => {
  test.each(['alertmanager/firing.json', 'grafana/firing.json', 'pagerduty/triggered.json'])(
    'takes %s',
    async (path) => {
      const result = await receive(fixture(path));
      expect(result).toMatchObject({ ok: true, notification: { bad: [], unread: null } });
    },
  );

  test.each(['prometheus', 'vmalert'])('takes what %s sends', async (name) => {
    for (const { body } of readCapture(`rulers/${name}`).requests)
      expect(await receive(body)).toMatchObject({ ok: true, notification: { bad: [], unread: null } });
  });

  test('says of each format what is wrong', async () => {
    const result = await receive({ version: '7', alerts: [] });
    expect(result).toMatchObject({ ok: false, status: 400, field: 'version' });
    expect(!result.ok && result.message).toContain(
      'the body is in no format that this Source takes; tried: alertmanager (version is "7" and not "4"), grafana (version is "7", not "1")',
    );
  });
});

test('a Source with a format takes no other one', async () => {
  expect(await receive(fixture('grafana/firing.json'), {}, { format: 'alertmanager' })).toEqual({
    ok: false,
    status: 400,
    field: 'version',
    message: 'version is "1", as Grafana sends it, and not "4"; this Source takes the format alertmanager',
  });
  expect(await receive(fixture('grafana/firing.json'), {}, { format: 'grafana' })).toMatchObject({ ok: true });
});

test('a byte order mark before the body is no error and no part of it', async () => {
  const text = JSON.stringify({ version: '4', alerts: [alert] });
  const plain = await receive(text);
  const marked = await receive(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]));
  expect(marked).toEqual(plain);
  expect(plain.ok && plain.notification.items).toHaveLength(1);
});

describe('the name of a delivery', () => {
  const body = { version: '4', alerts: [alert] };
  const headers = { 'idempotency-key': 'k1' };

  test('is the header that the sender gives, of at most 255 characters', async () => {
    expect(await receive(body, { headers })).toMatchObject({ notification: { deliveryKey: 'k1' } });
    const long = { 'idempotency-key': 'k'.repeat(256) };
    expect(await receive(body, { headers: long })).toMatchObject({ notification: { deliveryKey: null } });
  });

  test('is what was signed, where something was', async () => {
    expect(await receive(body, { headers, signedId: 's1' })).toMatchObject({ notification: { deliveryKey: 's1' } });
  });
});
