import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { KubeAccess } from './kubeconfig.ts';

/** Where the kubelet puts what a pod needs to talk to the API server. */
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface ServiceAccountPlace {
  /** Has `token` and `ca.crt`; absent: where the kubelet puts them. */
  readonly folder?: string;
  /** Has KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The pod's own ServiceAccount, without a Kubernetes client. The kubelet replaces the token before it ends (at 80 % of its life), so
 * both files are read again every while, and when the server does not take the token any more.
 */
export function serviceAccountAccess({ folder = accountFolder, environment }: ServiceAccountPlace): KubeAccess {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (host === undefined || host === '' || port === undefined || port === '')
    throw new AppError(
      'ClusterUnavailable',
      'this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set',
      { retryable: false, next: 'name a kubeconfig, or run it in a cluster' },
    );
  const read = (name: string): Promise<string> =>
    readFile(join(folder, name), 'utf8').catch((cause: unknown) => {
      const { code = 'error' } = cause as { readonly code?: string };
      throw new AppError('ClusterUnavailable', `the ServiceAccount's ${join(folder, name)} cannot be read (${code})`, {
        cause,
        next: 'look at automountServiceAccountToken of the pod and its account',
      });
    });
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return {
    server,
    proxyUrl: undefined,
    description: `in-cluster account at ${server}`,
    kubectl: 'kubectl',
    async readIdentity() {
      const token = await read('token');
      const ca = await read('ca.crt');
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    },
  };
}

/** The namespace that this pod is in; null where it is none. */
export async function ownNamespace(folder = accountFolder): Promise<string | null> {
  const text = await readFile(join(folder, 'namespace'), 'utf8').catch(() => '');
  return text.trim() === '' ? null : text.trim();
}
