import { isClusterScopedResource } from '../analyzers/define.ts';
import type { ReadReference } from '../analyzers/define.ts';

/** The kubectl command that shows again what was read. Names in it are Kubernetes names, so nothing needs quoting. */
export function commandOf(read: ReadReference): string {
  if (read.kind === 'object') return `kubectl get ${read.of} ${read.name}${inNamespace(read.namespace)} -o yaml`;
  if (read.kind === 'events') return `kubectl events${inNamespace(read.namespace)} --for ${read.of}/${read.name}`;
  if (read.kind === 'metrics') return read.command;
  if (read.kind === 'list')
    return `kubectl get ${read.resource}${inNamespace(read.namespace)}${read.namespace === null && !isClusterScopedResource(read.resource) ? ' -A' : ''}`;
  return `kubectl logs -n ${read.namespace} ${read.pod} -c ${read.container}${read.previous ? ' --previous' : ''} --tail=${read.tailLines ?? 200}`;
}

function inNamespace(namespace: string | null): string {
  return namespace === null ? '' : ` -n ${namespace}`;
}

/** `pod/shop/web-1`, `events of pod/shop/web-1`, `previous log of ...`, for people. */
export function describeRead(read: ReadReference): string {
  const where = (namespace: string | null, rest: string): string =>
    namespace === null ? rest : `${namespace}/${rest}`;
  if (read.kind === 'object') return `${read.of}/${where(read.namespace, read.name)}`;
  if (read.kind === 'events') return `the events of ${read.of}/${where(read.namespace, read.name)}`;
  if (read.kind === 'metrics') return `metrics of ${read.object}`;
  if (read.kind === 'list')
    return `the ${read.resource}${read.namespace === null ? ' of the cluster' : ` of namespace ${read.namespace}`}`;
  return `the ${read.previous ? 'previous ' : ''}log of container ${read.container} of pod/${read.namespace}/${read.pod}`;
}
