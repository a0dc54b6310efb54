import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Notification } from '../../core/event.ts';
import { noTurns } from '../../lib/turns.ts';
import { only } from '../../../test/support/formats.ts';
import { receiveNotification } from '../notification.ts';
import { pagerduty } from './pagerduty.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';
const text = (name: string) =>
  readFileSync(new URL(`../../../test/fixtures/pagerduty/${name}.json`, import.meta.url), 'utf8');

async function read(body: string): Promise<Notification> {
  const result = await receiveNotification(only(pagerduty), { body, headers: {}, receivedAt }, noTurns);
  if (!result.ok) throw new Error(`${result.field}: ${result.message}`);
  return result.notification;
}

interface Body {
  event: Record<string, unknown> & { data: Record<string, unknown> };
}

/** The example, changed. */
function changed(event: object, data: object = {}): string {
  const body = JSON.parse(text('triggered')) as Body;
  return JSON.stringify({ event: { ...body.event, ...event, data: { ...body.event.data, ...data } } });
}

test('an incident is an alert', async () => {
  const { items, bad, unread, deliveryKey } = await read(text('triggered'));
  expect({ bad, unread, deliveryKey }).toEqual({
    bad: [],
    unread: null,
    deliveryKey: 'pagerduty:5ac64822-4adc-4fda-ade0-410becf0de4f',
  });
  expect(items).toEqual([
    {
      status: 'firing',
      name: 'A little bump in the road',
      severity: 'critical',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      externalId: 'PGR0VU2',
      labels: {
        pagerduty_incident: 'PGR0VU2',
        pagerduty_service: 'API Service',
        pagerduty_escalation_policy: 'Default',
        pagerduty_priority: 'P1',
        pagerduty_team: 'Engineering',
        pagerduty_urgency: 'high',
      },
      annotations: {
        summary: 'A little bump in the road',
        incident_status: 'triggered',
        incident_key: 'd3640fbd41094207a1c11e58e46b1662',
        incident_number: '2',
      },
      summary: 'A little bump in the road',
      description: null,
      generatorUrl: 'https://acme.pagerduty.com/incidents/PGR0VU2',
      startsAt: '2020-04-09T15:16:27.000Z',
      endsAt: null,
      skewed: false,
      saidAt: '2020-10-02T18:45:22.169Z',
    },
  ]);
});

describe('the same incident', () => {
  const fingerprint = async (body: string) => (await read(body)).items[0]?.fingerprint;

  test('is known by its id, whatever else of it changes', async () => {
    const first = await fingerprint(text('triggered'));
    expect(await fingerprint(text('resolved'))).toBe(first);
    expect(await fingerprint(changed({}, { title: 'x', urgency: 'low', service: null }))).toBe(first);
    expect(await fingerprint(changed({}, { id: 'OTHER' }))).not.toBe(first);
  });

  test('that ends has the time of the event', async () => {
    expect((await read(text('resolved'))).items).toMatchObject([
      { status: 'resolved', endsAt: '2020-10-02T19:05:00.000Z', skewed: false },
    ]);
  });

  test('that is acknowledged fires still', async () => {
    const body = changed({ event_type: 'incident.acknowledged' }, { status: 'acknowledged' });
    expect((await read(body)).items).toMatchObject([{ status: 'firing', startsAt: '2020-04-09T15:16:27.000Z' }]);
  });

  test('that is opened again begins then', async () => {
    const body = changed({ event_type: 'incident.reopened' });
    expect((await read(body)).items).toMatchObject([{ status: 'firing', startsAt: '2020-10-02T18:45:22.169Z' }]);
  });
});

test('a low urgency is a warning', async () => {
  expect((await read(changed({}, { urgency: 'low' }))).items[0]?.severity).toBe('warning');
});

test.each([
  ['incident.annotated', { type: 'incident_note', content: 'x' }],
  ['incident.responder.added', { type: 'incident_responder' }],
  ['service.updated', { type: 'service' }],
  ['pagey.ping', { type: 'ping', message: 'Hello from your friend Pagey!' }],
])('%s is taken, and is no alert', async (event_type, data) => {
  expect(await read(changed({ event_type }, data))).toMatchObject({ items: [], bad: [] });
});

test.each([
  [changed({}, { id: 7 }), 'event.data.id must be text'],
  [changed({}, { status: 'open' }), 'event.data.status must be "triggered", "acknowledged" or "resolved"'],
])('an incident that cannot be used is a bad item', async (body, message) => {
  const { items, bad } = await read(body);
  expect(items).toEqual([]);
  expect(bad.map((each) => `${each.field} ${each.message}`)).toEqual([message]);
});

test.each([
  ['{}', 'event is missing'],
  ['{"event":7}', 'event must be an object'],
  ['{"event":{"data":{}}}', 'event.event_type must be text'],
  ['{"event":{"event_type":"x"}}', 'event.data must be an object'],
  ['[]', 'the body is a list'],
  [changed({ id: null }), 'event.id must be text'],
])('%s', async (body, message) => {
  await expect(read(body)).rejects.toThrow(message);
});
