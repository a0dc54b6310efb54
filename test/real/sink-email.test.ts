import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DeliveryVerdict } from '../../src/core/delivery.ts';
import { createCleanup } from '../support/cleanup.ts';
import type { Fault } from '../support/faulty-peer.ts';
import { injections } from '../support/injections.ts';
import { startMailServer, trustMailServer } from '../support/mail-server.ts';
import type { MailFault, MailServerOptions } from '../support/mail-server.ts';
import { testSink } from '../support/sink-suite.ts';
import type { StrictVendor } from '../support/sink-suite.ts';
import type { Vendor } from '../support/vendor.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../support/sink-world.ts';
import { createConnect } from '../../src/lib/connect.ts';
import type { SinkDelivery } from '../../src/sinks/define.ts';
import { email } from '../../src/sinks/email.ts';
import { nothingKnown } from '../../src/sinks/known.ts';

const credentials = { user: 'fist', pass: 'p4ss w:rd ü' };
const secrets = { 'mail/username': credentials.user, 'mail/password': credentials.pass };
const common = { host: 'localhost', from: 'Fist <fist@example.com>', to: ['oncall@example.com'] };

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** What a mail server does in place of a server that speaks HTTP; an answer that says no is no word of what was processed. */
const mailFaults: Readonly<Record<Fault, MailFault | null>> = {
  none: null,
  slow: null,
  'processed, then no answer': { at: 'silent after content' },
  'processed, then reset': { at: 'lost after content' },
  'processed, then 500': { at: 'lost after content' },
  'processed, then 504': { at: 'lost after content' },
  'processed, then an answer without an end': { at: 'silent after content' },
  'no answer': { at: 'silent greeting' },
  reset: { at: 'lost before content' },
  'reset before the body': { at: 'lost before content' },
  '503': { at: 'greeting', code: 421 },
  '429 with Retry-After': { at: 'recipient', code: 450 },
};

/** Elements that a mail of ours has. */
const ours =
  /<(?:!doctype html|\/?(?:html|body|p|strong|pre|a))(?: style="white-space: pre-wrap"| href="https:\/\/fist\.example\/[^"]*")?>/g;

async function startStrict(): Promise<StrictVendor> {
  const server = await startMailServer({ credentials, allowInsecureAuth: true });
  let coming: readonly MailFault[] = [];
  let before = 0;
  return {
    vendor: {
      url: `smtp://localhost:${server.port}`,
      requests: server.mails as unknown as Vendor['requests'],
      refusals: [],
      fail(...faults) {
        coming = faults.flatMap((fault) => mailFaults[fault] ?? []);
        before = server.connections();
        server.fail(...coming);
      },
      patienceMs: () => (coming[server.connections() - before]?.at.startsWith('silent') === true ? 150 : 20_000),
      stop: () => server.stop(),
    },
    effects: () => server.mails.length,
    shown: () => server.mails.map(({ html }) => html.replaceAll(ours, '')),
  };
}

testSink({
  backend: email,
  config: (url) => ({ ...common, port: Number(new URL(url).port), tls: 'none', credentialsSecret: 'mail' }),
  secrets,
  start: startStrict,
  isIdempotent: false,
  effectsOfStart: 1,
  effectsOfEnd: 1,
  wishMs: 60_000,
  forbidden: [/<[a-z!/]/i],
});

async function start(options: MailServerOptions = {}, timeoutMs = 20_000) {
  const server = await startMailServer(options);
  cleanup.defer(() => server.stop());
  const world = sinkWorld({ secrets, timeoutMs });
  cleanup.defer(() => world.close());
  const deliver = (config: object = {}, changes: Partial<SinkDelivery> = {}): Promise<DeliveryVerdict> =>
    attemptOf(email, world.io, { ...common, port: server.port, ...config }, sinkDelivery(changes));
  return { server, world, deliver };
}

