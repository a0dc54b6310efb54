import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { AppError } from '../core/errors.ts';
import type { KubeClient } from '../kube/connection/client.ts';
import { silentLog } from '../lib/silent-log.ts';
import { createNamedAccounts } from './accounts.ts';

const shop = { namespace: 'shop', name: 'investigator' };

function world() {
  const clock = createFakeClock();
  const state = {
    isAllowed: true,
    isAway: false,
    reviews: 0,
    changes: 0,
  };
  const client = {
    review: async (kind: string) => {
      expect(kind).toBe('SelfSubjectAccessReview');
      state.reviews += 1;
      if (state.isAway) throw new AppError('ClusterUnavailable', 'it does not answer');
      return { status: { allowed: state.isAllowed }, serverMs: null };
    },
  } as unknown as KubeClient;
  const listed = new Set(['shop/investigator', 'fist/operator']);
  const accounts = createNamedAccounts({
    clients: {
      of: ({ namespace, name }) => (listed.has(`${namespace}/${name}`) ? client : null),
      async isOwn({ namespace, name }) {
        if (state.isAway) throw new AppError('ClusterUnavailable', 'it does not answer');
        return `${namespace}/${name}` === 'fist/operator';
      },
    },
    onlyNamespaceOf: (namespace) => namespace,
    clock,
    random: () => 1,
    log: silentLog,
    onChange: () => void (state.changes += 1),
  });
  return { clock, state, accounts };
}

test('an account is asked about once it is needed, and again every while, without a hot loop', async () => {
  const { clock, state, accounts } = world();
  expect(accounts.verdict(shop)).toMatchObject({ status: 'Unknown', reason: 'AccountNotAsked' });
  expect(state.reviews).toBe(0);
  state.isAllowed = false;
  accounts.need([shop, shop]);
  await clock.advance(1000);
  await accounts.whenAsked();
  expect(accounts.verdict(shop)).toEqual({
    status: 'False',
    reason: 'PermissionMissing',
    message:
      'ServiceAccount shop/investigator may not get and list pods, get and list events; kubectl create rolebinding investigator-view -n shop --clusterrole=view --serviceaccount=shop:investigator',
  });
  expect(state).toMatchObject({ reviews: 4, changes: 1 });
  accounts.need([shop]);
  await clock.advance(10 * 60_000);
  // Four questions each half minute.
  expect(state.reviews).toBe(84);
  expect(state.changes).toBe(1);
  state.isAllowed = true;
  await clock.advance(31_000);
  expect(accounts.verdict(shop)).toMatchObject({ status: 'True' });
  expect(state.changes).toBe(2);
  state.isAllowed = false;
  await clock.advance(5 * 60_000 + 1000);
  expect(accounts.verdict(shop)).toMatchObject({ status: 'False' });
  const { reviews } = state;
  accounts.need([]);
  await clock.advance(60 * 60_000);
  expect(state.reviews).toBe(reviews);
  await accounts.stop();
});

test('what is not listed is not asked about, and neither is the account of the operator', async () => {
  const { clock, state, accounts } = world();
  const unlisted = { namespace: 'bank', name: 'investigator' };
  const own = { namespace: 'fist', name: 'operator' };
  accounts.need([unlisted, own]);
  expect(accounts.verdict(unlisted)).toMatchObject({ status: 'False', reason: 'AccountNotAllowed' });
  await clock.advance(1000);
  expect(accounts.verdict(own)).toMatchObject({ status: 'False', reason: 'AccountNotAllowed' });
  expect(state.reviews).toBe(0);
  await accounts.stop();
});

test('who the operator is, is asked until it is known', async () => {
  const { clock, state, accounts } = world();
  state.isAway = true;
  accounts.need([{ namespace: 'fist', name: 'operator' }]);
  await clock.advance(1000);
  expect(accounts.verdict({ namespace: 'fist', name: 'operator' })).toMatchObject({ status: 'Unknown' });
  state.isAway = false;
  await clock.advance(60_000);
  expect(accounts.verdict({ namespace: 'fist', name: 'operator' })).toMatchObject({ reason: 'AccountNotAllowed' });
  await accounts.stop();
});

test('what was found holds while nobody can be asked; before that it is not known', async () => {
  const { clock, state, accounts } = world();
  state.isAway = true;
  accounts.need([shop]);
  await clock.advance(1000);
  await accounts.whenAsked();
  expect(accounts.verdict(shop)).toMatchObject({ status: 'Unknown' });
  expect(accounts.verdict(shop).message).toContain('it does not answer');
  state.isAway = false;
  await clock.advance(60_000);
  expect(accounts.verdict(shop)).toMatchObject({ status: 'True' });
  state.isAway = true;
  await clock.advance(20 * 60_000);
  expect(accounts.verdict(shop)).toMatchObject({ status: 'True' });
  await accounts.stop();
});
