import type { KubernetesObject, Observation } from '../../core/cluster.ts';
import { addMs, toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Pieces } from '../../lib/turns.ts';

/** Fields whose values are moments of the cluster's own clocks. */
const timeFields: ReadonlySet<string> = new Set([
  'creationTimestamp',
  'lastTimestamp',
  'firstTimestamp',
  'deprecatedLastTimestamp',
  'deprecatedFirstTimestamp',
  'eventTime',
  'lastTransitionTime',
  'lastUpdateTime',
  'lastHeartbeatTime',
  'startTime',
  'startedAt',
  'finishedAt',
  'lastObservedTime',
]);

/** A node that is ready reports every five minutes; the parts of a dump are not written in one moment. */
const farAheadMs = 3_600_000;
/** Without reports of nodes only a day is far: a quiet cluster writes nothing for hours. */
const farWithoutNodesMs = 24 * 3_600_000;
/** So many objects that agree are no clock that goes wrong. */
const enoughObjects = 3;

/**
 * The moment of a dump: its newest time, unless one node or one object alone is far ahead of all the rest, because that
 * is a clock that goes wrong. Nodes that are ready report all the time, so they show which one it is.
 *
 * @param newest the newest time in all of it
 * @param objects those with times, nodes among them
 */
export function observationOf(newest: Timestamp, objects: readonly KubernetesObject[]): Observation {
  const [first, second, third] = readyReports(objects);
  if (first === undefined) return withoutReports(newest, objects);
  const nodeIsAhead = second !== undefined && addMs(second.at, farAheadMs) < first.at;
  if (nodeIsAhead) {
    const others = beyond(objects, addMs(second.at, farAheadMs)).filter((one) => !isOfNode(one.object, first.node));
    const isOutvoted = third !== undefined && addMs(third.at, farAheadMs) < first.at;
    if (isOutvoted || others.length === 0)
      return without([...others, { name: `node/${first.node}`, at: first.at }], objects, second.at);
  }
  if (newest <= addMs(first.at, farAheadMs)) return { at: newest, ahead: [] };
  const late = beyond(objects, addMs(first.at, farAheadMs));
  return late.length < enoughObjects ? without(late, objects, first.at) : { at: newest, ahead: [] };
}

/** The same where nodes that are ready agree with the newest time: then nothing else has to be looked at. Else null. */
export function observationOfNodes(newest: Timestamp, nodes: readonly KubernetesObject[]): Observation | null {
  const [first, second] = readyReports(nodes);
  if (first === undefined || newest > addMs(first.at, farAheadMs)) return null;
  return second !== undefined && addMs(second.at, farAheadMs) < first.at ? null : { at: newest, ahead: [] };
}

interface Moment {
  readonly name: string;
  readonly at: Timestamp;
}

function withoutReports(newest: Timestamp, objects: readonly KubernetesObject[]): Observation {
  const moments = objects.map(momentOf).sort((one, other) => (one.at < other.at ? 1 : -1));
  const [first, second] = moments;
  const isAlone =
    first !== undefined &&
    second !== undefined &&
    moments.length > enoughObjects &&
    second.at !== '' &&
    addMs(second.at, farWithoutNodesMs) < first.at;
  return isAlone ? { at: second.at, ahead: [aheadText(first, second.at)] } : { at: newest, ahead: [] };
}

/** The newest time that is not far ahead of `trusted`. */
function without(late: readonly Moment[], objects: readonly KubernetesObject[], trusted: Timestamp): Observation {
  const limit = addMs(trusted, farAheadMs);
  const at = objects.map((object) => newestOf(object, limit)).reduce((one, other) => (other > one ? other : one), '');
  return { at, ahead: late.map((moment) => aheadText(moment, at)) };
}

function aheadText({ name, at }: Moment, now: Timestamp): string {
  const minutes = Math.round((toEpochMs(at) - toEpochMs(now)) / 60_000);
  return `Is the clock behind ${name} right? Its times are ${minutes} minutes ahead of all others, and were not taken for the time of the evidence.`;
}

