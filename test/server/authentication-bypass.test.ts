import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceDefinitions } from '../../src/sources/index.ts';
import { fakeServer, webhookSource } from '../support/fake-server.ts';
import { createWorld } from './world.ts';

// Callers that try to get past basic authentication and signatures. Those that try it with bearer tokens: src/server/auth.test.ts.

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const now = String(nowMs / 1000);
const body = '{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"Down"}}]}';
const other = body.replace('Down', 'Up');

const secrets: Readonly<Record<string, string>> = {
  'basic/password': 'p4ssword\nnew-password',
  'hmac/token': 'sign-key',
  'standard/token': `whsec_${Buffer.from('standard-key').toString('base64')}`,
  'empty/token': '',
  'blank/token': ' \n\t\n',
};

const sources = {
  basic: { type: 'basic', username: 'am', secretRef: 'basic/password' },
  flux: { type: 'hmac', preset: 'flux', secretRef: 'hmac' },
  github: { type: 'hmac', preset: 'github', secretRef: 'hmac' },
  grafana: { type: 'hmac', preset: 'grafana', timestampHeader: 'X-Time', secretRef: 'hmac' },
  pagerduty: { type: 'hmac', preset: 'pagerduty', secretRef: 'hmac' },
  standard: { type: 'hmac', preset: 'standard-webhooks', secretRef: 'standard' },
  mtls: { type: 'mtls', subjects: ['alertmanager'] },
  missing: { type: 'basic', username: 'am', secretRef: 'nowhere' },
  empty: { type: 'hmac', preset: 'flux', secretRef: 'empty' },
  blank: { type: 'hmac', preset: 'flux', secretRef: 'blank' },
} as const;

type Name = keyof typeof sources;
type Headers = Readonly<Record<string, string>>;

const hex = (key: string, text: string | Buffer) => createHmac('sha256', key).update(text).digest('hex');
const basic = (text: string): Headers => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const standardSignature = (key: string, id: string, time: string, text = body) =>
  `v1,${createHmac('sha256', key).update(`${id}.${time}.${text}`).digest('base64')}`;
const standard = (id: string, time: string, signature: string): Headers => ({
  'webhook-id': id,
  'webhook-timestamp': time,
  'webhook-signature': signature,
});

const right: Partial<Record<Name, Headers>> = {
  basic: basic('am:p4ssword'),
  flux: { 'x-signature': `sha256=${hex('sign-key', body)}` },
  github: { 'x-hub-signature-256': `sha256=${hex('sign-key', body)}` },
  grafana: { 'x-grafana-alerting-signature': hex('sign-key', `${now}:${body}`), 'x-time': now },
  pagerduty: { 'x-pagerduty-signature': `v1=${hex('sign-key', body)}` },
  standard: standard('msg_1', now, standardSignature('standard-key', 'msg_1', now)),
};

type Attempt = readonly [source: Name, what: string, headers: Headers, body?: string | Buffer];

const wrongBasic: readonly Attempt[] = [
  '',
  ':',
  'am',
  'am:',
  ':p4ssword',
  'am:p4sswor',
  'am:p4sswordx',
  'am: p4ssword',
  'am:P4SSWORD',
  'Am:p4ssword',
  'admin:p4ssword',
  'am:p4ssword\nnew-password',
  'am:\nnew-password',
  'am:undefined',
  'am:null',
  'am:*',
  'am\0:p4ssword',
  'am:p4ssword\0',
  'x:am:p4ssword',
  'a'.repeat(4000),
].map((text): Attempt => ['basic', JSON.stringify(text.slice(0, 30)), basic(text)]);

