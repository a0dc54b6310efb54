import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceToken, webhookSource } from '../support/fake-server.ts';
import { sourceDefinitions } from '../../src/sources/index.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ sourceTypes: sourceDefinitions }, [webhookSource({})]);
});
afterAll(() => world.close());

const alert = {
  status: 'firing',
  labels: { alertname: 'Down', severity: 'critical', pod: 'p1' },
  annotations: { summary: 'it is down' },
  startsAt: '2026-01-01T00:00:00Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus/graph',
  fingerprint: '0123456789abcdef',
};
const notification = {
  version: '4',
  groupKey: '{}:{alertname="Down"}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'fist',
  groupLabels: { alertname: 'Down' },
  commonLabels: {},
  commonAnnotations: {},
  externalURL: 'http://alertmanager',
  alerts: [alert],
};
const good = JSON.stringify(notification);

const deep = 10_000;
const megabytes = 3 * 1024 * 1024;

/** Bodies that are no notification at all. */
const malformed: readonly (readonly [string, string | Buffer])[] = [
  ...Array.from({ length: 24 }, (_, n): [string, string] => [
    `cut after ${Math.floor(((n + 0.5) / 24) * good.length)} characters`,
    good.slice(0, Math.floor(((n + 0.5) / 24) * good.length)),
  ]),
  ['nothing', ''],
  ['spaces', '   \n\t '],
  ['3 MiB of spaces', ' '.repeat(megabytes)],
  ['NUL', '\u0000'],
  ['null', 'null'],
  ['true', 'true'],
  ['a number', '42'],
  ['a huge number', '1e999999'],
  ['a string', '"alerts"'],
  ['a list of texts', '["alerts"]'],
  ['a list of lists', '[[]]'],
  ['an empty object', '{}'],
  ['alerts null', JSON.stringify({ ...notification, alerts: null })],
  ['alerts an object', JSON.stringify({ ...notification, alerts: { 0: alert, length: 1 } })],
  ['alerts a string', JSON.stringify({ ...notification, alerts: 'Down' })],
  ['alerts a number', JSON.stringify({ ...notification, alerts: 1 })],
  ['alerts only in the prototype', '{"__proto__":{"alerts":[]}}'],
  ['a trailing comma', good.replace(/\}$/, ',}')],
  ['two documents', good + good],
  ['a document and rubbish', `${good}x`],
  ['a document and NUL', `${good}\u0000`],
  ['JSON lines', `${good}\n${good}\n`],
  ['comments', `/* x */ ${good}`],
  ['a line comment', `${good} // x`],
  ['single quotes', good.replaceAll('"', "'")],
  ['names without quotes', good.replaceAll(/"(\w+)":/g, '$1:')],
  ['NaN', good.replace('"truncatedAlerts":0', '"truncatedAlerts":NaN')],
  ['Infinity', good.replace('"truncatedAlerts":0', '"truncatedAlerts":Infinity')],
  ['-Infinity', good.replace('"truncatedAlerts":0', '"truncatedAlerts":-Infinity')],
  ['undefined', good.replace('"truncatedAlerts":0', '"truncatedAlerts":undefined')],
  ['a hexadecimal number', good.replace('"truncatedAlerts":0', '"truncatedAlerts":0x10')],
  ['a leading zero', good.replace('"truncatedAlerts":0', '"truncatedAlerts":007')],
  ['a plus sign', good.replace('"truncatedAlerts":0', '"truncatedAlerts":+1')],
  ['a line break in a string', good.replace('it is down', 'it is\ndown')],
  ['a tab in a string', good.replace('it is down', 'it is\tdown')],
  ['NUL in a string', good.replace('it is down', 'it is\u0000down')],
  ['a wrong escape', good.replace('it is down', '\\x41')],
  ['half an escape', good.replace('it is down', '\\u12')],
  ['a string without end', `${good.slice(0, -1)},"x":"`],
  ['10,000 open lists', '['.repeat(deep)],
  ['10,000 open objects', '{"a":'.repeat(deep)],
  ['10,000 lists', '['.repeat(deep) + ']'.repeat(deep)],
  ['10,000 objects', `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`],
  ['3 MiB of open lists', '['.repeat(megabytes)],
  [
    'depth 10,000 in a field that nobody reads',
    good.replace('"version":"4"', `"x":${'['.repeat(deep)}${']'.repeat(deep)},"version":"4"`),
  ],
  ['1.5 million zeros for alerts', good.replace('"alerts":[', `"alerts":[${'0,'.repeat(1_500_000)}`)],
  ['a million objects for alerts', good.replace('"alerts":[', `"alerts":[${'{},'.repeat(1_000_000)}`)],
  ['a million members', good.replace('"alerts":[', `"x":{${'"":0,'.repeat(600_000)}"y":0},"alerts":[`)],
  ['10,000 lists for alerts, no end', `{"version":"4","alerts":${'['.repeat(deep)}`],
  ['gzip', gzipSync(good)],
  ['a gzip bomb', gzipSync(Buffer.alloc(50_000_000))],
  ['zlib', Buffer.from('789cab4acc2d2e492d5200001a0b045d', 'hex')],
  ['UTF-16 with a mark', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(good, 'utf16le')])],
  ['UTF-16 without one', Buffer.from(good, 'utf16le')],
  ['UTF-32', Buffer.from(Array.from(good).flatMap((character) => [character.charCodeAt(0), 0, 0, 0]))],
  ['bytes that are no UTF-8, for structure', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ['an overlong quote', Buffer.from([0x7b, 0xc0, 0xa2, 0x7d])],
  ['CBOR', Buffer.from('a1666b696e64735f', 'hex')],
  ['MessagePack', Buffer.from('81a6616c6572747390', 'hex')],
  ['PNG', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
  ['random bytes', Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 167 + 13) % 256))],
  ['XML', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'],
  ['HTML', '<html><script>alert(1)</script></html>'],
  ['YAML', 'alerts:\n  - status: firing\n'],
  ['a form', 'payload=%7B%22alerts%22%3A%5B%5D%7D'],
  ['multipart', '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n{}\r\n--x--\r\n'],
  ['JSONP', `callback(${good})`],
  ['a guard before JSON', `)]}',\n${good}`],
  ['a template', '{{ .alerts }}'],
  ['a shell', '$(reboot)'],
];

