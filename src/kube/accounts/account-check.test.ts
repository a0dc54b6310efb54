import { expect, test } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { checkAccount } from './account-check.ts';
import type { KubeClient } from '../connection/client.ts';
import { KubeFailure } from '../connection/failure.ts';

const place = { namespace: 'shop', name: 'investigator' };

/** As an account that may do what `isAllowed` says of `list pods shop`. */
function clientOf(isAllowed: (wanted: string) => boolean) {
  const asked: string[] = [];
  const review: KubeClient['review'] = async (kind, spec) => {
    expect(kind).toBe('SelfSubjectAccessReview');
    const {
      verb,
      resource,
      namespace = '*',
    } = (spec as { resourceAttributes: Record<string, string> }).resourceAttributes;
    const wanted = `${verb} ${resource} ${namespace}`;
    asked.push(wanted);
    return { status: { allowed: isAllowed(wanted) }, serverMs: null };
  };
  return { client: { review }, asked };
}

function refusing(reason: 'NotFound' | 'Forbidden' | 'Busy', message: string) {
  const details = { status: 0, next: 'do this', owners: [], afterMs: null };
  return { review: () => Promise.reject(new KubeFailure(reason, message, details)) };
}

test('all may be read', async () => {
  expect(await checkAccount(clientOf(() => true).client, place, 'shop')).toEqual({
    status: 'True',
    reason: 'AccountReads',
    message: 'investigations look as ServiceAccount shop/investigator',
    next: null,
  });
});

test('what may not be read beside the least is told', async () => {
  const { client } = clientOf((wanted) => / (pods|events) /.test(wanted));
  const { status, message } = await checkAccount(client, place, 'shop');
  expect(status).toBe('True');
  expect(message).toMatch(/which may not read nodes, namespaces, .* and \d+ more kinds in namespace shop: /);
});

test('without the least nothing more is asked, and the message says what is missing and how it is given', async () => {
  const { client, asked } = clientOf((wanted) => wanted === 'get pods shop');
  expect(await checkAccount(client, place, 'shop')).toEqual({
    status: 'False',
    reason: 'PermissionMissing',
    message: 'ServiceAccount shop/investigator may not list pods, get and list events',
    next: 'kubectl create rolebinding investigator-view -n shop --clusterrole=view --serviceaccount=shop:investigator',
  });
  expect(asked).toEqual(['get pods shop', 'list pods shop', 'get events shop', 'list events shop']);
});

test('who may look at all namespaces needs no right in its own', async () => {
  const { client, asked } = clientOf(() => false);
  expect(await checkAccount(client, place, null)).toMatchObject({ status: 'True' });
  expect(asked).toContain('list pods *');
});

test.each([
  [
    'NotFound',
    'AccountNotFound',
    'there is no ServiceAccount shop/investigator',
    'kubectl create serviceaccount investigator -n shop',
  ],
  [
    'Forbidden',
    'TokenRefused',
    'the operator gets no token of ServiceAccount shop/investigator: not you; not now',
    'do this',
  ],
] as const)('%s is %s', async (reason, told, message, next) => {
  const verdict = await checkAccount(refusing(reason, 'not you; not now'), place, 'shop');
  expect(verdict).toEqual({ status: 'False', reason: told, message, next });
});

test('a server that cannot be asked now says nothing of the account', async () => {
  await expect(checkAccount(refusing('Busy', 'later'), place, 'shop')).rejects.toThrow('later');
  const away = { review: () => Promise.reject(new AppError('ClusterUnavailable', 'away')) };
  await expect(checkAccount(away, place, 'shop')).rejects.toThrow('away');
});