/** Of a preset with `prefix` in front of a hexadecimal signature in `header`. */
function wrongHex(source: Name, header: string, prefix: string, more: Headers = {}): readonly Attempt[] {
  const signature = source === 'grafana' ? hex('sign-key', `${now}:${body}`) : hex('sign-key', body);
  const values = [
    '',
    prefix,
    signature.slice(0, -1),
    `${prefix}${signature.slice(0, -1)}`,
    `${prefix}${signature}0`,
    `${prefix}${prefix}${signature}`,
    `sha1=${createHmac('sha1', 'sign-key').update(body).digest('hex')}`,
    `${prefix}${hex('', body)}`,
    `${prefix}${hex('sign-key ', body)}`,
    `${prefix}${hex('sign-key', other)}`,
    `${prefix}${'0'.repeat(64)}`,
    `${prefix}${Buffer.from(signature, 'hex').toString('base64')}`,
    `v0=${signature}`,
  ].filter((value) => value !== `${prefix}${signature}`);
  return [
    ...values.map((value): Attempt => [source, `${header}: ${value.slice(0, 20)}`, { ...more, [header]: value }]),
    [source, 'no header', more],
    [source, 'another body', right[source] ?? {}, other],
    [source, 'a body with a space more', right[source] ?? {}, `${body} `],
    [source, 'the signature of the unpacked body', { ...right[source], 'content-encoding': 'gzip' }, gzipSync(body)],
    [source, 'the signature in the query', { 'x-original-url': `/?signature=${signature}` }],
  ];
}

const wrongTimes: readonly Attempt[] = [
  ...['', '0', '-1', 'now', `${now}.0`, ` ${now} x`, String(Number(now) - 301), String(Number(now) + 301), '1e12'].map(
    (time): Attempt => [
      'grafana',
      `signed at ${JSON.stringify(time)}`,
      { 'x-grafana-alerting-signature': hex('sign-key', `${time}:${body}`), 'x-time': time },
    ],
  ),
  ['grafana', 'the time of another signature', { ...right.grafana, 'x-time': String(Number(now) + 1) }],
  ['grafana', 'no time', { 'x-grafana-alerting-signature': hex('sign-key', body) }],
];

const wrongStandard: readonly Attempt[] = [
  ['standard', 'another id', { ...right.standard, 'webhook-id': 'msg_2' }],
  ['standard', 'no id', { ...right.standard, 'webhook-id': '' }],
  ['standard', 'a long id', standard('m'.repeat(201), now, standardSignature('standard-key', 'm'.repeat(201), now))],
  ['standard', 'another time', { ...right.standard, 'webhook-timestamp': String(Number(now) + 1) }],
  ['standard', 'an old time', standard('msg_1', '1', standardSignature('standard-key', 'msg_1', '1'))],
  ['standard', 'an asymmetric version', standard('msg_1', now, `v1a,${'A'.repeat(86)}==`)],
  ['standard', 'no version', standard('msg_1', now, standardSignature('standard-key', 'msg_1', now).slice(3))],
  [
    'standard',
    'the key as text',
    standard('msg_1', now, standardSignature(Buffer.from('standard-key').toString('base64'), 'msg_1', now)),
  ],
  ['standard', 'an empty key', standard('msg_1', now, standardSignature('', 'msg_1', now))],
  [
    'standard',
    'the ninth signature',
    standard(
      'msg_1',
      now,
      [...Array<string>(8).fill(`v1,${'A'.repeat(43)}=`), standardSignature('standard-key', 'msg_1', now)].join(' '),
    ),
  ],
  ['standard', 'another body', right.standard ?? {}, other],
];

const unconfigured: readonly Attempt[] = [
  [
    'mtls',
    'a certificate in a header',
    { 'x-forwarded-client-cert': 'Subject="CN=alertmanager"', 'ssl-client-verify': 'SUCCESS' },
  ],
  ['mtls', 'a subject in a header', { 'x-ssl-client-s-dn': 'CN=alertmanager' }],
  ['mtls', 'nothing', {}],
  ['missing', 'an empty password', basic('am:')],
  ['missing', 'the word null', basic('am:null')],
  ['empty', 'the signature of an empty key', { 'x-signature': `sha256=${hex('', body)}` }],
  ['blank', 'the signature of an empty key', { 'x-signature': `sha256=${hex('', body)}` }],
  ['blank', 'the signature of a blank key', { 'x-signature': `sha256=${hex(' \n\t\n', body)}` }],
];

