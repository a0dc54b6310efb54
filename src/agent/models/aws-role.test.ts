import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { credentialsFromRole } from './aws-role.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const role = 'arn:aws:iam::123456789012:role/fist';

/** AWS's STS, which answers so often with credentials that end after an hour. */
function sts(answer?: { readonly status: number; readonly body: object }) {
  const asked: { readonly url: string; readonly form: URLSearchParams; readonly accept: string | null }[] = [];
  const state = { nowMs: 1_767_225_600_000 };
  const tokenFile = join(cleanup.temporaryFolder('token'), 'token');
  writeFileSync(tokenFile, 'token-1\n');
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const text = typeof init?.body === 'string' ? init.body : '';
    asked.push({ url, form: new URLSearchParams(text), accept: new Headers(init?.headers).get('accept') });
    const Credentials = {
      AccessKeyId: `ASIA${asked.length}`,
      SecretAccessKey: 'secret',
      SessionToken: 'session',
      Expiration: state.nowMs / 1000 + 3600,
    };
    const good = { AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials } } };
    return new Response(JSON.stringify(answer?.body ?? good), { status: answer?.status ?? 200 });
  };
  const region = 'eu-west-1';
  const credentials = credentialsFromRole({ role, tokenFile, region, fetch, now: () => state.nowMs });
  return { asked, state, tokenFile, credentials };
}

test('the role is taken with the token of the pod, once, and again before it ends with the token of then', async () => {
  const { asked, state, tokenFile, credentials } = sts();
  const first = { accessKeyId: 'ASIA1', secretAccessKey: 'secret', sessionToken: 'session' };
  expect(await credentials()).toEqual(first);
  state.nowMs += 50 * 60_000;
  expect(await credentials()).toEqual(first);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ url: 'https://sts.eu-west-1.amazonaws.com/', accept: 'application/json' });
  expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: 'punching-fist',
    WebIdentityToken: 'token-1',
  });
  writeFileSync(tokenFile, 'token-2');
  state.nowMs += 6 * 60_000;
  expect((await credentials()).accessKeyId).toBe('ASIA2');
  expect(asked[1]?.form.get('WebIdentityToken')).toBe('token-2');
});

test('a refusal is a failure with a reason, without the token', async () => {
  const { credentials } = sts({ status: 403, body: { Error: { Code: 'AccessDenied', Message: 'token-1 is bad' } } });
  const failure = credentials();
  await expect(failure).rejects.toMatchObject({
    reason: 'Unauthorized',
    wasSent: false,
    message: `AWS gave no credentials for ${role} (HTTP 403): AccessDenied`,
  });
});
