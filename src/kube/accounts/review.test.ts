import { afterEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { createFakeClock } from '../../../test/support/clock.ts';
import { failure, startScriptedApi } from '../../../test/support/scripted-api.ts';
import type { Script } from '../../../test/support/scripted-api.ts';
import { createAccountTokens } from './account-tokens.ts';
import { createReviews } from './review.ts';
import { createTimedCache } from './timed-cache.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function world(script: Script) {
  const clock = createFakeClock();
  const api = await startScriptedApi(cleanup, script);
  return {
    clock,
    api,
    reviews: createReviews(api.transport, clock),
    tokens: createAccountTokens(api.transport, clock),
  };
}

const here = '10.0.0.1';
const reviewed = (status: object) => ({ status: 201, body: { kind: 'TokenReview', status } });
const web = {
  username: 'system:serviceaccount:shop:web',
  uid: 'u1',
  groups: ['system:authenticated'],
  extra: { k: ['v'] },
};
const known = reviewed({ authenticated: true, user: web, audiences: ['fist'] });

describe('whose token it is', () => {
  test('is asked once a minute, and again sooner for what was refused', async () => {
    let isKnown = false;
    const { clock, api, reviews } = await world(() =>
      isKnown ? known : reviewed({ authenticated: false, error: 'invalid bearer token' }),
    );
    const ask = () => reviews.token('secret-token', ['fist'], here);
    expect(await ask()).toEqual({ kind: 'refused', reason: 'invalid bearer token' });
    isKnown = true;
    expect(await ask()).toMatchObject({ kind: 'refused' });
    await clock.advance(10_000);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(
      Array.from({ length: 3 }, () => ({
        kind: 'known',
        user: { name: web.username, uid: 'u1', groups: web.groups, extra: { k: ['v'] } },
      })),
    );
    // The first no after a connection is asked for twice: the server may just have begun.
    expect(api.requests).toHaveLength(3);
    expect(api.requests[2]).toMatchObject({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: { spec: { token: 'secret-token', audiences: ['fist'] } },
    });
    isKnown = false;
    await clock.advance(59_999);
    expect(await ask()).toMatchObject({ kind: 'known' });
    await clock.advance(1);
    expect(await ask()).toMatchObject({ kind: 'refused' });
    expect(await reviews.token('secret-token', ['other'], here)).toMatchObject({ kind: 'refused' });
    expect(api.requests).toHaveLength(5);
  });

  test('a token is known for no longer than it says itself', async () => {
    const { clock, api, reviews } = await world(() => known);
    const claims = { exp: Math.floor(clock.now() / 1000) + 5 };
    const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
    await reviews.token(token, ['fist'], here);
    await clock.advance(4999);
    await reviews.token(token, ['fist'], here);
    expect(api.requests).toHaveLength(1);
    await clock.advance(1);
    await reviews.token(token, ['fist'], here);
    expect(api.requests).toHaveLength(2);
  });

  test('a server that has not looked at audiences accepts for itself alone', async () => {
    const { reviews } = await world(() => reviewed({ authenticated: true, user: web }));
    expect(await reviews.token('t', ['fist'], here)).toEqual({ kind: 'refused', reason: 'the token is not for fist' });
    expect(await reviews.token('t', [], here)).toMatchObject({ kind: 'known' });
  });

  test('nobody without a name, and what cannot be a token is asked of nobody', async () => {
    const { api, reviews } = await world(() => reviewed({ authenticated: true, user: {}, audiences: ['fist'] }));
    expect(await reviews.token('t', ['fist'], here)).toEqual({ kind: 'refused', reason: 'the token is of nobody' });
    for (const token of ['', 'two words', 'x\ny', 'x'.repeat(17_000), 'ü'])
      expect(await reviews.token(token, ['fist'], here)).toMatchObject({ kind: 'refused' });
    expect(api.requests).toHaveLength(1);
  });

  test('what could not be asked is an error, is asked again, and names the rule that is missing', async () => {
    const message =
      'User "x" cannot create resource "tokenreviews" in API group "authentication.k8s.io" at the cluster scope';
    let isAllowed = false;
    const { reviews } = await world(() =>
      isAllowed ? known : failure(403, 'Forbidden', `tokenreviews is forbidden: ${message}`),
    );
    await expect(reviews.token('t', ['fist'], here)).rejects.toMatchObject({
      code: 'Forbidden',
      next: 'allow it: a ClusterRole with the rule {apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"]}, bound to x',
    });
    isAllowed = true;
    expect(await reviews.token('t', ['fist'], here)).toMatchObject({ kind: 'known' });
  });
});