/** The newest first. */
function readyReports(objects: readonly KubernetesObject[]): ReturnType<typeof readyReport> {
  return objects
    .flatMap((object) => readyReport(object))
    .sort((one, other) => (one.at < other.at ? 1 : one.at > other.at ? -1 : 0));
}

/** When a node that is ready reported last. */
function readyReport(object: KubernetesObject): readonly { readonly node: string; readonly at: Timestamp }[] {
  if (object.kind !== 'Node') return [];
  const conditions: unknown = object.status?.['conditions'];
  const ready = (Array.isArray(conditions) ? (conditions as readonly (Record<string, unknown> | null)[]) : []).find(
    (condition) => condition?.['type'] === 'Ready' && condition['status'] === 'True',
  );
  const heartbeat = timeOf(ready?.['lastHeartbeatTime']);
  return heartbeat === null ? [] : [{ node: object.metadata.name, at: heartbeat }];
}

function beyond(
  objects: readonly KubernetesObject[],
  limit: Timestamp,
): readonly (Moment & { readonly object: KubernetesObject })[] {
  return objects.flatMap((object) => {
    const moment = momentOf(object);
    return moment.at > limit ? [{ ...moment, object }] : [];
  });
}

function momentOf(object: KubernetesObject): Moment {
  const { namespace, name } = object.metadata;
  const kind = (object.kind ?? 'object').toLowerCase();
  return { name: namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`, at: newestOf(object) };
}

/** Whether its times may be those of a node's clock: the node, its pods, and what its kubelet says. */
function isOfNode(object: KubernetesObject, node: string): boolean {
  if (object.kind === 'Node') return object.metadata.name === node;
  const fields = object as Readonly<Record<string, { readonly host?: string; readonly name?: string } | undefined>>;
  const hosts = [fields['source']?.host, fields['deprecatedSource']?.host, object.spec?.['nodeName']];
  const about = [fields['involvedObject']?.name, fields['regarding']?.name, object['reportingInstance']];
  return [...hosts, ...about].includes(node);
}

/** The newest time in an object that is not after the limit; empty where there is none. */
export function newestOf(value: unknown, limit: Timestamp = '9999'): Timestamp {
  let newest = '';
  if (value === null || typeof value !== 'object') return newest;
  for (const [key, item] of Object.entries(value)) {
    const time = timeFields.has(key) ? (timeOf(item) ?? '') : newestOf(item, limit);
    if (time > newest && time <= limit) newest = time;
  }
  return newest;
}

function timeOf(value: unknown): Timestamp | null {
  const epochMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(epochMs) ? null : toTimestamp(epochMs);
}

const [names, time] = [[...timeFields].join('|'), '(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d)(\\.\\d+)?Z'];
const jsonField = new RegExp(`"(?:${names})": ?"${time}"`, 'g');
const yamlField = new RegExp(`^[ -]*(?:${names}): ["']?${time}`, 'gm');
/** Looked through between two turns. */
const bytesAtOnce = 1024 * 1024;

/** The newest time in a file of objects; empty where there is none. Nothing is parsed for it. */
export function* newestTime(bytes: Buffer, format: 'JSON' | 'YAML'): Pieces<string> {
  let newest = '';
  for (let from = 0; from < bytes.length; from += bytesAtOnce) {
    // A field that the cut parts is found in the next part.
    const part = bytes.toString('latin1', Math.max(0, from - 200), from + bytesAtOnce);
    newest = newestTimeIn(part, format === 'JSON' ? jsonField : yamlField, newest);
    yield;
  }
  return newest;
}

function newestTimeIn(text: string, field: RegExp, before: string): string {
  let newest = before;
  for (const [, seconds = '', fraction = '.000'] of text.matchAll(field)) {
    const time = `${seconds}${fraction.slice(0, 4).padEnd(4, '0')}Z`;
    if (time > newest) newest = time;
  }
  return newest;
}
