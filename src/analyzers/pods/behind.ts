import type { KubernetesObject } from '../../core/cluster.ts';
import type { AnalyzerIo, Pointer, Target } from '../define.ts';
import { remoteKinds } from '../log/kinds.ts';
import type { TellingLine } from '../log/telling.ts';
import { clusterDns } from '../reading/cluster-dns.ts';
import { at, listAt, textAt } from '../reading/fields.ts';
import { failedHosts, isInside, portOfHost, portsOf, serviceOfHost } from '../reading/hosts.ts';
import { hasName } from '../reading/names.ts';
import { closestName } from '../reading/similar-name.ts';
import { loopbackNote } from './loopback.ts';
import type { ContainerView } from './pod-status.ts';

/** What a line of a log points at. */
export interface Behind {
  readonly pointers: readonly Pointer[];
  /** Where the line names a Service that does not exist; empty otherwise. */
  readonly note: string;
}

const nothingBehind: Behind = { pointers: [], note: '' };

/** The Services that a line names as the other end; without a host in it, those that the variables of the container name. */
export async function behind(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  telling: TellingLine | null,
): Promise<Behind> {
  if (telling?.kind == null || !remoteKinds.has(telling.kind)) return nothingBehind;
  const inside = loopbackNote(target, container, telling);
  if (inside !== '') return { pointers: [], note: inside };
  const namespace = target.namespace ?? '';
  const result = await io.list('services', namespace);
  if (result.kind !== 'ok') return nothingBehind;
  const hosts = failedHosts(telling.text);
  const services = [...result.value, ...(await servicesElsewhere(io, namespace, hosts))];
  const wrong = wrongPort(telling.text, hosts, namespace, services);
  if (wrong !== '') return { pointers: [], note: wrong };
  const silent = await silentNameServers(io, telling.text);
  if (silent.length > 0) return { pointers: silent, note: '' };
  const named = hosts.flatMap((host) => serviceOfHost(host, namespace, services) ?? []);
  const servers = telling.kind === 'unresolved' ? await nameServers(io) : [];
  if (named.length > 0) return { pointers: [...named.map(pointerTo), ...servers], note: '' };
  const missing = hosts.find((host) => isInside(host));
  if (missing !== undefined)
    return telling.kind === 'unresolved' && result.isPartial !== true
      ? { pointers: [], note: missingService(missing, namespace, result.value, container) }
      : nothingBehind;
  if (hosts.length > 0) return { pointers: servers, note: '' };
  const values = listAt(container.spec, 'env').map((variable) => textAt(variable, 'value'));
  const called = new Set(values.flatMap((value) => serviceOfHost(value, namespace, services) ?? []));
  return { pointers: [...called].map(pointerTo), note: '' };
}

/** Where a Service is called on a port that it does not have, nothing behind it is at fault; empty where all ports fit. */
function wrongPort(
  text: string,
  hosts: readonly string[],
  namespace: string,
  services: readonly KubernetesObject[],
): string {
  for (const host of hosts) {
    const service = serviceOfHost(host, namespace, services);
    const port = portOfHost(text, host);
    const ports = service === null ? null : portsOf(service);
    if (service !== null && port !== null && ports !== null && !ports.includes(port))
      return ` Service ${service.metadata.name} has no port ${port}, it has ${ports.join(', ')}.`;
  }
  return '';
}

/** Services of the other namespaces that hosts name: `orders.db.svc`, `orders.db`. */
async function servicesElsewhere(
  io: AnalyzerIo,
  own: string,
  hosts: readonly string[],
): Promise<readonly KubernetesObject[]> {
  const named = hosts.flatMap((host) => {
    const [, place, domain] = host.split('.');
    const isInCluster = domain === 'svc' || (domain === undefined && place !== undefined && !outside.test(place));
    return isInCluster && place !== undefined && place !== own ? [place] : [];
  });
  const places: readonly (string | null)[] = [
    ...[...new Set(named)].slice(0, 2),
    // An address of its own says nothing of the namespace.
    ...(hosts.some((host) => privateAddress.test(host)) ? [null] : []),
  ];
  const lists = await Promise.all(places.map((place) => io.list('services', place)));
  return lists.flatMap((list) => (list.kind === 'ok' ? list.value : []));
}

const privateAddress = /^(?:10|172|192|100|198)(?:\.\d{1,3}){3}$/;

/**
 * The name server of `lookup X on 10.96.0.10:53: ... refused`, as the Service of that address: it did not answer, and of X nothing
 * is known. Empty where the line speaks of none, or of one that answered.
 */
async function silentNameServers(io: AnalyzerIo, text: string): Promise<readonly Pointer[]> {
  const asked =
    / on (\d{1,3}(?:\.\d{1,3}){3}):53\b.{0,200}(?:refused|i\/o timeout|timed out|unreachable|no route)/i.exec(text);
  if (asked === null) return [];
  const found = (await clusterDns(io)).find((one) => textAt(one, 'spec', 'clusterIP') === asked[1]);
  return found === undefined ? nameServers(io) : [pointerTo(found)];
}

/** What answers the questions for names in a cluster, by its usual name where its Service is not known. */
async function nameServers(io: AnalyzerIo): Promise<readonly Pointer[]> {
  const services = await clusterDns(io);
  return services.length > 0
    ? services.map(pointerTo)
    : [{ kind: 'service', namespace: 'kube-system', name: 'kube-dns' }];
}

/** Last parts of names that are no namespaces. */
const outside = /^(?:\d+|com|org|net|io|dev|app|cloud|co|de|eu|uk|us|cn|local|internal|lan|home|corp)$/;

function pointerTo({ metadata }: KubernetesObject): Pointer {
  return { kind: 'service', namespace: metadata.namespace ?? null, name: metadata.name };
}

function missingService(
  host: string,
  namespace: string,
  services: readonly KubernetesObject[],
  container: ContainerView,
): string {
  const [name = host, place = namespace] = host.split('.');
  if (place !== namespace) return '';
  const nearest = closestName(
    name,
    services.map(({ metadata }) => metadata.name),
  );
  const variable = listAt(container.spec, 'env').find((one) => hasName(textAt(one, 'value'), name));
  const where = variable === undefined ? '' : ` (it stands in variable ${String(at(variable, 'name'))})`;
  return ` There is no Service ${name} in namespace ${namespace}${where}.${nearest === undefined ? '' : ` The nearest name is ${nearest}.`}`;
}
