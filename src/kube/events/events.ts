import { eventReporter, isKubernetesName, isOwnEvent } from '../../core/cluster.ts';
import type {
  ClusterEvents,
  ClusterResource,
  EventAnswer,
  KubernetesObject,
  NewEvent,
  ObjectReference,
} from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { toEpochMs } from '../../core/time.ts';
import { retryAfterMs } from '../../lib/retry-after.ts';
import type { KubeClient } from '../connection/client.ts';
import { liveCluster } from '../live/live.ts';
import { microTime } from '../kinds/micro-time.ts';
import { boundTo, eventRuleFor } from '../connection/remedies.ts';
import { apiVersionOf, resourceNames, resourceTypes } from '../kinds/resources.ts';
import { parseStatus } from '../connection/response.ts';
import type { KubeAnswer } from '../connection/transport.ts';

/** Makes Events in the cluster of a client. It needs the right to create them; reading what they are about is asked for, not needed. */
export function clusterEvents(client: KubeClient, clusterName: string | null): ClusterEvents {
  const cluster = liveCluster(client);
  const resources = new Map<string, ClusterResource>(
    resourceNames.map((resource) => [resourceTypes[resource].kind.toLowerCase(), resource]),
  );

  async function refer(kind: string, namespace: string | null, name: string): Promise<ObjectReference | null> {
    const resource = resources.get(kind);
    if (resource === undefined || !isKubernetesName(name)) return null;
    const type = resourceTypes[resource];
    if (type.namespaced && (namespace === null || !isKubernetesName(namespace))) return null;
    const read = await cluster.get(resource, namespace, name);
    if (read.kind === 'ok' && read.value === null) return null;
    const uid = read.kind === 'ok' ? read.value?.metadata.uid : undefined;
    // The Events of a namespace are looked for in it, those of nodes and volumes in default.
    const place = kind === 'namespace' ? name : namespace;
    return {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      name,
      ...((type.namespaced || kind === 'namespace') && place !== null ? { namespace: place } : {}),
      ...(uid === undefined ? {} : { uid }),
    };
  }

  /** A server that may not read Events takes the name for proof: it is a hash that nobody else makes by accident. */
  async function isThere(namespace: string, name: string): Promise<EventAnswer> {
    const read = await cluster.get('events', namespace, name);
    if (read.kind !== 'ok' || (read.value !== null && isOwnEvent(read.value))) return { kind: 'made', namespace };
    return read.value === null
      ? {
          kind: 'failed',
          reason: `Event ${namespace}/${name} was there, and is gone`,
          retryAfterMs: null,
          ambiguous: false,
        }
      : { kind: 'refused', reason: `there is an Event ${namespace}/${name} of somebody else` };
  }

  return {
    clusterName,
    onlyNamespace: null,
    refer,
    async create(event, limits) {
      // What is in no namespace has its Events in this one.
      const namespace = event.regarding.namespace ?? 'default';
      const response = await client.createEvent(namespace, eventObject(event, namespace), limits).catch(unanswered);
      if ('kind' in response) return response;
      if (response.status === 201 || response.status === 200) return { kind: 'made', namespace };
      if (response.status === 409 && parseStatus(response.body).reason === 'AlreadyExists')
        return isThere(namespace, event.name);
      return answerOf(response, namespace, client.server);
    },
  };
}

/** Errors of a connection that was never made. */
const unconnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

function unanswered(thrown: unknown): EventAnswer {
  if (!(thrown instanceof AppError) || thrown.code !== 'ClusterUnavailable') throw thrown;
  const { code } = (thrown.cause ?? {}) as { readonly code?: unknown };
  const ambiguous = !(typeof code === 'string' && unconnected.has(code));
  return { kind: 'failed', reason: thrown.message, retryAfterMs: null, ambiguous };
}

function answerOf(response: KubeAnswer, namespace: string, server: string): EventAnswer {
  const { status, body, retryAfter, date } = response;
  const { message } = parseStatus(body);
  const said = `${server} answered ${status}: ${message}`;
  if ([401, 409, 429].includes(status) || status >= 500) {
    // As of any receiver: 501 and 503 say that nothing was done.
    const ambiguous = status >= 500 && status !== 501 && status !== 503;
    return { kind: 'failed', reason: said, retryAfterMs: retryAfterMs(retryAfter, date, Date.now()), ambiguous };
  }
  // Also what admission refuses is 403, and no rule allows it.
  if (status === 403 && message.includes('cannot create resource'))
    return {
      kind: 'refused',
      reason: `may not create Events in namespace ${namespace}; allow it: ${eventRuleFor(namespace)}${boundTo(message)}`,
    };
  if (status === 404) return { kind: 'refused', reason: `${said} (namespace ${namespace})` };
  return { kind: 'refused', reason: said };
}

/** As the API server takes it. */
export function eventObject(event: NewEvent, namespace: string): KubernetesObject {
  const { name, regarding, at, type, reason, action, note, instance } = event;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace },
    eventTime: microTime(toEpochMs(at)),
    reportingController: eventReporter,
    reportingInstance: instance,
    type,
    reason,
    action,
    note,
    regarding,
  };
}
