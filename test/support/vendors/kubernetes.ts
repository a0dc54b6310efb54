import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterEvents } from '../../../src/core/cluster.ts';
import { connectKube } from '../../../src/kube/connection/client.ts';
import { clusterEvents } from '../../../src/kube/events/events.ts';
import type { Cleanup } from '../cleanup.ts';
import type { StrictVendor } from '../sink-suite.ts';
import { startVendor } from '../vendor.ts';
import type { VendorAnswer, VendorRequest } from '../vendor.ts';

/** An Event of events.k8s.io/v1, as it was made. */
export interface MadeEvent {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly eventTime: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly type: string;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly regarding: {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
  };
}

/** What an API server has and allows, beside what it takes of Events. */
export interface EventServerOptions {
  /** Paths of objects that are there. */
  readonly objects: readonly string[];
  /** Paths of what may not be read. */
  readonly hidden?: RegExp;
  /** In place of what it would answer to an Event. */
  readonly answer?: (event: MadeEvent) => VendorAnswer | undefined;
}

export interface EventServer extends StrictVendor {
  /** By namespace and name. */
  readonly made: Map<string, MadeEvent>;
}

/** An API server that refuses Events which the real one refuses. */
export async function startEventServer({ objects, hidden, answer }: EventServerOptions): Promise<EventServer> {
  const made = new Map<string, MadeEvent>();

  function create({ path, json }: VendorRequest): VendorAnswer {
    const event = json as MadeEvent;
    const [, namespace = ''] = /^\/apis\/events\.k8s\.io\/v1\/namespaces\/([^/]+)\/events$/.exec(path) ?? [];
    const wanted = answer?.(event);
    if (wanted !== undefined) return wanted;
    const problems = problemsOf(event, namespace);
    if (problems.length > 0) return status(422, 'Invalid', problems.join('; '));
    const key = `${namespace}/${event.metadata.name}`;
    if (made.has(key)) return status(409, 'AlreadyExists', `events "${event.metadata.name}" already exists`);
    made.set(key, event);
    return { status: 201, body: event };
  }

  function read({ path }: VendorRequest): VendorAnswer {
    if (hidden?.test(path) === true) return status(403, 'Forbidden', 'cannot get resource');
    const [, namespace, name = ''] = /^\/api\/v1\/namespaces\/([^/]+)\/events\/([^/]+)$/.exec(path) ?? [];
    const event = made.get(`${namespace}/${name}`);
    if (event !== undefined)
      return { status: 200, body: { metadata: event.metadata, reportingComponent: event.reportingController } };
    const last = path.split('/').at(-1) ?? '';
    return objects.includes(path)
      ? { status: 200, body: { metadata: { name: last, uid: `uid-${last}` } } }
      : { ...status(404, 'NotFound', 'not found', last) };
  }

  const vendor = await startVendor((request) => (request.method === 'POST' ? create(request) : read(request)));
  const strict = {
    ...vendor,
    // That an Event is there already is what a repeated request is told.
    get refusals() {
      return vendor.refusals.filter((refusal) => !refusal.includes('AlreadyExists'));
    },
  };
  return { vendor: strict, made, effects: () => made.size, shown: () => [...made.values()].map(({ note }) => note) };
}

export function status(code: number, reason: string, message: string, name = ''): VendorAnswer {
  return { status: code, body: { kind: 'Status', code, reason, message, details: { name } } };
}

/** What the API server says of it (kubernetes/pkg/apis/core/validation/events.go). */
function problemsOf(event: MadeEvent, namespace: string): readonly string[] {
  const { metadata, eventTime, reportingController, reportingInstance, type, reason, action, note, regarding } = event;
  const problems: string[] = [];
  if (metadata.namespace !== namespace) problems.push('metadata.namespace');
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(metadata.name)) problems.push('metadata.name');
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(eventTime)) problems.push('eventTime');
  if (reportingController === '') problems.push('reportingController');
  for (const text of [reportingInstance, reason, action]) if (text === '' || text.length > 128) problems.push(text);
  if (type !== 'Normal' && type !== 'Warning') problems.push('type');
  if (Buffer.byteLength(note) > 1024) problems.push('note');
  if ((regarding.namespace ?? 'default') !== namespace) problems.push('regarding.namespace');
  return problems;
}

/** What a Sink gets of a server that speaks to the API server at this address. */
export async function eventsAt(
  cleanup: Cleanup,
  url: string,
  clusterName: string | null = null,
): Promise<ClusterEvents> {
  const kubeconfig = join(cleanup.temporaryFolder('events'), 'config');
  const config = {
    clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'let-me-in' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const client = await connectKube({ kubeconfig });
  cleanup.defer(() => client.close());
  return clusterEvents(client, clusterName);
}
