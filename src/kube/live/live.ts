import { isKubernetesName } from '../../core/cluster.ts';
import type {
  Cluster,
  ClusterResource,
  KubernetesObject,
  ListQuery,
  LogQuery,
  ReadResult,
  UsageQuery,
} from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { toTimestamp } from '../../core/time.ts';
import type { ClusterWatch } from '../../core/watch.ts';
import type { KubeClient, KubeResponse } from '../connection/client.ts';
import { liveRemedy, notServed } from '../connection/remedies.ts';
import { apiVersionOf, collectionPath, resourceTypes, usagePath } from '../kinds/resources.ts';
import { parseStatus } from '../connection/response.ts';
import { watchObjects } from '../watch/watch.ts';

const maxObjectBytes = 8 * 1024 * 1024;
const maxPageBytes = 64 * 1024 * 1024;
const maxLogBytes = 2 * 1024 * 1024;
/** Objects of one page, and how many pages a list may have before it is cut off as too large. */
const pageSize = 500;
const maxPages = 40;

/**
 * The live cluster of a client, read only: get, list (paged), logs. 403 is `forbidden`; an API that the server does not have is
 * `not_captured`; an object that it does not have is `ok` with null. The server is first asked by the first read.
 */
export function liveCluster(client: KubeClient): Cluster & ClusterWatch {
  return {
    description: client.description,
    get: (resource, namespace, name) => getObject(client, resource, namespace, name),
    list: (query) => listObjects(client, query),
    logs: (query) => readLogs(client, query),
    usage: (query) => readUsage(client, query),
    observedAt: async () => ({ at: toTimestamp(Date.now()), ahead: [] }),
    remedyFor: liveRemedy,
    watch: (query, io) => watchObjects(client, query, io),
  };
}

type Refusal = Exclude<ReadResult<never>, { kind: 'ok' }>;

async function getObject(
  client: KubeClient,
  resource: ClusterResource,
  namespace: string | null,
  name: string,
): Promise<ReadResult<KubernetesObject | null>> {
  const scope = resourceTypes[resource].namespaced ? namespace : null;
  if (resourceTypes[resource].namespaced && scope === null)
    return { kind: 'not_captured', reason: `${resource} need a namespace` };
  // What cannot be a name names nothing, and never becomes a part of a path.
  if (!isKubernetesName(name) || (scope !== null && !isKubernetesName(scope))) return { kind: 'ok', value: null };
  const response = await client.get(`${collectionPath(resource, scope)}/${name}`, {}, maxObjectBytes);
  if (response.status === 404 && parseStatus(response.body).name === name) return { kind: 'ok', value: null };
  const refusal = refusalOf(client, response, resource);
  if (refusal !== null) return refusal;
  return { kind: 'ok', value: parse(client, response) as unknown as KubernetesObject };
}

async function listObjects(client: KubeClient, query: ListQuery): Promise<ReadResult<readonly KubernetesObject[]>> {
  const type = resourceTypes[query.resource];
  const scope = type.namespaced ? (query.namespace ?? null) : null;
  if (scope !== null && !isKubernetesName(scope)) return { kind: 'ok', value: [] };
  const labels = Object.entries(query.labels ?? {});
  // No object can have such a label, and it must not become a selector of its own.
  if (!labels.every(([name, value]) => /^[A-Za-z0-9./_-]+$/.test(name) && /^[A-Za-z0-9._-]*$/.test(value)))
    return { kind: 'ok', value: [] };
  const selector: Record<string, string> =
    labels.length === 0 ? {} : { labelSelector: labels.map(([name, value]) => `${name}=${value}`).join(',') };
  const items: KubernetesObject[] = [];
  let position: Record<string, string> = {};
  for (let page = 0; page < maxPages; page += 1) {
    const parameters = { limit: String(pageSize), ...selector, ...position };
    const response = await client.get(collectionPath(query.resource, scope), parameters, maxPageBytes);
    if (response.status === 410 && page > 0) {
      // The snapshot is gone; the server says where to go on with a newer one (inconsistent, but complete enough to read).
      position = { continue: parseStatus(response.body).continueToken };
      if (position['continue'] === '') break;
      continue;
    }
    const refusal = refusalOf(client, response, query.resource);
    if (refusal !== null) return refusal;
    const list = parse(client, response) as { items?: readonly KubernetesObject[]; metadata?: { continue?: string } };
    const typed = { apiVersion: apiVersionOf(type), kind: type.kind };
    items.push(...(list.items ?? []).map((item) => ({ ...typed, ...item })));
    const next = list.metadata?.continue ?? '';
    if (next === '') return { kind: 'ok', value: items };
    position = { continue: next };
  }
  return {
    kind: 'not_captured',
    reason: `there are more than ${items.length} ${query.resource}; ask for one namespace`,
  };
}

async function readLogs(client: KubeClient, query: LogQuery): Promise<ReadResult<string>> {
  const { namespace, pod, container, previous, tailLines } = query;
  if (![namespace, pod, container].every(isKubernetesName))
    return { kind: 'not_captured', reason: 'this is no name of a container of a pod' };
  const parameters = { container, tailLines: String(tailLines), ...(previous ? { previous: 'true' } : {}) };
  const response = await client.get(`${collectionPath('pods', namespace)}/${pod}/log`, parameters, maxLogBytes, true);
  // 204: no container of the pod has been started yet.
  if (response.status === 200 || response.status === 204) return { kind: 'ok', value: response.body };
  const { message } = parseStatus(response.body);
  return { kind: response.status === 403 ? 'forbidden' : 'not_captured', reason: message };
}

/** What metrics-server, or another program behind the API server, has measured. */
async function readUsage(
  client: KubeClient,
  { of, namespace }: UsageQuery,
): Promise<ReadResult<readonly KubernetesObject[]>> {
  const scope = of === 'pods' ? namespace : null;
  if (scope !== null && !isKubernetesName(scope)) return { kind: 'ok', value: [] };
  const response = await client.get(usagePath(of, scope), {}, maxPageBytes, true);
  if (response.status === 200 && !response.truncated)
    return { kind: 'ok', value: (parse(client, response) as { items?: readonly KubernetesObject[] }).items ?? [] };
  const { message } = parseStatus(response.body);
  if (response.status === 403) return { kind: 'forbidden', reason: message };
  const why = response.truncated ? 'the answer is too large; ask for one namespace' : message;
  // 404: nobody serves it; 503: who serves it is away.
  return { kind: 'not_captured', reason: `${notServed}metrics.k8s.io to say what ${of} use (${why})` };
}

/** null for a good answer. */
function refusalOf(client: KubeClient, response: KubeResponse, resource: ClusterResource): Refusal | null {
  if (response.status === 200 && !response.truncated) return null;
  if (response.status === 200)
    return { kind: 'not_captured', reason: `the answer for ${resource} is too large; ask for less` };
  const { message } = parseStatus(response.body);
  if (response.status === 403) return { kind: 'forbidden', reason: message };
  if (response.status === 404) return { kind: 'not_captured', reason: `${notServed}${resource} (${message})` };
  throw new AppError('ClusterUnavailable', `${client.server} answered ${response.status} for ${resource}: ${message}`, {
    next: `${client.kubectl} get ${resource}`,
  });
}

function parse(client: KubeClient, response: KubeResponse): object {
  try {
    return JSON.parse(response.body) as object;
  } catch (error) {
    throw new AppError(
      'ClusterUnavailable',
      `${client.server} did not answer with JSON: ${response.body.slice(0, 120)}`,
      { cause: error, next: `${client.kubectl} version` },
    );
  }
}
