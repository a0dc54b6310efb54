import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Caller, CatalogAuthentication } from '../../core/authentication.ts';
import { finish } from '../../lib/turns.ts';
import { authentication, authenticationWays, compileAuthentication } from './index.ts';

const nowMs = 1_614_265_330_000;

function compile(config: object): CatalogAuthentication {
  const compiled = compileAuthentication(authentication.parse({ secretRef: 's', ...config }));
  if (compiled === null) throw new Error('nothing was compiled');
  return compiled;
}

function caller(headers: Readonly<Record<string, string>> | readonly string[], changes: Partial<Caller> = {}): Caller {
  const rawHeaders = Array.isArray(headers) ? (headers as string[]) : Object.entries(headers).flat();
  return { rawHeaders, certificate: () => null, nowMs, ...changes };
}

function basicHeader(text: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(text).toString('base64')}` };
}

describe('the config', () => {
  test.each([
    [
      { type: 'bearer', secretRef: 'a' },
      { name: 'a', key: 'token' },
    ],
    [
      { type: 'basic', username: 'am', secretRef: 'a/password' },
      { name: 'a', key: 'password' },
    ],
    [
      { type: 'hmac', preset: 'github', secretKeyRef: { name: 'a', key: 'k' } },
      { name: 'a', key: 'k' },
    ],
  ])('%j', (config, secret) => {
    expect(compileAuthentication(authentication.parse(config))?.secrets).toEqual([secret]);
  });

  test('the secret of before is valid too', () => {
    expect(compile({ type: 'bearer', previousSecretRef: 's/old' }).secrets).toEqual([
      { name: 's', key: 'token' },
      { name: 's', key: 'old' },
    ]);
  });

  test.each([
    [{ type: 'bearer' }, 'needs exactly one of secretRef and secretKeyRef'],
    [{ type: 'bearer', secretRef: 'a', secretKeyRef: { name: 'a' } }, 'needs exactly one'],
    [{ type: 'basic', secretRef: 'a' }, 'needs username'],
    [{ type: 'basic', secretRef: 'a', username: 'a:b' }, 'no colon'],
    [{ type: 'hmac', secretRef: 'a' }, 'needs preset'],
    [{ type: 'hmac', secretRef: 'a', preset: 'gitlab' }, 'Invalid option'],
    [{ type: 'bearer', secretRef: 'a', username: 'x' }, 'is used by type basic only'],
    [{ type: 'none', secretRef: 'a' }, 'is used by type bearer and basic and hmac only'],
    [{ type: 'mtls' }, 'needs subjects or names'],
    [{ type: 'mtls', subjects: [] }, 'Too small'],
    [{ type: 'magic' }, 'Invalid option'],
  ])('%j: %s', (config, message) => {
    const result = authentication.safeParse(config);
    expect(result.error?.issues.map((issue) => issue.message).join('; ')).toContain(message);
  });

  test('each way is described for the reference', () => {
    for (const way of authenticationWays) expect(way.description, way.type).toMatch(/\.$/);
  });
});

describe('bearer and basic', () => {
  const bearer = compile({ type: 'bearer' });
  const basic = compile({ type: 'basic', username: 'am' });

  test('any of several secrets is right, and nothing else', () => {
    for (const token of ['old', 'new']) {
      expect(bearer.check(caller({ Authorization: `Bearer ${token}` }), ['new', 'old'])).toBeNull();
      expect(basic.check(caller(basicHeader(`am:${token}`)), ['new', 'old'])).toBeNull();
    }
    expect(bearer.check(caller({ authorization: 'bearer x' }), ['new', 'old'])).toMatchObject({
      message: 'the bearer token is not the one of this Source',
      challenge: 'Bearer realm="punching-fist", error="invalid_token"',
    });
  });

  test.each([
    ['', 'am'],
    ['am:', 'am'],
    ['am:ne', 'am'],
    ['am:new ', 'am'],
    ['other:new', 'am'],
    ['AM:new', 'am'],
    ['new', 'am'],
    ['am:new:', 'am'],
  ])('basic %j is wrong', (text) => {
    expect(basic.check(caller(basicHeader(text)), ['new'])).toMatchObject({
      challenge: 'Basic realm="punching-fist", charset="UTF-8"',
    });
  });

  test('basic takes no other alphabet, no other scheme and no two headers', () => {
    const right = Buffer.from('am:new').toString('base64');
    for (const value of [`Basic ${right}!`, `Basic ${right} x`, `Bearer ${right}`, right, 'Basic'])
      expect(basic.check(caller({ Authorization: value }), ['new'])).not.toBeNull();
    const twice = ['Authorization', `Basic ${right}`, 'authorization', `Basic ${right}`];
    expect(basic.check(caller(twice), ['new'])).not.toBeNull();
    expect(basic.check(caller({}), ['new'])?.message).toBe('a user name and a password are required');
  });

  test('a password may have colons and any letter', () => {
    expect(basic.check(caller(basicHeader('am:a:ü')), ['a:ü'])).toBeNull();
  });

  test('without a secret nobody is let in', () => {
    expect(bearer.check(caller({ Authorization: 'Bearer ' }), [])).not.toBeNull();
    expect(bearer.check(caller({ Authorization: 'Bearer x' }), [''])).not.toBeNull();
    expect(basic.check(caller(basicHeader('am:')), [])).not.toBeNull();
  });
});

const body = Buffer.from('{"test": 2432232314}');

/** All pieces at once. */
function verify(way: ReturnType<typeof compile>, ...given: Parameters<NonNullable<typeof way.verify>>) {
  return way.verify === null ? null : finish(way.verify(...given));
}

const hex = (secret: string, text: string | Buffer) => createHmac('sha256', secret).update(text).digest('hex');

/** One right request for each preset; that of Standard Webhooks is the example of its specification. */
const signed = {
  flux: { config: { preset: 'flux' }, secret: 'k', headers: { 'X-Signature': `sha256=${hex('k', body)}` } },
  github: { config: { preset: 'github' }, secret: 'k', headers: { 'X-Hub-Signature-256': `sha256=${hex('k', body)}` } },
  grafana: {
    config: { preset: 'grafana' },
    secret: 'k',
    headers: { 'X-Grafana-Alerting-Signature': hex('k', body) },
  },
  'grafana with a time': {
    config: { preset: 'grafana', header: 'X-Sig', timestampHeader: 'X-Time' },
    secret: 'k',
    headers: { 'X-Sig': hex('k', `1614265330:${body.toString()}`), 'X-Time': '1614265330' },
  },
  pagerduty: {
    config: { preset: 'pagerduty' },
    secret: 'k',
    headers: { 'X-PagerDuty-Signature': `v1=${hex('old', body)},v1=${hex('k', body)}` },
  },
  'standard-webhooks': {
    config: { preset: 'standard-webhooks' },
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
  },
};

describe.each(Object.entries(signed))('hmac: %s', (_name, { config, secret, headers }) => {
  const way = compile({ type: 'hmac', ...config });
  const right = caller(headers);

  test('the right signature, by any of several secrets', () => {
    expect(way.check(right, [secret])).toBeNull();
    for (const secrets of [[secret], ['other', secret], [secret, 'other']])
      expect(verify(way, right, secrets, body)).toMatchObject({ ok: true });
  });

  test('another body, another secret, none, and an empty one', () => {
    expect(verify(way, right, [secret], Buffer.from(`${body.toString()} `))).toMatchObject({ ok: false });
    for (const secrets of [['other'], [], [''], ['whsec_']])
      expect(verify(way, right, secrets, body)).toMatchObject({ ok: false });
  });

  test('a header that is missing, empty, there twice, or of another form is seen before the body', () => {
    for (const name of Object.keys(headers)) {
      const others = Object.entries(headers).filter(([other]) => other !== name);
      const value = headers[name as keyof typeof headers] as string;
      expect(way.check(caller(others.flat()), [secret]), name).not.toBeNull();
      expect(way.check(caller([...others.flat(), name, '']), [secret]), name).not.toBeNull();
      expect(way.check(caller([...others.flat(), name, value, name, value]), [secret]), name).not.toBeNull();
    }
    const signature = Object.keys(headers).find((name) => /sig/i.test(name)) ?? '';
    for (const value of ['x', 'sha256=', 'v1=', 'v1,', `sha1=${'0'.repeat(40)}`, '0'.repeat(63), 'v1a,AAAA'])
      expect(way.check(caller({ ...headers, [signature]: value }), [secret]), value).not.toBeNull();
  });
});

test('a large body is looked at in pieces, for each secret', () => {
  const large = Buffer.alloc(1024 * 1024 + 1, 'x');
  const way = compile({ type: 'hmac', preset: 'flux' });
  const request = caller({ 'X-Signature': `sha256=${hex('k', large)}` });
  expect([...(way.verify?.(request, ['other', 'k'], large) ?? [])]).toHaveLength(10);
  expect(verify(way, request, ['other', 'k'], large)).toEqual({ ok: true, signedId: null });
});

describe('hmac with a time', () => {
  const { config, secret, headers } = signed['grafana with a time'];
  const way = compile({ type: 'hmac', ...config });

  test.each([
    [-300, true],
    [300, true],
    [-301, false],
    [301, false],
  ])('%d s off: %s', (offSeconds, isFine) => {
    const late = caller(headers, { nowMs: nowMs + offSeconds * 1000 });
    expect(way.check(late, [secret]) === null).toBe(isFine);
    expect(verify(way, late, [secret], body)?.ok).toBe(isFine);
  });

  test.each(['', '1614265330.0', '-1', '1e9', '0x60', ' ', 'now', '9999999999999'])('the time %j is none', (time) => {
    expect(way.check(caller({ ...headers, 'X-Time': time }), [secret])).not.toBeNull();
  });

  test('a delivery that is sent again has the same name, another body another one', () => {
    const verdict = verify(way, caller(headers), [secret], body);
    const name = verdict?.ok === true ? verdict.signedId : null;
    expect(name).toMatch(/^signed:1614265330:[0-9a-f]{64}$/);
    const standard = signed['standard-webhooks'];
    const other = verify(
      compile({ type: 'hmac', ...standard.config }),
      caller(standard.headers),
      [standard.secret],
      body,
    );
    expect(other).toEqual({ ok: true, signedId: 'signed:msg_p5jXN8AQM9LWM0D4loKWxJek' });
  });

  test('without a time nothing names a delivery: the same body comes again while an alert fires', () => {
    const plain = signed.flux;
    const verdict = verify(compile({ type: 'hmac', ...plain.config }), caller(plain.headers), [plain.secret], body);
    expect(verdict).toEqual({ ok: true, signedId: null });
  });
});

test.each(['flux', 'github', 'pagerduty'])('%s signs no time, so none can be named', (preset) => {
  const { error } = authentication.safeParse({ type: 'hmac', preset, secretRef: 's', timestampHeader: 'X-Time' });
  expect(error?.issues).toEqual([expect.objectContaining({ path: ['timestampHeader'] })]);
});

test("GitHub's own example of a signature", () => {
  const way = compile({ type: 'hmac', preset: 'github' });
  const signature = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  const request = caller({ 'X-Hub-Signature-256': `sha256=${signature}` });
  expect(verify(way, request, ["It's a Secret to Everybody"], Buffer.from('Hello, World!'))).toMatchObject({
    ok: true,
  });
});

describe('mtls', () => {
  const way = compileAuthentication(
    authentication.parse({ type: 'mtls', subjects: ['alertmanager', 'CN=ruler,O=ops'], names: ['spiffe://c/ns/mon'] }),
  );
  const shown = (subject: string, commonName: string | null, names: readonly string[] = []) =>
    way?.check(caller({}, { certificate: () => ({ subject, commonName, names }) }), []);

  test('subject, common name or another name', () => {
    expect(shown('CN=alertmanager,O=x', 'alertmanager')).toBeNull();
    expect(shown('CN=ruler,O=ops', 'ruler')).toBeNull();
    expect(shown('CN=x', 'x', ['a', 'spiffe://c/ns/mon'])).toBeNull();
  });

  test('others, and none', () => {
    expect(shown('CN=ruler,O=dev', 'ruler')?.message).toContain('is not of a sender of this Source');
    expect(shown('CN=x', null, ['spiffe://c/ns/mon/x'])).not.toBeNull();
    expect(way?.check(caller({}), [])?.message).toContain('a client certificate');
    expect(way?.needsCertificate).toBe(true);
  });
});

test('none lets everybody in and says so', () => {
  expect(compileAuthentication(authentication.parse({ type: 'none' }))).toMatchObject({ isOpen: true, secrets: [] });
});
