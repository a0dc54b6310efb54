import { afterEach, expect, test } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { createAccountClients } from './account-clients.ts';
import type { Review } from '../connection/client.ts';

const own = { namespace: 'fist', name: 'operator' };
const shop = { namespace: 'shop', name: 'investigator' };

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const clients of opened.splice(0)) await clients.close();
});

/** Nobody listens where it asks: what counts is of whom a token was made. */
function world() {
  const state = {
    asked: 0,
    made: [] as string[],
    answer: (): Review['status'] => ({ userInfo: { username: 'system:serviceaccount:fist:operator' } }),
  };
  const clients = createAccountClients({
    access: {
      server: 'http://127.0.0.1:1',
      proxyUrl: undefined,
      description: 'a test',
      kubectl: 'kubectl',
      readIdentity: async () => ({ headers: {}, tls: {} }),
    },
    client: {
      server: 'http://127.0.0.1:1',
      async review(kind) {
        expect(kind).toBe('SelfSubjectReview');
        state.asked += 1;
        return { status: state.answer(), serverMs: null };
      },
    },
    tokens: {
      async get(namespace, name) {
        state.made.push(`${namespace}/${name}`);
        return { token: 'x', expiresAt: '2026-01-01T00:00:00Z' };
      },
      forget: () => undefined,
    },
    allowed: [own, shop],
  });
  opened.push(clients);
  const ask = async (place: typeof own): Promise<string> => {
    const asked = clients.of(place)?.review('SelfSubjectAccessReview', {});
    return asked === undefined ? 'no client' : asked.then(String, (thrown: Error) => thrown.message);
  };
  return { state, clients, ask };
}

test('no token is made of the account of the operator, whoever lists it', async () => {
  const { state, clients, ask } = world();
  // A run of a Workflow that is not ready asks as well: nobody has looked whose account it is.
  expect(clients.of(own)).not.toBeNull();
  expect(await ask(own)).toContain('the installation does not let Workflows of namespace fist look with');
  expect(state.made).toEqual([]);
  // Known from now on.
  expect(clients.of(own)).toBeNull();
  expect(clients.of({ ...own, name: 'other' })).toBeNull();
});

test('others are asked with their token; who the operator is does not change', async () => {
  const { state, clients, ask } = world();
  await Promise.all([ask(shop), ask(shop), clients.isOwn(shop)]);
  await ask(shop);
  expect(new Set(state.made)).toEqual(new Set(['shop/investigator']));
  expect(state.asked).toBe(1);
  expect([await clients.isOwn(own), await clients.isOwn(shop)]).toEqual([true, false]);
  expect(state.asked).toBe(1);
});

test.each<[string, () => Review['status']]>([
  [
    'is refused the question',
    () => {
      throw new AppError('ClusterUnavailable', 'answered 403 to a SelfSubjectReview');
    },
  ],
  ['is told no name', () => ({})],
  ['is told an empty one', () => ({ userInfo: { username: '' } })],
])('an operator that %s makes no token, and asks again', async (_name, answer) => {
  const { state, clients, ask } = world();
  const known = state.answer;
  state.answer = answer;
  expect(await ask(own)).toMatch(/answered 403|does not say who asks/);
  expect(await ask(shop)).toMatch(/answered 403|does not say who asks/);
  await expect(clients.isOwn(own)).rejects.toMatchObject({ code: 'ClusterUnavailable' });
  expect(state.made).toEqual([]);
  state.answer = known;
  expect(await clients.isOwn(own)).toBe(true);
});
