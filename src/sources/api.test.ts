import { describe, expect, test } from 'vitest';
import type { AlertItem } from '../core/alert.ts';
import { noTurns } from '../lib/turns.ts';
import { api } from './api.ts';
import type { ReceiveResult } from './define.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';

function receive(body: unknown): Promise<ReceiveResult> {
  const request = { body: Buffer.from(JSON.stringify(body)), headers: { 'idempotency-key': 'k1' }, receivedAt };
  const result = api.receive?.(request, noTurns, null);
  if (result === undefined) throw new Error('api takes no requests');
  return result;
}

async function item(body: object): Promise<AlertItem | undefined> {
  const result = await receive({ alert_name: 'TestAlert', severity: 'critical', ...body });
  if (!result.ok) throw new Error(result.message);
  return result.notification.items[0];
}

describe('POST /alerts', () => {
  test('the least that is needed', async () => {
    expect(await item({})).toEqual({
      status: 'firing',
      name: 'TestAlert',
      severity: 'critical',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      externalId: null,
      labels: {},
      annotations: {},
      summary: null,
      description: null,
      generatorUrl: null,
      startsAt: null,
      endsAt: null,
      skewed: false,
    });
  });

  test('all fields of the contract; the severity is no part of the fingerprint', async () => {
    const labels = { alertname: 'TestAlert', severity: 'warning' };
    const full = await item({
      external_id: 'x-1',
      summary: 's',
      description: 'd',
      labels,
      annotations: { a: 'b' },
      starts_at: '2026-03-01T11:00:00+01:00',
    });
    expect(full).toMatchObject({
      fingerprint: 'e794940a02879c6b01136e0ff47db31c979a67aa37064eab62dee4b571e0421b',
      externalId: 'x-1',
      summary: 's',
      description: 'd',
      annotations: { a: 'b' },
      startsAt: '2026-03-01T10:00:00.000Z',
    });
    expect((await item({ labels, severity: 'info' }))?.fingerprint).toBe(full?.fingerprint);
  });

  test('ends_at in the past resolves, in the future it still fires; status decides where given', async () => {
    expect((await item({ ends_at: '2026-03-01T11:59:59Z' }))?.status).toBe('resolved');
    expect((await item({ ends_at: '2026-03-01T12:00:01Z' }))?.status).toBe('firing');
    expect(await item({ status: 'resolved' })).toMatchObject({ status: 'resolved', endsAt: null });
    expect((await item({ status: 'firing', ends_at: '2026-03-01T11:59:59Z' }))?.status).toBe('firing');
  });

  test('summary and description may stand in the annotations', async () => {
    expect(await item({ annotations: { summary: 's', description: 'd' } })).toMatchObject({
      summary: 's',
      description: 'd',
    });
  });

  test("the sender's delivery id is kept", async () => {
    const result = await receive({ alert_name: 'A', severity: 'info' });
    expect(result.ok && result.notification.deliveryKey).toBe('k1');
  });

  test.each([
    ['alert_name', { severity: 'info' }],
    ['alert_name', { alert_name: '', severity: 'info' }],
    ['alert_name', { alert_name: 1, severity: 'info' }],
    ['severity', { alert_name: 'A' }],
    ['severity', { alert_name: 'A', severity: 'page' }],
    ['severity', { alert_name: 'A', severity: 'Critical' }],
    ['status', { alert_name: 'A', severity: 'info', status: 'open' }],
    ['summary', { alert_name: 'A', severity: 'info', summary: {} }],
    ['external_id', { alert_name: 'A', severity: 'info', external_id: 1 }],
    ['labels', { alert_name: 'A', severity: 'info', labels: [] }],
    ['labels["a"]', { alert_name: 'A', severity: 'info', labels: { a: 1 } }],
    ['annotations["a"]', { alert_name: 'A', severity: 'info', annotations: { a: null } }],
    ['labels["long"]', { alert_name: 'A', severity: 'info', labels: { long: 'x'.repeat(64 * 1024 + 1) } }],
    ['', { alert_name: 'A', severity: 'info', summary: 'x'.repeat(1024 * 1024) }],
    ['starts_at', { alert_name: 'A', severity: 'info', starts_at: 'now' }],
    ['ends_at', { alert_name: 'A', severity: 'info', ends_at: 5 }],
    ['', 'text'],
  ])('refused at %j', async (field, body) => {
    expect(await receive(body)).toMatchObject({ ok: false, status: 400, field });
  });
});
