import type { ClusterResource } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import type { KubeClient } from '../connection/client.ts';
import { eventRuleFor, ruleFor, watchRuleFor } from '../connection/remedies.ts';
import { resourceNames, resourceTypes, watchedType } from '../kinds/resources.ts';

type Readable = ClusterResource | 'pods/log';

/** What an investigation reads it for. */
const purposes: Readonly<Record<Readable, string>> = {
  pods: 'why containers end, wait or are not ready',
  'pods/log': 'the last words of a process before it ended',
  events: 'what the cluster says of failed starts, probes and mounts',
  nodes: 'pressure, taints and room on nodes',
  namespaces: 'namespaces that are being deleted',
  services: 'Services whose selector or port fits no pod',
  endpointslices: 'whether a Service has ready endpoints',
  deployments: 'rollouts, and what they changed',
  replicasets: 'which revision a failing pod runs',
  statefulsets: 'rollouts of StatefulSets',
  daemonsets: 'what serves a node: network, storage, agents',
  jobs: 'failed Jobs, and their limits',
  cronjobs: 'the schedule that a Job comes from',
  horizontalpodautoscalers: 'autoscalers at their limit or without metrics',
  poddisruptionbudgets: 'budgets that hold up a drain or a rollout',
  persistentvolumeclaims: 'claims that are not bound or too small',
  persistentvolumes: 'volumes behind a claim, and their zone',
  storageclasses: 'why a claim gets no volume',
  networkpolicies: 'what keeps pods from each other',
  ingresses: 'which Service a host leads to',
  configmaps: 'whether a named ConfigMap and its keys exist; values are masked',
  resourcequotas: 'quotas that keep pods from being made',
  limitranges: 'limits that a namespace sets',
};

/** Whether this identity may read one kind of object, as far as the API server says. */
export interface Permission {
  readonly resource: Readable;
  readonly purpose: string;
  /** Of `get` and `list`, those that are not allowed. */
  readonly missing: readonly string[];
  /** What makes them allowed; null where nothing is missing. */
  readonly remedy: string | null;
}

export interface Permissions {
  /** As the API server names it; null where it does not say (before Kubernetes 1.28). */
  readonly user: string | null;
  readonly permissions: readonly Permission[];
  /** By the API server's clock, in milliseconds since the epoch; null where it does not say. */
  readonly serverMs: number | null;
}

/** What of a kind may not be read. */
export type MissingRight = Pick<Permission, 'resource' | 'missing'>;

const everything: readonly Readable[] = [...resourceNames, 'pods/log'];

/**
 * Asks the API server what this identity may read, in one namespace or (null) in all. Reads nothing and changes nothing.
 * Throws ClusterUnavailable.
 */
export async function readPermissions(
  client: Pick<KubeClient, 'review' | 'server'>,
  namespace: string | null,
): Promise<Permissions> {
  // Whether the server answers at all the next questions tell; an older one has no such review.
  const user = await whoAmI(client).catch(() => null);
  const asked = await Promise.all(everything.map((resource) => askFor(client, resource, namespace)));
  const permissions = asked.map(({ resource, missing }) => {
    const rule = missing.length === 0 ? null : `allow it: ${ruleFor(resource, namespace)}`;
    const remedy = rule === null || user === null ? rule : `${rule}, bound to ${user}`;
    return { resource, purpose: purposes[resource], missing, remedy };
  });
  return { user, permissions, serverMs: asked[0]?.serverMs ?? null };
}

/** The kinds that this identity may not read, in one namespace or (null) in all. Reads nothing. Throws as the review does. */
export async function missingRights(
  client: Pick<KubeClient, 'review'>,
  namespace: string | null,
  resources: readonly Readable[] = everything,
): Promise<readonly MissingRight[]> {
  const asked = await Promise.all(resources.map((resource) => askFor(client, resource, namespace)));
  return asked.filter(({ missing }) => missing.length > 0);
}

async function askFor(client: Pick<KubeClient, 'review'>, resource: Readable, namespace: string | null) {
  const verbs = resource === 'pods/log' ? ['get'] : ['get', 'list'];
  const [name, subresource] = resource.split('/') as [ClusterResource, string?];
  const { group, version, namespaced } = resourceTypes[name];
  const where = namespaced && namespace !== null ? { namespace } : {};
  const answers = await Promise.all(
    verbs.map((verb) => {
      const attributes = { verb, group, version, resource: name, ...where };
      return client.review('SelfSubjectAccessReview', {
        resourceAttributes: subresource === undefined ? attributes : { ...attributes, subresource },
      });
    }),
  );
  const missing = verbs.filter((_verb, index) => answers[index]?.status['allowed'] !== true);
  return { resource, missing, serverMs: answers[0]?.serverMs ?? null };
}

/** What a Source watches. */
export interface Watched {
  readonly resource: string;
  /** null = in all. */
  readonly namespace: string | null;
}

/** For each, what of `list` and `watch` is not allowed, and the rule that allows it (null where nothing is missing). */
export async function readWatchPermissions(
  client: KubeClient,
  watched: readonly Watched[],
): Promise<readonly Pick<Permission, 'missing' | 'remedy'>[]> {
  return Promise.all(
    watched.map(async ({ resource, namespace }) => {
      const { group, version, plural } = watchedType(resource);
      const where = namespace === null ? {} : { namespace };
      const verbs = ['list', 'watch'];
      const answers = await Promise.all(
        verbs.map((verb) =>
          client.review('SelfSubjectAccessReview', {
            resourceAttributes: { verb, group, version, resource: plural, ...where },
          }),
        ),
      );
      const missing = verbs.filter((_verb, place) => answers[place]?.status['allowed'] !== true);
      return { missing, remedy: missing.length === 0 ? null : `allow it: ${watchRuleFor(resource, namespace)}` };
    }),
  );
}

/** What makes it allowed to create Events, in one namespace or (null) in all; null where it is. */
export async function eventRemedy(client: KubeClient, namespace: string | null): Promise<string | null> {
  const where = namespace === null ? {} : { namespace };
  const { status } = await client.review('SelfSubjectAccessReview', {
    resourceAttributes: { verb: 'create', group: 'events.k8s.io', version: 'v1', resource: 'events', ...where },
  });
  return status['allowed'] === true ? null : `allow it: ${eventRuleFor(namespace)}`;
}

/** Who this identity is, as the API server names it. Throws ClusterUnavailable where it does not say (before Kubernetes 1.28). */
export async function whoAmI({ review, server }: Pick<KubeClient, 'review' | 'server'>): Promise<string> {
  const { status } = await review('SelfSubjectReview', {});
  const { username } = (status['userInfo'] ?? {}) as { username?: unknown };
  if (typeof username === 'string' && username !== '') return username;
  throw new AppError('ClusterUnavailable', `${server} does not say who asks it`, { next: 'kubectl auth whoami' });
}