const attempts: readonly Attempt[] = [
  ...wrongBasic,
  ...wrongHex('flux', 'x-signature', 'sha256='),
  ...wrongHex('github', 'x-hub-signature-256', 'sha256='),
  ...wrongHex('grafana', 'x-grafana-alerting-signature', '', { 'x-time': now }),
  ...wrongHex('pagerduty', 'x-pagerduty-signature', 'v1='),
  ...wrongTimes,
  ...wrongStandard,
  ...unconfigured,
];

const made = Object.entries(sources).map(([name, authentication]) =>
  webhookSource({ path: name, format: 'alertmanager', authentication }, { name }),
);
const secretStore = {
  get: (_namespace: string, { name, key }: { name: string; key: string }) => secrets[`${name}/${key}`] ?? null,
};

let fake: Awaited<ReturnType<typeof fakeServer>>;
beforeAll(async () => {
  fake = await fakeServer({ sourceTypes: sourceDefinitions, secrets: secretStore }, made);
});
afterAll(() => fake.server.close());

function post(source: Name, headers: Headers, payload: string | Buffer = body) {
  return fake.server.inject({
    method: 'POST',
    url: `/webhook/${source}`,
    headers: { 'content-type': 'application/json', ...headers },
    payload,
  });
}

it('there are a hundred', () => {
  expect(attempts.length).toBeGreaterThanOrEqual(100);
});

describe('refused, nothing stored', () => {
  const named = attempts.map(([source, what, headers, sent]) => ({ source, what, headers, sent }));
  it.each(named)('$source, $what', async ({ source, headers, sent }) => {
    const response = await post(source, headers, sent);
    const { accepted, deadLetters } = fake.reached;
    expect({ accepted, deadLetters }).toEqual({ accepted: [], deadLetters: [] });
    const isOurs = unconfigured.some(([name]) => name === source);
    expect(response.statusCode).toBe(isOurs ? 503 : 401);
    expect(response.headers['www-authenticate'] === undefined).toBe(isOurs);
    expect(response.body).not.toMatch(/sign-key|p4ssword|standard-key/);
  });

  it('is told: counted and logged for each Source', () => {
    const warned = fake.reached.logged.filter(({ message }) => message === 'a Source refuses requests');
    expect(warned.map(({ fields }) => fields['source'])).toEqual(
      expect.arrayContaining(['shop/basic', 'shop/flux', 'shop/standard']),
    );
  });
});

describe('let in', () => {
  it.each(Object.keys(right) as Name[])('the right caller of %s', async (source) => {
    expect((await post(source, right[source] ?? {})).statusCode).toBe(200);
  });

  it('the second line of a Secret', async () => {
    expect((await post('basic', basic('am:new-password'))).statusCode).toBe(200);
  });
});

it('what was signed with a time and is sent again has no effect, with another key for it neither', async () => {
  const [source] = made.filter(({ name }) => name === 'grafana');
  const world = await createWorld(
    { sourceTypes: sourceDefinitions, secrets: secretStore, clock: fake.options.clock },
    source === undefined ? [] : [source],
  );
  const send = (headers: Headers) =>
    world.server.inject({
      method: 'POST',
      url: '/webhook/grafana',
      headers: { 'content-type': 'application/json', ...right.grafana, ...headers },
      payload: body,
    });
  const first = await send({});
  expect(first.json()).toMatchObject({ opened: 1, runs: 1 });
  for (const headers of [{}, { 'idempotency-key': 'another' }])
    expect((await send(headers)).json()).toEqual(first.json());
  const alerts = (await world.get('/api/v1/alerts')).json<{ items: { receiveCount: number }[] }>();
  expect(alerts.items.map(({ receiveCount }) => receiveCount)).toEqual([1]);
  await world.close();
});
