import type { KubernetesObject } from '../../core/cluster.ts';
import { listAt, numberAt, textAt } from './fields.ts';

const name = '[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?){0,8}';

/** Where a word of a text is a host: behind a scheme or a word that says so, before a port, with a cluster's domain, alone. */
const hostPlaces = [
  new RegExp(`^(${name})$`, 'g'),
  new RegExp(`://(?:[^\\s/@"']{1,200}@)?(${name})`, 'g'),
  new RegExp(`(?<![a-z0-9_.-])(${name}):\\d{2,5}(?![\\d]|[:.]\\d)`, 'g'),
  new RegExp(`(?<![a-z0-9_.-])(${name}\\.svc(?:\\.[a-z0-9.-]{1,100})?)(?![a-z0-9_-])`, 'g'),
  new RegExp(`(?<![a-z0-9_.-])(${name})["'\`]? could not be (?:resolved|found)`, 'g'),
  new RegExp(`(?<![\\d.])(\\d{1,3}(?:\\.\\d{1,3}){3})(?![\\d.])`, 'g'),
  new RegExp(
    `(?:\\blookup|\\bgetaddrinfo for|\\bbad address|\\bcan't find|\\bunknown host|\\bping:|\\benotfound|\\beai_again|unknownhostexception:?|\\bhost ?name|\\bhost:?|\\baddress|\\bupstream|\\bresolve|\\bresolving|\\bconnect(?:ing)? to|\\bdial tcp:? lookup) ["'\`‘]?(?!(?:host|hostname|address|name|server)\\b)(${name})(?![a-z0-9_])`,
    'g',
  ),
] as const;

/** Names and addresses of hosts in a text, in lower case, without ports: `redis-cart:6379`, `http://orders.shop.svc/x`, `10.96.14.2:5432`. */
export function hostsIn(text: string): readonly string[] {
  const lower = text.slice(0, 4000).toLowerCase();
  return [...new Set(hostPlaces.flatMap((place) => [...lower.matchAll(place)].map(([, host = '']) => host)))];
}

/** The hosts of a failure: those that were looked up, not the name server that was asked. */
export function failedHosts(text: string): readonly string[] {
  const servers = [...text.matchAll(/ on ([\d.]{7,15}|\[[\da-f:]+\]):53\b/gi)].map(([, server = '']) => server);
  return hostsIn(text).filter((host) => !servers.includes(host));
}

/** Whether a name can only be one of the cluster's own: without a domain, or in the cluster's. */
export function isInside(host: string): boolean {
  return !/^[\d.]+$/.test(host) && host !== 'localhost' && (!host.includes('.') || /\.svc(?:\.|$)/.test(host));
}

/** The port that stands behind a host in a text; null where none does. */
export function portOfHost(text: string, host: string): number | null {
  const place = text.toLowerCase().indexOf(`${host}:`);
  const port = place < 0 ? undefined : /^\d{2,5}(?!\d)/.exec(text.slice(place + host.length + 1))?.[0];
  return port === undefined ? null : Number(port);
}

/** The ports of a Service where each call goes through them; null where it may be called on any. */
export function portsOf(service: KubernetesObject): readonly number[] | null {
  const ports = listAt(service, 'spec', 'ports').flatMap((port) => numberAt(port, 'port') ?? []);
  const isDirect =
    textAt(service, 'spec', 'clusterIP') === 'None' || textAt(service, 'spec', 'type') === 'ExternalName';
  return ports.length === 0 || isDirect ? null : ports;
}

/** The service that a text names as a host: by its cluster address, its full name, or its short name; null where none. */
export function serviceOfHost(
  text: string,
  namespace: string,
  services: readonly KubernetesObject[],
): KubernetesObject | null {
  for (const host of hostsIn(text)) {
    const found = services.find((service) => isHostOf(host, namespace, service));
    if (found !== undefined) return found;
  }
  return null;
}

function isHostOf(host: string, namespace: string, service: KubernetesObject): boolean {
  const { name: short, namespace: own = '' } = service.metadata;
  if (host === textAt(service, 'spec', 'clusterIP')) return true;
  if (host === short) return own === namespace;
  return host === `${short}.${own}` || host.startsWith(`${short}.${own}.svc`);
}