/** Odd but usable, or usable in part: nothing is lost, nothing breaks. */
const odd: readonly (readonly [string, string | Buffer])[] = [
  ['names twice', good.replace('"version":"4"', '"version":"4","alerts":[],"version":"4"')],
  ['__proto__ as a label', good.replace('"pod":"p1"', '"__proto__":"polluted"')],
  ['__proto__ as an object', good.replace('"version":"4"', '"__proto__":{"polluted":true},"version":"4"')],
  [
    'constructor.prototype',
    good.replace('"version":"4"', '"constructor":{"prototype":{"polluted":true}},"version":"4"'),
  ],
  ['a lone surrogate in a value', good.replace('it is down', '\\ud800')],
  ['a lone surrogate in a name', good.replace('"pod"', '"\\udfff"')],
  ['NUL as an escape', good.replace('it is down', 'a\\u0000b')],
  ['depth 10,000 in an annotation', good.replace('"it is down"', `${'['.repeat(deep)}${']'.repeat(deep)}`)],
  [
    'depth 10,000 for an alert',
    JSON.stringify(notification).replace('"alerts":[{', `"alerts":[${'['.repeat(deep)}${']'.repeat(deep)},{`),
  ],
  ['labels that are no texts', good.replace('"p1"', '7')],
  ['labels that are a list', good.replace(/"labels":\{[^}]*\}/, '"labels":["a"]')],
  ['an alert that is null', good.replace('"alerts":[', '"alerts":[null,')],
  ['a status of its own', good.replace('"alerts":[{"status":"firing"', '"alerts":[{"status":"maybe"')],
  ['a time that is none', good.replace('2026-01-01T00:00:00Z', 'yesterday')],
  ['a time in the year 275760', good.replace('2026-01-01T00:00:00Z', '+275760-09-13T00:00:00Z')],
  ['a long value', good.replace('it is down', 'x'.repeat(1_000_000))],
  ['20,000 zeros beside an alert', good.replace('"alerts":[', `"alerts":[${'0,'.repeat(19_999)}`)],
  ['many labels', good.replace('"pod":"p1"', Array.from({ length: 20_000 }, (_, n) => `"l${n}":"v"`).join(','))],
  ['an empty list', '[]'],
  ['a list of alerts', JSON.stringify([alert])],
  ['no alerts', JSON.stringify({ ...notification, alerts: [] })],
  [
    'bytes that are no UTF-8, in a value',
    Buffer.concat([
      Buffer.from(good.slice(0, good.indexOf('it is'))),
      Buffer.from([0xff]),
      Buffer.from(good.slice(good.indexOf('it is'))),
    ]),
  ],
];

const post = (payload: string | Buffer) =>
  world.server.inject({
    method: 'POST',
    url: '/webhook/alerts',
    headers: { authorization: `Bearer ${sourceToken}`, 'content-type': 'application/json' },
    payload,
  });
const items = async (list: string) => (await world.get(`/api/v1/${list}?limit=500`)).json().items as { id: string }[];

const lists = ['alerts', 'runs', 'events', 'deliveries'];

describe('malformed bodies', () => {
  it('are many', () => {
    expect(malformed.length).toBeGreaterThanOrEqual(85);
  });

  it.each(malformed)('%s: 400, one dead letter of at most 64 KiB, nothing else', async (_name, payload) => {
    const before = (await items('dead-letters')).length;
    const rows = await Promise.all(lists.map(items));
    const response = await post(payload);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'InvalidInput', message: expect.any(String) });
    const letters = await items('dead-letters');
    expect(letters).toHaveLength(before + 1);
    const letter = (await world.get(`/api/v1/dead-letters/${letters[0]?.id}`)).json<{
      body: string;
      message: string;
    }>();
    expect(Buffer.byteLength(letter.body)).toBeLessThanOrEqual(64 * 1024);
    expect(letter.message.length).toBeLessThan(2000);
    expect(await Promise.all(lists.map(items))).toEqual(rows);
  });
});

describe('odd bodies', () => {
  it.each(odd)('%s: answered, and the next one is taken', async (_name, payload) => {
    const response = await post(payload);
    expect([200, 400]).toContain(response.statusCode);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    for (const list of ['alerts', 'runs', 'events', 'dead-letters'])
      expect(Array.isArray(await items(list))).toBe(true);
    const next = await post(good);
    expect(next.statusCode).toBe(200);
    expect(next.json()).toMatchObject({ received: 1 });
  });
});
