import { describe, expect, test } from 'vitest';
import type { AlertItem } from '../../core/alert.ts';
import type { Notification } from '../../core/event.ts';
import { alertFingerprint } from '../../lib/hash.ts';
import { createTurns, noTurns } from '../../lib/turns.ts';
import type { Turns } from '../../lib/turns.ts';
import { webhook } from '../webhook.ts';

const receivedAt = '2026-03-01T12:00:00.000Z';

function compile(config: object) {
  return webhook.compile(webhook.config.parse({ path: 'a', format: 'generic', ...config }));
}

async function read(body: unknown, config: object, turns: Turns = noTurns): Promise<Notification> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const request = { body: text, headers: {}, receivedAt };
  const result = await webhook.receive?.(request, turns, compile(config).settings);
  if (result?.ok !== true) throw new Error(`${result?.field}: ${result?.message}`);
  return result.notification;
}

async function one(item: object, mapping: object): Promise<AlertItem> {
  const { items, bad } = await read(item, { mapping: { name: 'N', ...mapping } });
  expect(bad).toEqual([]);
  return items[0] as AlertItem;
}

describe('where the items are', () => {
  const mapping = { name: '{{ .item.t }}', labels: { site: '{{ .body.site }}' } };

  test.each([
    ['the body', { t: 'a', site: 'eu' }, undefined, [['a', { site: 'eu' }]]],
    [
      'a list as the body',
      [{ t: 'a' }, { t: 'b' }],
      undefined,
      [
        ['a', {}],
        ['b', {}],
      ],
    ],
    [
      'a list in the body',
      { site: 'eu', l: [{ t: 'a' }, { t: 'b' }] },
      'l',
      [
        ['a', { site: 'eu' }],
        ['b', { site: 'eu' }],
      ],
    ],
    ['a list deep in it', { site: 'eu', d: { l: [{ t: 'a' }] } }, '.d.l', [['a', { site: 'eu' }]]],
    ['an empty list', { l: [] }, 'l', []],
  ])('%s', async (_what, body, items, expected) => {
    const notification = await read(body, { mapping, ...(items === undefined ? {} : { items }) });
    expect(notification.items.map(({ name, labels }) => [name, labels])).toEqual(expected);
  });

  test.each([
    [{}, 'd.l must be a list'],
    [{ d: { l: {} } }, 'd.l must be a list'],
    [[{ t: 'a' }], 'd.l must be a list'],
    [{ 'd.l': [] }, 'd.l must be a list'],
    ['7', 'the body must be a JSON object or a list'],
  ])('%j is refused', async (body, message) => {
    await expect(read(body, { mapping, items: 'd.l' })).rejects.toThrow(message);
  });
});

