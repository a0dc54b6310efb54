import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { loopbackKubeconfig, startScriptedApi } from '../../../test/support/scripted-api.ts';
import { kubeconfigAccess } from './kubeconfig.ts';
import { ownNamespace, serviceAccountAccess } from './service-account.ts';
import { connectTransport } from './transport.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** Takes one token, and writes down those that it was given. */
async function serverTaking(token: () => string) {
  const given: string[] = [];
  const api = await startScriptedApi(cleanup, ({ headers }) => {
    given.push(headers.authorization ?? '');
    return { status: headers.authorization === `Bearer ${token()}` ? 200 : 401, body: '{}' };
  });
  const port = Number(new URL(api.transport.server).port);
  return { given, port };
}

const request = { method: 'GET', path: '/version', maxBytes: 1000 } as const;

describe('a kubeconfig', () => {
  test('with a tokenFile, named from its own folder: it wins over a token, and is read again when it is refused', async () => {
    let token = 'first';
    const { given, port } = await serverTaking(() => token);
    const folder = cleanup.temporaryFolder('kubeconfig');
    const write = (text: string): void => writeFileSync(join(folder, 'token'), text);
    write('first\n');
    const user = { token: 'old', tokenFile: 'token' };
    writeFileSync(join(folder, 'config'), JSON.stringify(loopbackKubeconfig(port, user)));
    const transport = await connectTransport({ kubeconfig: join(folder, 'config') });
    cleanup.defer(() => transport.close());
    expect(await transport.once(request)).toMatchObject({ status: 200 });
    token = 'second';
    write('second');
    // Not looked at before it must be.
    expect(await transport.once(request)).toMatchObject({ status: 200 });
    expect(given).toEqual(['Bearer first', 'Bearer first', 'Bearer second']);
  });

  test('is read again when the server refuses what it had', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    cleanup.defer(() => void vi.useRealTimers());
    const { given, port } = await serverTaking(() => 'new');
    const file = join(cleanup.temporaryFolder('kubeconfig'), 'config');
    writeFileSync(file, JSON.stringify(loopbackKubeconfig(port, { token: 'old' })));
    const transport = await connectTransport({ kubeconfig: file });
    cleanup.defer(() => transport.close());
    expect(await transport.once(request)).toMatchObject({ status: 401 });
    writeFileSync(file, JSON.stringify(loopbackKubeconfig(port, { token: 'new' })));
    // Once a second: plug-ins may ask people.
    expect(await transport.once(request)).toMatchObject({ status: 401 });
    vi.advanceTimersByTime(1000);
    expect(await transport.once(request)).toMatchObject({ status: 200 });
    expect(given).toEqual(['Bearer old', 'Bearer old', 'Bearer old', 'Bearer old', 'Bearer old', 'Bearer new']);
  });

  test('that cannot be used says what is wrong', async () => {
    const folder = cleanup.temporaryFolder('kubeconfig');
    const file = join(folder, 'config');
    const user = { tokenFile: 'absent' };
    writeFileSync(file, JSON.stringify(loopbackKubeconfig(1, user)));
    const transport = await connectTransport({ kubeconfig: file });
    cleanup.defer(() => transport.close());
    await expect(transport.once(request)).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      retryable: false,
      message: `the kubeconfig's tokenFile ${join(folder, 'absent')} cannot be read`,
    });
    await expect(kubeconfigAccess({ kubeconfig: file, context: 'other' })).rejects.toMatchObject({
      message: 'the kubeconfig has no context "other" (it has: x)',
    });
    await expect(kubeconfigAccess({ kubeconfig: join(folder, 'none') })).rejects.toMatchObject({
      message: expect.stringContaining('cannot be read') as string,
    });
  });
});

describe('the account of a pod', () => {
  const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };

  test('its server, token, certificate and namespace', async () => {
    const folder = cleanup.temporaryFolder('account');
    writeFileSync(join(folder, 'token'), 'abc\n');
    writeFileSync(join(folder, 'ca.crt'), 'CA');
    expect(await ownNamespace(folder)).toBeNull();
    writeFileSync(join(folder, 'namespace'), 'shop\n');
    const access = serviceAccountAccess({ folder, environment });
    expect(access).toMatchObject({ server: 'https://[fd00::1]:443', kubectl: 'kubectl' });
    expect(await access.readIdentity(false)).toEqual({ headers: { authorization: 'Bearer abc' }, tls: { ca: 'CA' } });
    expect(await ownNamespace(folder)).toBe('shop');
  });

  test('is missing outside of one, or where it is not mounted', async () => {
    expect(() => serviceAccountAccess({ environment: {} })).toThrow('this is no pod');
    const folder = cleanup.temporaryFolder('account');
    const access = serviceAccountAccess({ folder, environment });
    await expect(access.readIdentity(false)).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringMatching(/token cannot be read \(ENOENT\)$/) as string,
      next: 'look at automountServiceAccountToken of the pod and its account',
    });
  });
});
