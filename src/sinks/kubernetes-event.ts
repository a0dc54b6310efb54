import { objectOf } from '../core/json.ts';
import { z } from 'zod';
import { mostNoteBytes } from '../core/cluster.ts';
import type { ClusterEvents, NewEvent, ObjectReference } from '../core/cluster.ts';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import { toTimestamp } from '../core/time.ts';
import { isLonger } from '../lib/cut.ts';
import { oneLine } from '../lib/printable.ts';
import { namespaceName } from '../lib/schema.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery } from './define.ts';
import { templated } from './fields.ts';
import { viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';
import { sha256Hex } from '../lib/hash.ts';

/** Labels that name an object, with its kind; a workload before its pods, which come and go. */
const objectLabels = [
  ['deployment', 'deployment'],
  ['statefulset', 'statefulset'],
  ['daemonset', 'daemonset'],
  ['cronjob', 'cronjob'],
  ['job_name', 'job'],
  ['pod', 'pod'],
  ['persistentvolumeclaim', 'persistentvolumeclaim'],
  ['node', 'node'],
] as const;

const mostInstanceCharacters = 128;

/**
 * An Event on what the incident is about. Its name is made of what it says: the same statement about an alert since it fires is
 * one Event, whoever sends it again, so that a repeated request has no second effect.
 */
export const kubernetesEvent = defineSink({
  type: 'kubernetes-event',
  description: 'An Event on the object that the alert is about, as kubectl describe shows it.',
  example: { fallbackNamespace: 'default' },
  remembers: true,
  permissions: [{ apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] }],
  config: z.object({
    note: templated.optional().meta({
      description:
        'What it says, cut to 1024 bytes with the command that shows the run. Default: the alert and its cause.',
    }),
    fallbackNamespace: namespaceName.default('default').meta({
      description: 'Of this namespace is the Event where the alert names none.',
    }),
  }),
  async deliver(io, config, delivery): Promise<DeliveryVerdict> {
    const { events } = io;
    if (events === null)
      throw new AppError(
        'SinkNotReady',
        'this server has no live cluster to make Events in; start it with --context NAME or --kubeconfig FILE',
      );
    const view = viewOf(delivery.payload);
    const elsewhere = otherCluster(events, view);
    if (elsewhere !== null) return { ok: false, retry: false, reason: elsewhere };
    const namespace = view.namespace || config.fallbackNamespace;
    const { onlyNamespace } = events;
    if (onlyNamespace !== null && namespace !== onlyNamespace)
      return { ok: false, retry: false, reason: beyondWall(onlyNamespace, namespace, view) };
    const regarding = await firstOf(events, objectsOf(delivery, view, namespace));
    if (regarding === null) return { ok: false, retry: false, reason: `there is no namespace ${namespace}` };
    const event = eventOf(delivery, view, config.note ?? null);
    const { timestamp } = delivery.payload;
    const at = typeof timestamp === 'string' ? timestamp : toTimestamp(io.now());
    const answer = await events.create({ ...event, regarding, at }, { timeoutMs: io.timeoutMs, signal: io.signal });
    if (answer.kind === 'made')
      return { ok: true, reference: `${answer.namespace}/${event.name} on ${objectName(regarding)}` };
    if (answer.kind === 'refused') return { ok: false, retry: false, reason: answer.reason };
    const { reason, retryAfterMs, ambiguous } = answer;
    return { ok: false, retry: true, reason, ambiguous, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
  },
});

/** Names are the same in all clusters: the Event would be on an object that has nothing to do with it. */
function otherCluster({ clusterName }: ClusterEvents, { labels }: PayloadView): string | null {
  const { cluster } = labels;
  if (clusterName === null || cluster === undefined || cluster === '' || cluster === clusterName) return null;
  return `the alert is about cluster ${cluster}, and this server is connected to cluster ${clusterName}: give the Sink a condition`;
}

/** Whoever raises an alert chooses its namespace. */
function beyondWall(onlyNamespace: string, namespace: string, view: PayloadView): string {
  const makes = `a Sink in namespace ${onlyNamespace} makes Events there alone`;
  return view.namespace === ''
    ? `${makes}, and the alert names no namespace: set fallbackNamespace: ${onlyNamespace}`
    : `${makes}, and the alert is about namespace ${namespace}: start the operator with --investigate-from ${onlyNamespace} (read.fromNamespaces of the chart), or give the Sink a condition`;
}

/** `pod/shop/web-1` and `node/worker-1`, the one to prefer first: what was told before, what the report is about, what labels name. */
function objectsOf({ payload, known }: SinkDelivery, { labels }: PayloadView, namespace: string): readonly string[] {
  const told = / on (\S+)$/.exec(known.open ?? '')?.[1];
  const { object: reported } = objectOf(payload['report']);
  const labelled = objectLabels.flatMap(([label, kind]) => {
    const name = labels[label] ?? '';
    return name === '' ? [] : [kind === 'node' ? `${kind}/${name}` : `${kind}/${namespace}/${name}`];
  });
  return [told, reported, ...labelled, `namespace/${namespace}`].filter((object) => typeof object === 'string');
}

/** The first that is there. */
async function firstOf(events: ClusterEvents, objects: readonly string[]): Promise<ObjectReference | null> {
  for (const object of new Set(objects)) {
    const parts = object.split('/');
    const [kind = '', namespace, name = ''] = parts.length === 3 ? parts : [parts[0], null, parts[1]];
    const found = await events.refer(kind, namespace ?? null, name);
    if (found !== null) return found;
  }
  return null;
}

function objectName({ kind, namespace, name }: ObjectReference): string {
  return [kind.toLowerCase(), namespace, name].filter((part) => part !== undefined).join('/');
}

/** Reason, action and what it says, by what is told. */
function statementOf({ event }: SinkDelivery, { isOver, cause }: PayloadView) {
  const type: NewEvent['type'] = isOver || event === 'run-started' ? 'Normal' : 'Warning';
  if (event === 'alert-resolved') return { type, reason: 'IncidentResolved', action: 'Resolve', says: 'resolved' };
  if (event === 'run-started')
    return { type, reason: 'InvestigationStarted', action: 'Investigate', says: 'looked into' };
  if (event === 'approval-requested')
    return { type, reason: 'ApprovalRequested', action: 'Approve', says: 'waits for an approval' };
  if (cause !== null) return { type, reason: 'IncidentExplained', action: 'Investigate', says: cause };
  return { type, reason: 'IncidentInvestigated', action: 'Investigate', says: 'no cause was found' };
}

function eventOf(delivery: SinkDelivery, view: PayloadView, wanted: string | null): Omit<NewEvent, 'regarding' | 'at'> {
  const { says, ...statement } = statementOf(delivery, view);
  const text = oneLine(wanted ?? `${view.name}: ${says}`, mostNoteBytes);
  const command = view.runId === null ? 'fist get alerts' : `fist describe run/${view.runId}`;
  const identity = JSON.stringify([delivery.subjectKey, view.startsAt, delivery.sinkName, statement.reason, text]);
  return {
    ...statement,
    name: `fist-${sha256Hex(identity).slice(0, 32)}`,
    note: `${cutTo(text, mostNoteBytes - Buffer.byteLength(` (${command})`))} (${command})`,
    instance: `sink/${delivery.sinkName}`.slice(0, mostInstanceCharacters),
  };
}

/** Text of at most so many bytes, cut between whole characters. */
function cutTo(text: string, mostBytes: number): string {
  if (!isLonger(text, mostBytes)) return text;
  const mark = '…';
  const bytes = Buffer.from(text).subarray(0, mostBytes - Buffer.byteLength(mark));
  return new TextDecoder().decode(bytes, { stream: true }) + mark;
}