describe('over an encrypted connection', () => {
  let distrust: () => void;
  beforeAll(() => void (distrust = trustMailServer()));
  afterAll(() => distrust());

  test('a mail is sent with STARTTLS and a login, in plain text and as HTML', async () => {
    const { server, deliver } = await start({ credentials });
    const verdict = await deliver({ credentialsSecret: 'mail', cc: ['lead@example.org'] });
    expect(verdict).toEqual({ ok: true, reference: expect.stringMatching(/^<[0-9a-f]{40}@example\.com>$/) as unknown });
    const [mail] = server.mails;
    expect(mail).toMatchObject({
      from: 'fist@example.com',
      to: ['oncall@example.com', 'lead@example.org'],
      user: 'fist',
      encrypted: true,
    });
    expect(Object.fromEntries(mail?.headers ?? [])).toMatchObject({
      from: 'Fist <fist@example.com>',
      to: 'oncall@example.com',
      cc: 'lead@example.org',
      subject: 'KubePodCrashLooping shop/web-1',
      'message-id': verdict.reference,
      date: 'Sun, 01 Mar 2026 10:00:42 +0000',
      'auto-submitted': 'auto-generated',
    });
    const lines = [
      'FIRING critical KubePodCrashLooping pod/shop/web-1 for 1m42s',
      'The cause is (95%): Container web was OOMKilled.',
    ];
    expect(mail?.text).toBe([...lines, payload.run.url].join('\n\n'));
    expect(mail?.html).toContain(`<strong>${lines[0]}</strong>`);
    expect(mail?.html).toContain(`<a href="${payload.run.url}">`);
  });

  test('with TLS from the beginning', async () => {
    const { server, deliver } = await start({ credentials, secure: true });
    expect(await deliver({ tls: 'implicit', credentialsSecret: 'mail' })).toMatchObject({ ok: true });
    expect(server.mails).toMatchObject([{ user: 'fist', encrypted: true }]);
  });

  test('a wrong password is final, and no error tells it', async () => {
    const { server, deliver } = await start({ credentials: { ...credentials, pass: 'another' } });
    const verdict = await deliver({ credentialsSecret: 'mail' });
    expect(verdict).toEqual({ ok: false, retry: false, reason: 'localhost answered 535 to AUTH PLAIN' });
    expect(server.mails).toEqual([]);
  });

  test('a server that is to encrypt and does not gets nothing', async () => {
    const { server, deliver } = await start({ credentials, allowInsecureAuth: true, disabledCommands: ['STARTTLS'] });
    expect(await deliver({ credentialsSecret: 'mail' })).toMatchObject({ ok: false, retry: false });
    expect(server.mails).toEqual([]);
  });

  test('a certificate of another name is none', async () => {
    const { server, world } = await start();
    const lookup = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    const io = { ...world.io, connect: createConnect({ lookup }) };
    const verdict = await attemptOf(email, io, { ...common, host: 'mail.example', port: server.port }, sinkDelivery());
    expect(verdict).toMatchObject({ ok: false, retry: true, reason: expect.stringContaining('altnames') as unknown });
    expect(server.mails).toEqual([]);
  });
});

test('a certificate of an authority that nobody knows is none', async () => {
  const { server, deliver } = await start();
  const verdict = await deliver();
  expect(verdict).toMatchObject({ ok: false, retry: true, reason: expect.stringContaining('certificate') as unknown });
  expect(verdict).not.toHaveProperty('ambiguous');
  expect(server.mails).toEqual([]);
});

test('a login at a server that has none is final, and the password stays here', async () => {
  const { server, deliver } = await start();
  expect(await deliver({ tls: 'none', credentialsSecret: 'mail' })).toMatchObject({
    ok: false,
    retry: false,
    reason: 'localhost: it takes no user and password; leave credentialsSecret out',
  });
  expect(server.mails).toEqual([]);
});

test('a missing Secret makes no connection', async () => {
  const { server, deliver } = await start();
  await expect(deliver({ credentialsSecret: 'other' })).rejects.toMatchObject({ code: 'SecretMissing' });
  expect(server.connections()).toBe(0);
});

