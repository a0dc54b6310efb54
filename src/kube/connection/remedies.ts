import type { ClusterResource, RefusedRead } from '../../core/cluster.ts';
import { apiVersionOf, resourceTypes, watchedType } from '../kinds/resources.ts';

/** How a reason begins where the API server does not have a resource. */
export const notServed = 'the server has no ';

/** What makes a live cluster answer such a read. */
export function liveRemedy({ kind, resource, namespace, reason }: RefusedRead): string {
  if (kind === 'forbidden') return `allow it: ${ruleFor(resource, namespace)}${boundTo(reason)}`;
  if (resource === 'pods/log')
    return 'nothing to allow: a node keeps the log of a container and of the one before it, as long as the pod is there; what is to be read later has to be shipped to a store of logs';
  if (reason.startsWith(notServed))
    return `nothing to allow: this cluster does not serve ${resource} of ${apiVersionOf(resourceTypes[resource])}; a newer version of Kubernetes, or what was left out of this one, does`;
  return 'ask for less: let the alert carry the label namespace';
}

/** The rule of a role, as YAML on one line. */
export function ruleFor(resource: RefusedRead['resource'], namespace: string | null): string {
  const isLog = resource === 'pods/log';
  const { group, namespaced } = isLog ? resourceTypes.pods : resourceTypes[resource];
  const verbs = isLog ? '["get"]' : '["get", "list"]';
  const role = namespaced && namespace !== null ? `a Role in namespace ${namespace}` : 'a ClusterRole';
  return `${role} with the rule {apiGroups: ["${group}"], resources: ["${resource}"], verbs: ${verbs}}`;
}

/** The same for what is watched. */
export function watchRuleFor(watched: string, namespace: string | null): string {
  const { group, plural } = watchedType(watched);
  const isNamespaced = !Object.hasOwn(resourceTypes, watched) || resourceTypes[watched as ClusterResource].namespaced;
  const role = isNamespaced && namespace !== null ? `a Role in namespace ${namespace}` : 'a ClusterRole';
  return `${role} with the rule {apiGroups: ["${group}"], resources: ["${plural}"], verbs: ["list", "watch"]}`;
}

/** The same for Events that are made. */
export function eventRuleFor(namespace: string | null): string {
  const role = namespace === null ? 'a ClusterRole' : `a Role in namespace ${namespace}`;
  return `${role} with the rule {apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"]}`;
}

/** The API server says who asked. */
export function boundTo(reason: string): string {
  const user = /\bUser "([^"]{1,253})"/.exec(reason)?.[1];
  return user === undefined ? '' : `, bound to ${user}`;
}

/** How kubectl asks for a list. */
export function getCommand(resource: string, namespace: string | null): string {
  const where = namespace === null ? '' : ` -n ${namespace}`;
  return resource === 'pods/log'
    ? `kubectl logs POD -c CONTAINER${where}, and with --previous`
    : `kubectl get ${resource}${where} -o json`;
}
