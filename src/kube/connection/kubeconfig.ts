import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { delimiter, dirname, resolve } from 'node:path';
import { homedir } from 'node:os';
import { parse } from 'yaml';
import type { KubeConfig } from '@kubernetes/client-node';
import { AppError } from '../../core/errors.ts';
import type { Identity, ReadIdentity } from './credentials.ts';

/** An API server and who asks it. */
export interface KubeAccess {
  /** Without a slash at its end. */
  readonly server: string;
  readonly proxyUrl: string | undefined;
  /** For people: `context kind-dev`, `in-cluster account at https://10.0.0.1:443`. */
  readonly description: string;
  /** The start of a kubectl command that talks to the same server. */
  readonly kubectl: string;
  readonly readIdentity: ReadIdentity;
}

export interface KubeconfigPlace {
  /** A kubeconfig file; absent: `KUBECONFIG`, then `~/.kube/config`. */
  readonly kubeconfig?: string;
  /** A context of it; absent: the current one. */
  readonly context?: string;
}

/**
 * A context of a kubeconfig, with everything that its users may have: tokens, token files, client certificates, plug-ins. null where
 * there is no kubeconfig and this is a pod with an account of its own. Throws ClusterUnavailable where it cannot be used.
 */
export async function kubeconfigAccess(place: KubeconfigPlace): Promise<KubeAccess | null> {
  let config = await loadConfig(place);
  const context = config.getCurrentContext();
  if (context === 'inClusterContext') return null;
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw configError(`the kubeconfig has no cluster for context ${JSON.stringify(context)}`);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    proxyUrl: cluster.proxyUrl,
    description: `context ${context}`,
    kubectl: `kubectl --context ${context}`,
    async readIdentity(refused) {
      // What plug-ins answered is kept in it, whatever the server says.
      if (refused) config = await loadConfig({ ...place, context });
      return readIdentity(config, await tokenFileOf(place, config.getCurrentUser()?.name ?? ''));
    },
  };
}

/** Where a context looks for what names no namespace, as kubectl does. Throws ClusterUnavailable where there is no such context. */
export async function contextNamespace(place: KubeconfigPlace): Promise<string> {
  const config = await loadConfig(place);
  return config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
}

async function readIdentity(config: KubeConfig, tokenFile: string | null): Promise<Identity> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername, headers, auth } = options;
  const tls = Object.fromEntries(
    Object.entries({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
      ([, value]) => value !== undefined && value !== null,
    ),
  );
  const basic = typeof auth === 'string' ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  const token = tokenFile === null ? {} : { Authorization: `Bearer ${await readToken(tokenFile)}` };
  return { tls, headers: { ...basic, ...(headers as Record<string, string> | undefined), ...token } };
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw configError(`the kubeconfig's tokenFile ${file} cannot be read`, cause);
  }
}

/** `tokenFile` of a user, which the Kubernetes client does not know; like kubectl, it wins over `token`. */
async function tokenFileOf({ kubeconfig }: KubeconfigPlace, userName: string): Promise<string | null> {
  const named = kubeconfig ?? process.env['KUBECONFIG'] ?? resolve(homedir(), '.kube/config');
  for (const file of kubeconfig === undefined ? named.split(delimiter) : [named]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (!text.includes('tokenFile')) continue;
    const { users } = parse(text) as { readonly users?: unknown };
    const found = (Array.isArray(users) ? users : []).find(
      (one: { readonly name?: unknown }) => one.name === userName,
    ) as { readonly user?: { readonly tokenFile?: unknown } } | undefined;
    if (typeof found?.user?.tokenFile === 'string') return resolve(dirname(file), found.user.tokenFile);
  }
  return null;
}

async function loadConfig({ kubeconfig, context }: KubeconfigPlace): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
    else config.loadFromDefault();
  } catch (error) {
    throw configError(
      `the kubeconfig ${kubeconfig ?? ''} cannot be read (${error instanceof Error ? error.message : String(error)})`,
      error,
    );
  }
  if (context === undefined) return config;
  if (config.getContextObject(context) === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw configError(
      `the kubeconfig has no context ${JSON.stringify(context)} (it has: ${known.join(', ') || 'none'})`,
    );
  }
  config.setCurrentContext(context);
  return config;
}

function configError(message: string, cause?: unknown): AppError {
  return new AppError('ClusterUnavailable', message, {
    retryable: false,
    next: 'kubectl config get-contexts',
    ...(cause === undefined ? {} : { cause }),
  });
}