describe('over a connection within the machine', () => {
  const plain = { tls: 'none' };

  test('all mails of an alert are one thread with one subject; each has an id of its own, the same in all attempts', async () => {
    const { server, deliver } = await start();
    await deliver(plain, { event: 'run-started', idempotencyKey: 'r1/out/run-started' });
    await deliver(plain);
    await deliver(plain, { isRepeat: true });
    await deliver(plain, { event: 'alert-resolved', payload: resolvedPayload, idempotencyKey: 'a1/out/resolved' });
    await deliver(plain, { subjectKey: 'another', idempotencyKey: 'r2/out/run-finished' });
    const of = (name: string) => server.mails.map(({ headers }) => headers.get(name));
    const [started, finished, repeated, resolved, another] = of('message-id');
    expect(repeated).toBe(finished);
    expect(new Set([started, finished, resolved, another]).size).toBe(4);
    const threads = of('references');
    expect(threads).toEqual(of('in-reply-to'));
    expect(threads.map((thread) => thread === threads[0])).toEqual([true, true, true, true, false]);
    expect(new Set(of('subject')).size).toBe(1);
  });

  const refusals: readonly [MailFault, object][] = [
    [
      { at: 'greeting', code: 421 },
      { retry: true, reason: 'localhost answered 421' },
    ],
    [
      { at: 'greeting', code: 554 },
      { retry: false, reason: 'localhost answered 554' },
    ],
    [
      { at: 'sender', code: 451 },
      { retry: true, reason: 'localhost answered 451 to MAIL FROM' },
    ],
    [
      { at: 'sender', code: 550 },
      { retry: false, reason: 'localhost answered 550 to MAIL FROM' },
    ],
    [
      { at: 'recipient', code: 450 },
      { retry: true, reason: 'localhost answered 450 to RCPT TO' },
    ],
    [
      { at: 'recipient', code: 550 },
      { retry: false, reason: 'localhost answered 550 to RCPT TO' },
    ],
    [
      { at: 'content', code: 452 },
      { retry: true, reason: 'localhost answered 452 to DATA' },
    ],
    [
      { at: 'content', code: 554 },
      { retry: false, reason: 'localhost answered 554 to DATA' },
    ],
  ];
  test.each(refusals)('%o: what a server refuses, it did not take', async (fault, expected) => {
    const { server, deliver } = await start();
    server.fail(fault);
    const verdict = await deliver(plain);
    const later = 'retry' in expected && expected.retry === true ? { retryAfterMs: 60_000 } : {};
    expect(verdict).toEqual({ ok: false, ...expected, ...later });
    expect(server.mails).toEqual([]);
    expect(await deliver(plain)).toMatchObject({ ok: true });
  });

  test.each(['lost after content', 'silent after content'] as const)('%s: it may have come', async (at) => {
    const { server, deliver } = await start({}, 2000);
    server.fail({ at });
    expect(await deliver(plain)).toMatchObject({ ok: false, retry: true, ambiguous: true });
    expect(await deliver(plain, { isRepeat: true })).toMatchObject({ ok: true });
    const ids = server.mails.map(({ headers }) => headers.get('message-id'));
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  test.each(['lost before content', 'silent greeting'] as const)('%s: it has not come', async (at) => {
    const { server, deliver } = await start({}, 2000);
    server.fail({ at });
    const verdict = await deliver(plain);
    expect(verdict).toMatchObject({ ok: false, retry: true });
    expect(verdict).not.toHaveProperty('ambiguous');
    expect(server.mails).toEqual([]);
  });

  test('nobody listens: that is certain', async () => {
    const { server, deliver } = await start();
    await server.stop();
    await expect(deliver(plain)).rejects.toMatchObject({ code: 'Unreachable', retryable: true });
  });

  test('a peer that speaks something else is told nothing, and not quoted', async () => {
    const { deliver } = await start();
    const peer = createServer((socket) => socket.on('error', () => undefined).write('SSH-2.0-secret-banner\r\n'));
    await new Promise<void>((done) => peer.listen(0, '127.0.0.1', done));
    cleanup.defer(() => new Promise<void>((done) => peer.close(() => done())));
    const verdict = await deliver({ ...plain, port: (peer.address() as AddressInfo).port });
    expect(verdict).toMatchObject({ ok: false, retry: true });
    expect(JSON.stringify(verdict)).not.toContain('banner');
  });

  test('an attempt goes on with the addresses that the server put off', async () => {
    const { server, deliver } = await start();
    const config = { ...plain, to: ['a@example.com', 'B@Example.com', 'c@example.com'] };
    server.fail({ at: 'recipient', code: 450, only: 'B@Example.com' });
    const first = await deliver(config);
    expect(first).toMatchObject({
      ok: false,
      retry: true,
      reason: 'localhost took the mail, but not for b@example.com (450)',
    });
    const own = first.reference ?? null;
    expect(await deliver(config, { isRepeat: true, known: { ...nothingKnown, own } })).toMatchObject({ ok: true });
    expect(server.mails.map(({ to }) => to)).toEqual([['a@example.com', 'c@example.com'], ['B@Example.com']]);
    expect(server.mails[1]?.headers.get('to')).toBe(server.mails[0]?.headers.get('to'));
  });

  test('an address that does not exist fails the delivery, though others have the mail', async () => {
    const { server, deliver } = await start();
    server.fail({ at: 'recipient', code: 550, only: 'gone@example.com' });
    const verdict = await deliver({ ...plain, to: ['a@example.com', 'gone@example.com'] });
    expect(verdict).toMatchObject({
      ok: false,
      retry: false,
      reason: expect.stringContaining('gone@example.com (550)') as unknown,
    });
    expect(server.mails).toHaveLength(1);
  });

  test('a mail that is larger than the server takes is final', async () => {
    const { deliver } = await start({ size: 1000 });
    expect(await deliver(plain)).toEqual({ ok: false, retry: false, reason: 'localhost takes no mail of this size' });
  });

  test('what is too long is cut, with where all of it is', async () => {
    const { server, deliver } = await start();
    const text = `FIRING\n${'<line> & of the report\n'.repeat(20_000)}`;
    expect(await deliver({ ...plain, subject: 'x'.repeat(5000) }, { payload: { ...payload, text } })).toMatchObject({
      ok: true,
    });
    const [mail] = server.mails;
    expect(mail?.text).toContain('characters in all; https://fist.example/api/v1/runs/r1]');
    expect(mail?.text.length).toBeLessThan(101_000);
    expect(mail?.headers.get('subject')).toHaveLength(200);
  });

  test('alert text comes out as text, whatever it says', async () => {
    const { server, deliver } = await start();
    const config = { ...plain, subject: '{{ .alert.severity }}: {{ .alert.alertname }}' };
    await Promise.all(
      injections.map(async (text, index) => {
        const told = { ...payload, alert: { ...payload.alert, alertname: text }, text: `FIRING ${text}\n\n${text}\n` };
        expect(await deliver(config, { payload: told, idempotencyKey: `r${index}` }), text).toMatchObject({ ok: true });
      }),
    );
    expect(server.mails).toHaveLength(injections.length);
    const names = [...(server.mails[0]?.headers.keys() ?? [])];
    for (const mail of server.mails) {
      expect(mail.to).toEqual(['oncall@example.com']);
      expect([...mail.headers.keys()]).toEqual(names);
      expect(mail.headers.get('subject')).toMatch(/^critical:/);
      expect(mail.html.replaceAll(ours, '')).not.toMatch(/<[a-z!/]/i);
    }
  });
});

const refused: readonly (readonly [string, object])[] = [
  ['no TLS to another machine', { host: 'mail.example.com', tls: 'none' }],
  [
    'a password without TLS',
    { host: 'mail.example.com', tls: 'none', allowUnencrypted: true, credentialsSecret: 'mail' },
  ],
  ['a key of a Secret', { credentialsSecret: 'mail/password' }],
  ['a header in an address', { to: ['a@example.com\r\nBcc: evil@example.com'] }],
  ['a second address', { to: ['a@example.com, evil@example.com'] }],
  ['a line feed at the end', { to: ['a@example.com\n'] }],
  ['a header in the sender', { from: 'Fist\r\nBcc: evil@example.com <fist@example.com>' }],
  ['two senders', { from: 'a@b.example, Fist <fist@example.com>' }],
  ['a command in the host', { host: 'mail.example\r\nQUIT' }],
  ['nobody', { to: [] }],
  ['too many', { to: Array.from({ length: 51 }, (_, index) => `a${index}@example.com`) }],
];
test.each(refused)('%s is refused by lint', (_, changes) => {
  expect(email.config.safeParse(common).success).toBe(true);
  expect(email.config.safeParse({ ...common, ...changes }).success).toBe(false);
});

test('without TLS to another machine, for those who mean it', () => {
  const config = { ...common, host: 'relay.mail', tls: 'none', allowUnencrypted: true };
  expect(email.config.safeParse(config).success).toBe(true);
});

describe('an address that the policy refuses gets no connection', () => {
  const at =
    (address: string): (() => Promise<readonly LookupAddress[]>) =>
    () =>
      Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }]);
  const allowUnencrypted = true;

  test.each([
    ['127.0.0.1', '127.0.0.1', false],
    ['relay.example', '10.0.0.7', false],
    ['relay.example', '169.254.169.254', true],
    ['169.254.169.254', '169.254.169.254', true],
    ['2852039166', '169.254.169.254', true],
    ['::ffff:a9fe:a9fe', '::ffff:a9fe:a9fe', true],
  ])('%s', async (host, address, allowPrivate) => {
    const { server, world } = await start();
    const io = { ...world.io, connect: createConnect({ policy: { allowPrivate }, lookup: at(address) }) };
    const config = { ...common, host, port: server.port, tls: 'none', allowUnencrypted };
    await expect(attemptOf(email, io, config, sinkDelivery())).rejects.toMatchObject({
      code: 'Forbidden',
      retryable: false,
    });
    expect(server.connections()).toBe(0);
  });
});