describe('what somebody may do', () => {
  const user = { name: 'anna', uid: '', groups: ['sre'], extra: {} };

  test('is asked of the server and kept for a while, a no for a shorter one', async () => {
    let allowed = true;
    const { clock, api, reviews } = await world(() => ({
      status: 201,
      body: { status: { allowed, reason: 'RBAC: yes' } },
    }));
    const wanted = { verb: 'create', group: 'punchingfist.io', resource: 'approvals', namespace: 'shop', name: 'x' };
    expect(await reviews.access(user, wanted)).toEqual({ allowed: true, reason: 'RBAC: yes' });
    expect(await reviews.access(user, { verb: 'get', path: '/healthz' })).toMatchObject({ allowed: true });
    allowed = false;
    await reviews.access(user, wanted);
    expect(api.requests.map(({ body }) => (body as { spec: object }).spec)).toEqual([
      { user: 'anna', uid: '', groups: ['sre'], extra: {}, resourceAttributes: wanted },
      { user: 'anna', uid: '', groups: ['sre'], extra: {}, nonResourceAttributes: { verb: 'get', path: '/healthz' } },
    ]);
    await clock.advance(60_000);
    expect(await reviews.access(user, wanted)).toMatchObject({ allowed: false });
    allowed = true;
    await clock.advance(10_000);
    expect(await reviews.access(user, wanted)).toMatchObject({ allowed: true });
  });

  test('a denial counts beside an allowance', async () => {
    const { reviews } = await world(() => ({
      status: 201,
      body: { status: { allowed: true, denied: true, evaluationError: 'webhook is away' } },
    }));
    const wanted = { verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace: null };
    expect(await reviews.selfAccess(wanted)).toEqual({ allowed: false, reason: 'webhook is away' });
  });
});

describe('tokens of accounts', () => {
  test('are asked for once, given out for four fifths of their life, and for ten minutes at most', async () => {
    let count = 0;
    const { clock, api, tokens } = await world(() => {
      count += 1;
      const expirationSeconds = count < 3 ? 600 : 86_400;
      const status = { token: `token-${count}`, expirationTimestamp: '2026-01-01T00:10:00Z' };
      return { status: 201, body: { spec: { expirationSeconds }, status } };
    });
    const [one, other] = await Promise.all([tokens.get('shop', 'reader'), tokens.get('shop', 'reader')]);
    expect([one.token, other.token]).toEqual(['token-1', 'token-1']);
    expect(one.expiresAt).toBe('2026-01-01T00:10:00Z');
    await clock.advance(479_999);
    expect((await tokens.get('shop', 'reader')).token).toBe('token-1');
    await clock.advance(1);
    expect((await tokens.get('shop', 'reader')).token).toBe('token-2');
    expect((await tokens.get('shop', 'reader', ['fist'])).token).toBe('token-3');
    await clock.advance(480_000);
    expect((await tokens.get('shop', 'reader', ['fist'])).token).toBe('token-4');
    tokens.forget('shop', 'reader', ['fist']);
    expect((await tokens.get('shop', 'reader', ['fist'])).token).toBe('token-5');
    expect(api.requests[0]).toMatchObject({
      path: '/api/v1/namespaces/shop/serviceaccounts/reader/token',
      body: { kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
    });
    expect(api.requests[2]).toMatchObject({ body: { spec: { expirationSeconds: 600, audiences: ['fist'] } } });
  });

  test('a failure is not kept, and names the rule', async () => {
    const message =
      'User "fist" cannot create resource "serviceaccounts/token" in API group "" in the namespace "shop"';
    const { tokens, api } = await world(() => failure(403, 'Forbidden', `forbidden: ${message}`));
    for (let time = 0; time < 2; time += 1)
      await expect(tokens.get('shop', 'reader')).rejects.toMatchObject({
        code: 'Forbidden',
        message: expect.stringContaining('could not create token of ServiceAccount shop/reader') as string,
        next: expect.stringContaining('resources: ["serviceaccounts/token"], resourceNames: ["reader"]') as string,
      });
    expect(api.requests).toHaveLength(3);
  });

  test('an answer without a token is no token', async () => {
    const { tokens } = await world(() => ({ status: 201, body: { spec: {}, status: {} } }));
    await expect(tokens.get('shop', 'reader')).rejects.toMatchObject({ code: 'ClusterUnavailable' });
  });
});

test('a cache forgets what is old, and of too many what was not asked for', () => {
  const cache = createTimedCache<number>(2);
  cache.set('a', 1, 10);
  cache.set('b', 2, 20);
  expect(cache.get('a', 5)).toBe(1);
  cache.set('c', 3, 20);
  expect([cache.get('a', 5), cache.get('b', 5), cache.get('c', 5)]).toEqual([1, undefined, 3]);
  expect(cache.get('a', 10)).toBeUndefined();
  cache.delete('c');
  expect(cache.size).toBe(0);
});