describe('the fields of an alert', () => {
  test('the least: a name', async () => {
    expect(await one({}, {})).toEqual({
      status: 'firing',
      name: 'N',
      severity: 'warning',
      fingerprint: alertFingerprint('N', {}),
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

  test.each([
    ['firing', 'firing'],
    [' Triggered ', 'firing'],
    ['OK', 'resolved'],
    ['closed', 'resolved'],
    ['Fired', 'firing'],
    ['Re-Triggered', 'firing'],
    ['ACTIVATED', 'firing'],
    ['Deactivated', 'resolved'],
    ['DOWN', 'firing'],
    ['UP', 'resolved'],
    [true, 'firing'],
    [false, 'resolved'],
  ])('status %j is %s', async (s, status) => {
    expect((await one({ s }, { status: '{{ .item.s }}' })).status).toBe(status);
  });

  test.each([
    ['CRITICAL', 'critical'],
    ['high', 'critical'],
    ['P0', 'critical'],
    ['Sev0', 'critical'],
    ['Sev1', 'critical'],
    ['crit', 'critical'],
    ['P2', 'warning'],
    ['low', 'info'],
    ['', 'warning'],
    ['purple', 'warning'],
  ])('severity %j is %s', async (s, severity) => {
    expect((await one({ s }, { severity: '{{ .item.s }}' })).severity).toBe(severity);
  });

  test.each([
    ['2026-03-01T10:00:00+01:00', '2026-03-01T09:00:00.000Z'],
    [1_772_359_200, '2026-03-01T10:00:00.000Z'],
    [1_772_359_200_123, '2026-03-01T10:00:00.123Z'],
    ['1772359200.5', '2026-03-01T10:00:00.500Z'],
    [0, null],
    [null, null],
  ])('a start at %j', async (t, startsAt) => {
    expect(await one({ t }, { startsAt: '{{ .item.t }}' })).toMatchObject({ startsAt, skewed: false });
  });

  test.each(['yesterday', '1e300', '2026-02-30T00:00:00Z'])('a start at %j is none, and said', async (t) => {
    const { items, unread } = await read({ t }, { mapping: { name: 'N', startsAt: '{{ .item.t }}' } });
    expect(items).toMatchObject([{ startsAt: null, skewed: true }]);
    expect(unread?.first).toContain('mapping.startsAt must be an RFC 3339 time');
  });

  test('an end counts of a resolved alert only', async () => {
    const mapping = { status: '{{ .item.s }}', endsAt: '{{ .item.e }}' };
    const e = '2026-03-01T11:00:00Z';
    expect((await one({ s: 'ok', e }, mapping)).endsAt).toBe('2026-03-01T11:00:00.000Z');
    expect((await one({ s: 'open', e }, mapping)).endsAt).toBeNull();
  });

  test('labels without text are left out; names may be of any kind', async () => {
    const labels = { a: '{{ .item.a }}', b: '{{ .item.b }}', 'c d': 'x', __proto__x: '1' };
    expect((await one({ a: '1' }, { labels })).labels).toEqual({ a: '1', 'c d': 'x', __proto__x: '1' });
  });

  test('the fingerprint is by the text of its template, whatever the labels say', async () => {
    const mapping = { labels: { v: '{{ .item.v }}' }, fingerprint: '{{ .item.id }}' };
    const [first, second] = [await one({ id: 7, v: 'a' }, mapping), await one({ id: 7, v: 'b' }, mapping)];
    expect(first.fingerprint).toBe(second.fingerprint);
    expect(first.externalId).toBe('7');
    expect((await one({ id: 8, v: 'a' }, mapping)).fingerprint).not.toBe(first.fingerprint);
  });
});

test('text of the sender is never a template', async () => {
  const text = '{{ .body }}{{ now }}';
  const mapping = { name: '{{ .item.t }}', labels: { l: '{{ .item.t }}' }, annotations: { summary: '{{ .item.t }}' } };
  expect(await one({ t: text }, mapping)).toMatchObject({ name: text, labels: { l: text }, summary: text });
});

describe('an item that cannot be used', () => {
  test.each([
    [{ name: '{{ .item.none }}' }, 'mapping.name must be text'],
    [{ status: '{{ .item.none }}' }, 'mapping.status is "", neither firing nor resolved'],
    [{ fingerprint: '{{ .item.none }}' }, 'mapping.fingerprint must be text'],
    [{ labels: { a: '{{ index .item.list 7 }}' } }, 'mapping.labels.a: '],
    [{ labels: { a: '{{ .item.long }}' } }, 'mapping.labels["a"] must have at most 64 KiB'],
    [
      { name: '{{ range .item.many }}{{ range $.item.many }}x{{ end }}{{ end }}' },
      'mapping.name: the loops run more than',
    ],
  ])('%j', async (mapping, message) => {
    const item = { list: [1], long: 'x'.repeat(70_000), many: Array.from({ length: 1000 }, () => 0) };
    const { items, bad } = await read([item, { t: 'b' }], { mapping: { name: 'N', ...mapping } });
    expect(bad[0]?.message).toContain(message);
    expect(bad[0]?.field).toBe('[0]');
    expect(items.length + bad.length).toBe(2);
  });
});

test('many items let others have their turns', async () => {
  let waits = 0;
  const turns = createTurns(1);
  const counting: Turns = {
    isOver: () => turns.isOver(),
    next() {
      waits += 1;
      return turns.next();
    },
  };
  const items = Array.from({ length: 2000 }, (_, n) => ({ t: `a${n}` }));
  const mapping = { name: '{{ .item.t }}', labels: { a: '{{ .item.t | upper }}' } };
  expect((await read(items, { mapping }, counting)).items).toHaveLength(2000);
  expect(waits).toBeGreaterThan(3);
});

describe('the config', () => {
  test.each([
    [{ format: 'generic' }, 'is a format that needs a mapping', 'format'],
    [{ format: 'alertmanager', mapping: { name: 'x' } }, 'needs format: cloudevents or generic', 'mapping'],
    [{ format: undefined, mapping: { name: 'x' } }, 'needs format: cloudevents or generic', 'mapping'],
    [{ format: 'cloudevents', items: 'a' }, 'needs a mapping', 'items'],
  ])('%j is refused', (config, message, field) => {
    const { error } = webhook.config.safeParse({ path: 'a', ...config });
    expect(error?.issues.map((issue) => [issue.message, issue.path.join('.')])).toEqual([[message, field]]);
  });

  test.each([{ name: '' }, {}, { name: 'x', labels: { a: 7 } }, { name: 'x', extra: 'y' }])('mapping %j', (mapping) => {
    expect(webhook.config.safeParse({ path: 'a', format: 'generic', mapping }).success).toBe(false);
  });

  test.each(['a b', '.', 'a..b', 'a[0]', '$.a*'])('items %j', (items) => {
    const config = { path: 'a', format: 'generic', mapping: { name: 'x' }, items };
    expect(webhook.config.safeParse(config).success).toBe(false);
  });
});
