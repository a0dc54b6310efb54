import { describe, expect, test } from 'vitest';
import { fakeServer } from '../../test/support/fake-server.ts';
import type { Identities, Right } from '../core/identity.ts';
import { AppError } from '../core/errors.ts';
import { rightText } from '../core/identity.ts';
import { authorize } from './rights.ts';
import type { RouteRight } from './define-route.ts';
import type { ServerReader } from './options.ts';

/** Knows `ada`, who may do what `rights` say, in words. */
function identities(...rights: readonly string[]): Identities {
  return {
    async check({ token }, right) {
      if (token !== 'token-of-ada') return { kind: 'unknown' };
      return { kind: right === null || rights.includes(rightText(right)) ? 'allowed' : 'forbidden', user: 'ada' };
    },
  };
}

const row = async () => ({ namespace: 'shop' });
const reader = {
  lists: { alert: row, event: row, deadLetter: row, idsLike: async () => [] },
  runs: { find: async (id: string) => (id.startsWith('0') ? { namespace: 'shop' } : undefined) },
  deliveries: { find: row },
} as unknown as ServerReader;

const id = '00000000-0000-4000-8000-000000000000';
const gone = '10000000-0000-4000-8000-000000000000';
const readAll = 'get on runs.punchingfist.io in all namespaces';
const readShop = 'get on runs.punchingfist.io in namespace shop';
const changeShop = 'update on runs.punchingfist.io in namespace shop';

describe('what a right is about', () => {
  test.each<[string, RouteRight, string, object, object, readonly string[], boolean]>([
    ['all, with the right for all', 'read', '/api/v1/runs', {}, {}, [readAll], true],
    ['all, with that for one', 'read', '/api/v1/runs', {}, {}, [readShop], false],
    ['a filter', 'read', '/api/v1/runs', {}, { namespace: 'shop' }, [readShop], true],
    ['another one', 'read', '/api/v1/runs', {}, { namespace: 'fist' }, [readShop], false],
    ['two at once', 'read', '/api/v1/runs', {}, { namespace: ['shop', 'fist'] }, [readShop], false],
    ['what alerts are about is no wall', 'read', '/api/v1/alerts', {}, { namespace: 'shop' }, [readShop], false],
    ['that of their Source is', 'read', '/api/v1/alerts', {}, { fistNamespace: 'shop' }, [readShop], true],
    ['a run', 'read', '/api/v1/runs/:id', { id }, {}, [readShop], true],
    ['a run that is not there', 'read', '/api/v1/runs/:id', { id: gone }, {}, [readShop], false],
    ['a filter beside a run', 'read', '/api/v1/runs/:id', { id: gone }, { namespace: 'shop' }, [readShop], false],
    ['an alert', 'read', '/api/v1/alerts/:id', { id }, {}, [readShop], true],
    ['a delivery', 'change', '/api/v1/deliveries/:id/retry', { id }, {}, [changeShop], true],
    ['a change, with the right to read', 'change', '/api/v1/runs/:id/cancel', { id }, {}, [readShop], false],
    ['an object', 'read', '/api/v1/sources/:namespace/:name', { namespace: 'shop', name: 'am' }, {}, [readShop], true],
    ['the rows of the contract', 'read', '/alerts/:id', { id }, {}, [readShop], false],
    ['metrics', 'metrics', '/metrics', {}, {}, [readAll], false],
    ['metrics, allowed', 'metrics', '/metrics', {}, {}, ['get on /metrics'], true],
    ['nothing', 'identity', '/', {}, {}, [], true],
  ])('%s', async (_name, needs, path, params, query, rights, isAllowed) => {
    const world = { identities: identities(...rights), reader };
    const asked = authorize(
      world,
      { shown: { token: 'token-of-ada', from: '10.0.0.1' }, user: 'ada' },
      { path, needs },
      { params, query: query as never },
    );
    if (isAllowed)
      await expect(asked).resolves.toMatchObject({
        within: rights.includes(readAll) || needs === 'metrics' || needs === 'identity' ? null : 'shop',
      });
    else
      await expect(asked).rejects.toMatchObject({
        code: 'Forbidden',
        message: expect.stringMatching(/^ada may not/) as string,
      });
  });
});

describe('the API with a cluster', () => {
  const as = (token: string) => ({ authorization: `Bearer ${token}` });

  test('takes its own token, and of others whom the cluster lets', async () => {
    const { server } = await fakeServer({ identities: identities(readAll) });
    const status = async (url: string, token: string) => (await server.inject({ url, headers: as(token) })).statusCode;
    expect(await status('/', 'token-of-ada')).toBe(200);
    const unknown = await server.inject({ url: '/', headers: as('token-of-nobody') });
    expect(unknown.statusCode).toBe(401);
    expect(unknown.headers['www-authenticate']).toContain('invalid_token');
    expect(await status('/metrics', 'token-of-ada')).toBe(403);
    expect((await server.inject({ url: '/' })).statusCode).toBe(401);
    await server.close();
  });

  test('a cluster that does not answer lets nobody in, and says so', async () => {
    for (const code of ['ClusterUnavailable', 'Forbidden'] as const) {
      const check = async (): Promise<never> => {
        throw new AppError(code, 'system:serviceaccount:fist:operator may not create tokenreviews');
      };
      const { server } = await fakeServer({ identities: { check } });
      const answer = await server.inject({ url: '/', headers: as('token-of-ada') });
      expect(answer.statusCode).toBe(503);
      // Nothing of our own account is for who calls.
      expect(answer.json()).toMatchObject({ message: 'the cluster could not be asked who calls' });
      await server.close();
    }
  });

  test('without a cluster a token is only that of the server', async () => {
    const { server } = await fakeServer();
    expect((await server.inject({ url: '/', headers: as('token-of-ada') })).statusCode).toBe(401);
    await server.close();
  });
});

test.each<[Right, string]>([
  [{ verb: 'get', resource: 'runs', namespace: null }, readAll],
  [
    { verb: 'update', resource: 'approvals', namespace: 'shop' },
    'update on approvals.punchingfist.io in namespace shop',
  ],
  [{ verb: 'get', path: '/metrics' }, 'get on /metrics'],
  [
    { verb: 'create', resource: 'sources/webhook', namespace: 'shop', name: 'am' },
    'create on sources.punchingfist.io/webhook am in namespace shop',
  ],
])('a right in words: %j', (right, text) => {
  expect(rightText(right)).toBe(text);
});
